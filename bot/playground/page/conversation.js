// The open conversation: its header, bookmarks, messages or App Home, and the composer.

import { Composer } from "./composer.js";
import { el } from "./dom.js";
import { withEmoji } from "./emoji.js";
import { drawHome } from "./home.js";
import { icon } from "./icons.js";
import { about, avatar, badge } from "./people.js";
import { openMenu } from "./popovers.js";
import { follow, join, openConversation, openDirect } from "./session.js";
import { changed, here, isWithApp, messagesHere, state, title } from "./state.js";
import { Scroller, drawMessages } from "./messages.js";
import { plainText } from "./texts.js";

const READ_ONLY = "Sending messages to this app has been turned off.";
const ARCHIVED = "This channel is archived: nothing can be written here.";
const NO_PINS = "Nothing is pinned here.";
const MAX_EXCERPT = 90;

const head = el("header", { class: "head" });
const bookmarks = el("div", { class: "bookmarks", role: "group", "aria-label": "Bookmarks" });
const list = el("div", { class: "messages", role: "log", "aria-live": "off", tabindex: "0" });
const home = el("div", { class: "home", id: "home" });
const foot = el("div", { class: "foot" });
const composer = new Composer();
const scroller = new Scroller(list);
let drawnPlace = "";

export function startConversation(root) {
  root.append(head, bookmarks, list, home, foot);
  document.addEventListener("show-message", (event) => requestAnimationFrame(() => scroller.show(event.detail)));
}

export function drawConversation() {
  const conversation = here();
  if (!conversation) return;
  const isHome = state.place.tab === "home";
  drawHead(conversation);
  drawBookmarks(conversation);
  list.hidden = isHome;
  home.hidden = !isHome;
  foot.hidden = isHome;
  if (isHome) drawHome(home);
  else drawList(conversation);
  drawFoot(conversation);
}

// ------------------------------------------------------------ the header

let headMark = "";

/** Rebuild the header only when its content changes, so that its buttons keep the focus. */
function drawHead(conversation) {
  const mark = JSON.stringify([conversation, state.place, state.me]);
  if (mark === headMark) return;
  headMark = mark;
  const focused = head.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  head.replaceChildren(
    el(
      "button",
      { type: "button", class: "quiet drawer-button", "aria-label": "Conversations", "data-key": "drawer", onclick: openDrawer },
      icon("menu"),
    ),
    name(conversation),
    el("p", { class: "topic", title: conversation.topic }, conversation.topic),
    ...(conversation.kind === "im" ? [] : [pinsButton(conversation), membersButton(conversation)]),
    ...(isWithApp(conversation) ? [tabs()] : []),
  );
  if (focused) head.querySelector(`[data-key="${focused}"]`)?.focus();
}

function openDrawer() {
  state.isDrawerOpen = true;
  changed();
}

function name(conversation) {
  const user = state.users.get(conversation.user);
  const sign = user ? avatar(user, "small") : icon(conversation.kind === "private" ? "lock" : "hash", 17);
  const words = title(conversation).replace(/^#/, "");
  return el("h1", {}, sign, el("span", {}, words), user ? badge(user) : sharedBadge(conversation));
}

function sharedBadge({ is_shared: isShared, is_archived: isArchived }) {
  const word = isArchived ? "Archived" : isShared ? "Shared" : "";
  return word ? el("span", { class: "badge" }, word) : null;
}

function pinsButton({ id, pins }) {
  const excerpt = (ts) => {
    const message = state.messages.get(id)?.find((one) => one.ts === ts);
    return message ? plainText(message.text).slice(0, MAX_EXCERPT) : "A message";
  };
  const show = (ts) => document.dispatchEvent(new CustomEvent("show-message", { detail: ts }));
  const open = () => {
    const none = { content: NO_PINS, isDisabled: true, onchoose() {} };
    const items = pins.map((ts) => ({ content: excerpt(ts), onchoose: () => show(ts) }));
    openMenu(button, items.length ? items : [none], { label: "Pinned messages", align: "end" });
  };
  const label = pins.length === 1 ? "1 pinned message" : `${pins.length} pinned messages`;
  const button = headButton("pin", pins.length, label, open);
  return button;
}

function membersButton({ members }) {
  const open = () => {
    const people = members.map((id) => state.users.get(id)).filter(Boolean);
    const items = people.map((user) => ({
      content: el("span", { class: "person" }, avatar(user, "small"), el("span", { class: "words" }, user.real_name, el("small", {}, about(user))), badge(user)),
      isDisabled: user.id === state.me || user.deleted || (user.is_bot && user.id !== state.bot),
      onchoose: () => openDirect(user.id),
    }));
    openMenu(button, items, { label: "Members", align: "end" });
  };
  const button = headButton("people", members.length, `${members.length} members`, open);
  return button;
}

function headButton(sign, count, label, onclick) {
  return el(
    "button",
    { type: "button", class: "quiet counted", "aria-label": label, title: label, "aria-haspopup": "menu", "data-key": sign, onclick },
    icon(sign, 16),
    el("span", {}, String(count)),
  );
}

function tabs() {
  const tab = (id, words) => {
    const isCurrent = state.place.tab === id;
    const open = () => openConversation(state.place.channel, { tab: id, keepsFocus: true });
    return el(
      "button",
      { type: "button", role: "tab", "data-key": id, "aria-selected": String(isCurrent), tabindex: isCurrent ? "0" : "-1", onclick: open },
      words,
    );
  };
  const buttons = [tab("home", "Home"), tab("messages", "Messages")];
  const turn = (event) => {
    if (!["ArrowLeft", "ArrowRight"].includes(event.key)) return;
    const other = buttons[1 - buttons.indexOf(document.activeElement)];
    other.focus();
    other.click();
  };
  return el("div", { class: "tabs", role: "tablist", "aria-label": "App", onkeydown: turn }, buttons);
}

function drawBookmarks(conversation) {
  const marks = conversation.bookmarks ?? [];
  bookmarks.hidden = !marks.length;
  const mark = JSON.stringify(marks);
  if (bookmarks.dataset.mark === mark) return;
  bookmarks.dataset.mark = mark;
  bookmarks.replaceChildren(
    ...marks.map(({ title: words, link, emoji }) =>
      el(
        "a",
        { href: link, class: "bookmark", target: "_blank", rel: "noopener noreferrer", onclick: (event) => follow(link) && event.preventDefault() },
        emoji ? el("span", { "aria-hidden": "true" }, withEmoji(emoji)) : icon("bookmark", 14),
        el("span", {}, words),
      ),
    ),
  );
}

// ------------------------------------------------------------ messages and composer

function drawList(conversation) {
  const messages = messagesHere();
  list.setAttribute("aria-label", `Messages in ${title(conversation)}`);
  const { id, pins } = conversation;
  drawMessages(list, messages ?? [], { channel: id, pins, newFrom: state.newFrom, canReply: !refusalFor(conversation) });
  if (messages && !messages.length) list.replaceChildren(beginning(conversation));
  const place = messages ? `${state.me} ${conversation.id}` : "";
  if (place !== drawnPlace) scroller.start();
  else scroller.follow();
  drawnPlace = place;
}

function beginning(conversation) {
  const words = conversation.kind === "im" ? "your conversation with " : "";
  return el(
    "div",
    { class: "beginning" },
    el("h2", {}, title(conversation)),
    el("p", {}, `This is the very beginning of ${words}${title(conversation)}.`),
  );
}

function drawFoot(conversation) {
  const refusal = refusalFor(conversation);
  const mark = `${conversation.id} ${conversation.is_member} ${refusal}`;
  if (foot.dataset.mark !== mark) {
    foot.dataset.mark = mark;
    if (refusal) foot.replaceChildren(el("p", { class: "no-writing" }, refusal));
    else foot.replaceChildren(...(conversation.is_member ? [] : [outside(conversation)]), composer.root);
  }
  if (!refusal) composer.aim({ channel: conversation.id, label: `Message ${title(conversation)}` });
}

function refusalFor(conversation) {
  if (conversation.is_archived) return ARCHIVED;
  return isWithApp(conversation) && !state.takesMessages ? READ_ONLY : "";
}

function outside(conversation) {
  return el(
    "div",
    { class: "no-writing" },
    el("span", {}, `You are not in ${title(conversation)}.`),
    el("button", { type: "button", class: "button", onclick: () => join(conversation.id) }, "Join"),
  );
}
