// Client of the fake Slack: requests over HTTP, changes over a WebSocket.

const UNREACHABLE = "The playground does not answer. Is it still running?";
const MIN_WAIT = 400;
const MAX_WAIT = 5000;

/** Read. Always resolves to an object; a refusal has `ok: false` and a sentence as `error`. */
export const get = (path, query) => parsed(fetch(`/ui/${path}?${new URLSearchParams(query)}`));

/** Act. Resolves once the app has parsed or has failed to. */
export const post = (path, body) =>
  parsed(
    fetch(`/ui/${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    }),
  );

async function parsed(request) {
  try {
    const response = await request;
    return await response.json();
  } catch {
    return { ok: false, error: UNREACHABLE };
  }
}

/**
 * Receive every change that a person can see, reconnecting until stopped.
 * `onOpen` runs at each connection, to reload what was missed. Returns a function that stops.
 */
export function listen(user, { onOpen, onChange, onLost }) {
  let socket = null;
  let stopped = false;
  let wait = MIN_WAIT;

  function connect() {
    if (stopped) return;
    socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/ui/stream?user=${user}`);
    socket.onopen = () => {
      wait = MIN_WAIT;
      if (stopped) socket.close();
      else onOpen();
    };
    socket.onmessage = (event) => stopped || onChange(JSON.parse(event.data));
    socket.onclose = () => {
      if (stopped) return;
      onLost();
      setTimeout(connect, wait);
      wait = Math.min(wait * 2, MAX_WAIT);
    };
  }

  connect();
  return () => {
    stopped = true;
    // Closing a socket that is still connecting logs an error in the browser's console.
    if (socket.readyState === WebSocket.OPEN) socket.close();
  };
}
