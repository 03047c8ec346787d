// The list of conversations: channels, people, the app.

import { el, reconcile } from "./dom.js";
import { icon } from "./icons.js";
import { about, avatar, badge, activePeople } from "./people.js";
import { openMenu, walk } from "./popovers.js";
import { openConversation, openDirect } from "./session.js";
import { drawWorkspaces, notInstalled, workspaceName } from "./workspaces.js";
import { NARROW, changed, isWithApp, state, title } from "./state.js";

const KINDS = { private: ", private" };
const close = el(
  "button",
  { type: "button", class: "quiet drawer-button", "aria-label": "Close", onclick: () => setDrawer(false) },
  icon("close"),
);
const sections = el("div", { class: "sections" });
let wasOpen = false;

export function startSidebar(root, backdrop) {
  root.append(el("header", {}, workspaceName, close), notInstalled, sections);
  root.addEventListener("keydown", (event) => {
    const links = [...root.querySelectorAll(".conversation")];
    if (links.includes(document.activeElement)) walk(event, links);
  });
  document.addEventListener("keydown", (event) => event.key === "Escape" && state.isDrawerOpen && setDrawer(false));
  backdrop.addEventListener("click", () => setDrawer(false));
  NARROW.addEventListener("change", () => {
    state.isDrawerOpen = false;
    changed();
  });
}

function setDrawer(isOpen) {
  state.isDrawerOpen = isOpen;
  changed();
  document.querySelector("#conversation .drawer-button")?.focus();
}

export function drawSidebar(root, backdrop) {
  drawWorkspaces();
  const all = [...state.conversations.values()];
  const channels = all.filter((one) => one.kind !== "im" && (!one.is_archived || isOpen(one)));
  const archived = all.filter((one) => one.kind !== "im" && one.is_archived && !isOpen(one));
  const people = all.filter((one) => one.kind === "im" && !isWithApp(one));
  reconcile(sections, [
    section("Channels", [...channels.toSorted(byName), ...archived.toSorted(byName)]),
    section("Direct messages", people.toSorted(byTitle), newDirect),
    section("Apps", all.filter(isWithApp)),
  ]);
  drawDrawer(root, backdrop);
}

/** In a narrow window the sidebar is a drawer, inert while it is closed. */
function drawDrawer(root, backdrop) {
  const isDrawer = NARROW.matches;
  root.inert = isDrawer && !state.isDrawerOpen;
  root.classList.toggle("open", state.isDrawerOpen);
  backdrop.hidden = !(isDrawer && state.isDrawerOpen);
  if (isDrawer && state.isDrawerOpen && !wasOpen) {
    (root.querySelector("[aria-current]") ?? root.querySelector(".conversation"))?.focus();
  }
  wasOpen = state.isDrawerOpen;
}

const byName = (one, other) => one.name.localeCompare(other.name);
const byTitle = (one, other) => title(one).localeCompare(title(other));
const isOpen = (conversation) => state.place?.channel === conversation.id;

function section(words, conversations, extra) {
  const update = (node) => reconcile(node.lastChild, conversations.map(item));
  return {
    key: words,
    mark: JSON.stringify(conversations.map(markFor)),
    update,
    make: () => {
      const heading = el("h2", {}, words, extra ? extra() : null);
      const node = el("section", { "aria-label": words }, heading, el("ul", {}));
      update(node);
      return node;
    },
  };
}

const markFor = (one) => [one.id, title(one), isOpen(one), one.unread, one.mentions, one.is_archived, one.is_member, one.kind];

function item(conversation) {
  return {
    key: conversation.id,
    mark: JSON.stringify(markFor(conversation)),
    update: (node) => fill(node.firstChild, conversation),
    make: () => {
      const link = el("button", { type: "button", "data-channel": conversation.id, onclick: () => openConversation(conversation.id) });
      fill(link, conversation);
      return el("li", {}, link);
    },
  };
}

function fill(link, conversation) {
  const { unread, mentions, is_archived: isArchived, is_member: isMember } = conversation;
  const classes = ["conversation", unread ? "unread" : "", isArchived || !isMember ? "faint" : ""];
  link.className = classes.filter(Boolean).join(" ");
  if (isOpen(conversation)) link.setAttribute("aria-current", "page");
  else link.removeAttribute("aria-current");
  const suffix = mentions ? `, ${mentions} for you` : unread ? `, ${unread} unread` : "";
  link.setAttribute("aria-label", `${title(conversation)}${KINDS[conversation.kind] ?? ""}${isArchived ? ", archived" : ""}${suffix}`);
  link.replaceChildren(
    sign(conversation),
    el("span", { class: "words" }, title(conversation).replace(/^#/, "")),
    ...(conversation.is_shared ? [icon("shared", 14)] : []),
    ...(mentions ? [el("span", { class: "count" }, String(mentions))] : []),
  );
}

function sign(conversation) {
  if (conversation.kind === "im") return avatar(state.users.get(conversation.user), "small");
  return icon(conversation.kind === "private" ? "lock" : "hash", 15);
}

function newDirect() {
  const open = () => {
    const others = activePeople().filter((user) => user.id !== state.me);
    const items = others.map((user) => ({
      content: el("span", { class: "person" }, avatar(user, "small"), el("span", { class: "words" }, user.real_name, el("small", {}, about(user))), badge(user)),
      onchoose: () => openDirect(user.id),
    }));
    openMenu(button, items, { label: "New direct message" });
  };
  const label = "New direct message";
  const button = el(
    "button",
    { type: "button", class: "quiet", "aria-label": label, title: label, "aria-haspopup": "menu", onclick: open },
    icon("plus", 15),
  );
  return button;
}
