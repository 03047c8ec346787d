// Short notices above the conversation: Slack's own messages, and errors.

import { el } from "./dom.js";
import { icon } from "./icons.js";

const SHOWN_FOR = 8000; // milliseconds; as long again while the pointer or focus rests on it

/** Show a sentence, unless the same one or one that contains it is already shown. */
export function toast(text, kind = "error") {
  const region = place();
  const shown = [...region.children];
  if (shown.some((one) => one.dataset.text.includes(text))) return;
  shown.filter((one) => text.includes(one.dataset.text)).forEach((one) => one.remove());
  const note = el(
    "div",
    { class: `toast ${kind}`, role: kind === "error" ? "alert" : "status", "data-text": text },
    el("span", {}, text),
    el(
      "button",
      { type: "button", class: "quiet", "aria-label": "Dismiss", onclick: () => note.remove() },
      icon("close", 14),
    ),
  );
  region.append(note);
  leaveLater(note);
}

/** Move the notices into an open dialog, because the rest of the page cannot be read then. */
function place() {
  const region = document.getElementById("toasts");
  const dialogs = document.querySelectorAll("dialog[open]");
  const host = dialogs[dialogs.length - 1] ?? document.body;
  if (region.parentElement !== host) host.append(region);
  return region;
}

/** Move the notices out of a dialog that closes. */
export function rescueToasts() {
  const region = document.getElementById("toasts");
  if (region.parentElement !== document.body) document.body.append(region);
}

function leaveLater(note) {
  setTimeout(() => {
    if (note.matches(":hover, :focus-within")) leaveLater(note);
    else note.remove();
  }, SHOWN_FOR);
}
