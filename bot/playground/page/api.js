// The wire to the stand-in: questions and deeds over HTTP, changes over a WebSocket.

const UNREACHABLE = "The playground does not answer. Is it still running?";
const FIRST_WAIT = 400;
const LONGEST_WAIT = 5000;

/** Ask. Always an object; `ok: false` with `error`, a sentence, where it was refused. */
export const get = (path, query) => answered(fetch(`/ui/${path}?${new URLSearchParams(query)}`));

/** Do. The answer comes when the app has answered, or has failed to. */
export const post = (path, body) =>
  answered(
    fetch(`/ui/${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    }),
  );

async function answered(asked) {
  try {
    const response = await asked;
    return await response.json();
  } catch {
    return { ok: false, error: UNREACHABLE };
  }
}

/**
 * Hear every change that concerns a person, reconnecting for as long as it takes.
 * `onOpen` runs at each connection: what was missed has to be read anew. Returns how to stop.
 */
export function listen(user, { onOpen, onChange, onLost }) {
  let socket = null;
  let stopped = false;
  let wait = FIRST_WAIT;

  function connect() {
    if (stopped) return;
    socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/ui/stream?user=${user}`);
    socket.onopen = () => {
      wait = FIRST_WAIT;
      if (stopped) socket.close();
      else onOpen();
    };
    socket.onmessage = (event) => stopped || onChange(JSON.parse(event.data));
    socket.onclose = () => {
      if (stopped) return;
      onLost();
      setTimeout(connect, wait);
      wait = Math.min(wait * 2, LONGEST_WAIT);
    };
  }

  connect();
  return () => {
    stopped = true;
    // Closing one that is still connecting is an error in the browser's console.
    if (socket.readyState === WebSocket.OPEN) socket.close();
  };
}
