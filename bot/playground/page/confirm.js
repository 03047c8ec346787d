// The dialog of an element with a confirm object.

import { el } from "./dom.js";
import { rescueToasts } from "./toasts.js";
import { plain, textNodes } from "./texts.js";

/** Show the dialog. Resolves to whether the action was confirmed. */
export function confirmed(confirm) {
  return new Promise((resolve) => {
    const answer = (isYes) => {
      dialog.close();
      rescueToasts();
      dialog.remove();
      resolve(isYes);
    };
    const dialog = el(
      "dialog",
      { class: "modal confirm", role: "alertdialog", "aria-labelledby": "confirm-title", "aria-describedby": "confirm-text" },
      el("header", {}, el("h2", { id: "confirm-title" }, plain(confirm.title))),
      el("div", { class: "modal-body", id: "confirm-text" }, textNodes(confirm.text)),
      el(
        "footer",
        {},
        el("button", { type: "button", class: "button", onclick: () => answer(false) }, plain(confirm.deny)),
        el(
          "button",
          { type: "button", class: `button ${confirm.style ?? "primary"}`, onclick: () => answer(true) },
          plain(confirm.confirm),
        ),
      ),
    );
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      answer(false);
    });
    document.body.append(dialog);
    dialog.showModal();
    dialog.querySelector("footer button:last-child").focus();
  });
}
