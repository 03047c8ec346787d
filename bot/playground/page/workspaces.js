// The name of the workspace; with several, a menu to switch, to install the app and to remove it.

import { el } from "./dom.js";
import { icon } from "./icons.js";
import { openMenu } from "./popovers.js";
import { removeApp } from "./session.js";
import { state } from "./state.js";

const INSTALLED = { true: "The app is installed", false: "The app is not installed" };

const words = el("span", { class: "words" });
const switcher = el(
  "button",
  { type: "button", class: "switcher", "aria-haspopup": "menu", "aria-expanded": "false", onclick: () => open() },
  words,
  icon("caret", 14),
);
const plain = el("span", {});
export const workspaceName = el("p", { class: "workspace-name" }, plain, switcher);
const install = el("a", { class: "install" }, "Install the App");
export const notInstalled = el("p", { class: "not-installed", hidden: true }, "The app is not installed here. ", install);

const current = () => state.workspaces.find((one) => one.id === state.workspace.id);

export function drawWorkspaces() {
  const hasMenu = state.workspaces.length > 1;
  plain.textContent = words.textContent = state.workspace.name;
  plain.hidden = hasMenu;
  switcher.hidden = !hasMenu;
  switcher.setAttribute("aria-label", `${state.workspace.name}. Switch workspace`);
  notInstalled.hidden = !state.installUrl || (current()?.is_installed ?? true);
  install.setAttribute("href", state.installUrl);
}

function open() {
  const items = state.workspaces.map((one) => ({
    value: one.id,
    isCurrent: one.id === state.workspace.id,
    content: line(one.name, INSTALLED[one.is_installed]),
    onchoose: () => one.id === state.workspace.id || go(`${one.url}/?as=${state.me}`),
  }));
  if (current()?.is_installed) {
    items.push({ content: line("Remove the App", `From ${state.workspace.name}`), onchoose: removeApp });
  } else if (state.installUrl) {
    items.push({ content: line("Install the App", "On its own pages"), onchoose: () => go(state.installUrl) });
  }
  openMenu(switcher, items, { label: "Switch workspace" });
}

const line = (text, about) => el("span", { class: "words" }, text, el("small", {}, about));
const go = (address) => location.assign(address);
