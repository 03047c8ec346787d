// The app's modals: a stack of at most three views, with the top one shown.

import { drawBlocks, showErrors } from "./blocks.js";
import { el } from "./dom.js";
import { draftKey, prune } from "./drafts.js";
import { icon } from "./icons.js";
import { avatar } from "./people.js";
import { closeView, submit } from "./session.js";
import { state } from "./state.js";
import { plain } from "./texts.js";
import { rescueToasts } from "./toasts.js";

const FIELDS = "input, textarea, select, [role=combobox]";

const title = el("h2", { id: "modal-title" });
const back = el("button", { type: "button", class: "quiet", "aria-label": "Back", onclick: () => leave() }, icon("back"));
const sign = el("span", { class: "sign" });
const body = el("div", { class: "modal-body blocks" });
const failure = el("p", { class: "failure", role: "alert" });
const footer = el("footer", {});
let root = null;
let shown = null; // the view on the screen
let submitted = ""; // the view that was submitted, until another one is shown
let closing = ""; // the view that is being closed
let errors = {};

export function startModal(dialog) {
  root = dialog;
  const cross = el(
    "button",
    { type: "button", class: "quiet", "aria-label": "Close", onclick: () => leave({ all: true }) },
    icon("close"),
  );
  const form = el("form", { novalidate: true }, el("header", {}, back, sign, title, cross), body, footer);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });
  body.addEventListener("keydown", enter);
  root.append(form);
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault(); // the browser would close it without telling the app
    leave();
  });
  root.addEventListener("cancel", (event) => event.preventDefault());
  // The close event comes a little later, when another view may already be open.
  root.addEventListener("close", () => shown && !root.open && leave({ all: true }));
}

/** Enter in a one-line field submits, as in every form, instead of pressing the first button. */
function enter(event) {
  const isField = event.target.matches("input.text, input[type=radio], input[type=checkbox]");
  if (event.key !== "Enter" || !isField || event.defaultPrevented) return;
  event.preventDefault();
  if (shown.submit) send();
}

export function drawModal() {
  const view = state.views.at(-1) ?? null;
  if (!view) return hide();
  const isNew = view.id !== shown?.id;
  const isOther = isNew || view.hash !== shown.hash;
  shown = view;
  if (!root.open) root.showModal();
  if (!isOther) return undefined;
  submitted = "";
  errors = {};
  const container = { type: "view", view_id: view.id };
  prune(draftKey(state.me, container), view.blocks);
  if (isNew) body.replaceChildren();
  drawFrame(view);
  drawBlocks(body, view.blocks, container);
  showErrors(body, errors);
  if (!isNew && root.contains(document.activeElement) && document.activeElement !== root) return undefined;
  body.scrollTop = 0;
  return focusFirst(view);
}

function hide() {
  if (!shown) return;
  shown = null;
  root.close();
  rescueToasts();
  body.replaceChildren();
}

function drawFrame(view) {
  title.textContent = plain(view.title);
  sign.replaceChildren(avatar(state.users.get(state.bot), "small"));
  back.hidden = state.views.length < 2;
  failure.textContent = "";
  const close = el(
    "button",
    { type: "button", class: "button", onclick: () => leave() },
    view.close ? plain(view.close) : view.submit ? "Cancel" : "Close",
  );
  const buttons = [failure, close];
  if (view.submit) {
    const disabled = view.submit_disabled || undefined;
    buttons.push(el("button", { type: "submit", class: "button primary", disabled }, el("span", {}, plain(view.submit))));
  }
  footer.replaceChildren(...buttons);
}

function focusFirst(view) {
  const wanted = view.blocks.find((block) => block.element?.focus_on_load);
  const inside = wanted ? body.querySelector(`[data-block="${CSS.escape(wanted.block_id)}"]`) : body;
  const first = inside.querySelector(FIELDS) ?? footer.querySelector(".primary") ?? footer.querySelector("button");
  first.focus({ preventScroll: !wanted });
}

const versionOf = (view) => `${view.id} ${view.hash}`;

async function send() {
  const view = shown;
  if (submitted === versionOf(view)) return;
  submitted = versionOf(view); // until the response, so that a second press does not submit again
  failure.textContent = "";
  setBusy(true);
  const response = await submit(view);
  setBusy(false);
  if (response.ok) return;
  submitted = "";
  if (shown?.id !== view.id) return;
  errors = response.errors;
  failure.textContent = response.failure;
  const first = showErrors(body, errors);
  if (!first) return;
  first.closest(".block").scrollIntoView({ block: "center" });
  (first.matches(FIELDS) ? first : first.querySelector(FIELDS))?.focus({ preventScroll: true });
}

function setBusy(isBusy) {
  const button = footer.querySelector("[type=submit]");
  if (isBusy) button?.setAttribute("aria-busy", "true");
  else button?.removeAttribute("aria-busy");
}

async function leave({ all = false } = {}) {
  const view = shown;
  if (!view || closing === view.id) return;
  closing = view.id; // so that a second press does not close the view below
  await closeView(view, { all });
  closing = "";
}
