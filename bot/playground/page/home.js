// The App Home: one view per person, published by the app.

import { drawBlocks } from "./blocks.js";
import { el } from "./dom.js";
import { state } from "./state.js";

const READING = "Opening …";
const NOTHING = "This app has not put anything here yet.";

export function drawHome(root) {
  const page = root.querySelector(".home-page") ?? newPage(root);
  if (!state.home) {
    page.replaceChildren(el("p", { class: "dim" }, state.home === undefined ? READING : NOTHING));
    return;
  }
  if (!page.querySelector(":scope > .block")) page.replaceChildren();
  drawBlocks(page, state.home.blocks, { type: "view", view_id: state.home.id });
}

function newPage(root) {
  const page = el("div", { class: "home-page blocks", role: "region", "aria-label": "App Home" });
  root.replaceChildren(page);
  return page;
}
