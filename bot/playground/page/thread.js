// The pane beside the conversation: a message and its replies.

import { Composer } from "./composer.js";
import { el } from "./dom.js";
import { icon } from "./icons.js";
import { closeThread } from "./session.js";
import { here, state, title } from "./state.js";
import { Scroller, drawMessages } from "./messages.js";

const ARCHIVED = "This channel is archived: nothing can be written here.";

const heading = el("h2", {});
const list = el("div", { class: "messages", role: "log", "aria-live": "off", tabindex: "0", "aria-label": "Thread" });
const composer = new Composer();
const scroller = new Scroller(list);
const refusal = el("p", { class: "no-writing", hidden: true }, ARCHIVED);
let drawnThread = "";
let openedFrom = null;

export function startThread(root) {
  const close = el(
    "button",
    { type: "button", class: "quiet", "aria-label": "Close thread", onclick: leave },
    icon("close"),
  );
  root.append(el("header", { class: "head" }, heading, close), list, el("div", { class: "foot" }, refusal, composer.root));
  root.addEventListener("keydown", (event) => {
    const isWriting = Boolean(event.target.value); // there Escape closes the suggestions
    if (event.key === "Escape" && !event.defaultPrevented && !isWriting) leave();
  });
}

function leave() {
  closeThread();
  if (openedFrom?.isConnected) openedFrom.focus();
}

export function drawThread(root) {
  const { thread } = state;
  const wasHidden = root.hidden;
  root.hidden = !thread || !here();
  document.body.classList.toggle("with-thread", !root.hidden);
  if (root.hidden) {
    drawnThread = "";
    return;
  }
  if (wasHidden) openedFrom = document.activeElement;
  heading.replaceChildren("Thread", el("small", {}, title(here())));
  drawMessages(list, thread.messages ?? [], { channel: thread.channel, inThread: true });
  composer.aim({ channel: thread.channel, threadTs: thread.ts, label: "Reply" });
  refusal.hidden = !here().is_archived;
  composer.root.hidden = here().is_archived;
  const drawn = thread.messages ? `${state.me} ${thread.ts}` : "";
  if (drawn !== drawnThread) scroller.start();
  else scroller.follow();
  drawnThread = drawn;
}
