// One message: author, time, content and actions.

import { drawBlocks } from "./blocks.js";
import { el } from "./dom.js";
import { withEmoji } from "./emoji.js";
import { icon } from "./icons.js";
import { avatar, badge } from "./people.js";
import { openThread, useShortcut } from "./session.js";
import { state, userName, zone } from "./state.js";
import { ago, clock, day } from "./time.js";

const ONLY_YOU = "Only visible to you";
const FACES = 3;

export const timeOf = (message) => new Date(Number(message.ts) * 1000);

export function newMessage() {
  return el(
    "article",
    { class: "message", tabindex: "-1" },
    el("div", { class: "notes" }),
    el("div", { class: "gutter" }),
    el("div", { class: "content" }, el("div", { class: "head" }), el("div", { class: "blocks" }), el("div", { class: "foot" })),
    el("div", { class: "toolbar" }),
  );
}

/** Draw a message into its node; its inputs keep their values. */
export function fillMessage(node, message, { channel, isCompact, isPinned, canReply, inThread = false }) {
  const user = state.users.get(message.user);
  const time = clock(timeOf(message), zone());
  const flags = { compact: isCompact, pinned: isPinned, ephemeral: message.ephemeral };
  for (const [name, isOn] of Object.entries(flags)) node.classList.toggle(name, Boolean(isOn));
  node.dataset.ts = message.ts;
  node.setAttribute("aria-label", `${user?.real_name ?? ""}, ${time}`);
  const part = (name) => node.querySelector(`:scope > .${name}, :scope > .content > .${name}`);
  part("notes").replaceChildren(...notes(message, isPinned));
  part("gutter").replaceChildren(isCompact ? stamp(message, time) : avatar(user));
  part("head").replaceChildren(...(isCompact ? [] : head(message, user, time)));
  drawBlocks(part("blocks"), blocksOf(message), {
    type: "message",
    channel_id: channel,
    message_ts: message.ts,
    is_ephemeral: Boolean(message.ephemeral),
  });
  part("foot").replaceChildren(...foot(message, channel, inThread));
  part("toolbar").replaceChildren(...toolbar(message, channel, canReply && !inThread));
}

function blocksOf(message) {
  if (message.blocks?.length) return message.blocks;
  return [{ type: "text", block_id: "text", text: message.text ?? "" }];
}

function notes(message, isPinned) {
  const shown = [];
  if (message.ephemeral) shown.push(el("span", { class: "note" }, icon("eye", 14), ONLY_YOU));
  if (isPinned) shown.push(el("span", { class: "note" }, icon("pin", 14), "Pinned"));
  return shown;
}

function stamp(message, text) {
  const full = `${day(timeOf(message), zone())}, ${text}`;
  return el("time", { datetime: timeOf(message).toISOString(), title: full }, text);
}

function head(message, user, time) {
  const name = user?.real_name ?? message.username ?? message.user ?? "";
  return [el("strong", { class: "author" }, name), badge(user), stamp(message, time)].filter(Boolean);
}

function foot(message, channel, inThread) {
  const shown = [];
  if (message.edited) shown.push(el("small", { class: "edited" }, "(edited)"));
  if (message.reactions?.length) shown.push(el("div", { class: "reactions" }, message.reactions.map(reaction)));
  if (message.reply_count && !inThread) shown.push(threadButton(message, channel));
  return shown;
}

function reaction({ name, count, users }) {
  const who = users.map((id) => userName(id)).join(", ");
  return el("span", { class: "reaction", title: who }, `${withEmoji(`:${name}:`)} ${count}`);
}

function threadButton(message, channel) {
  const { reply_count: count, latest_reply: latest, reply_users: users = [] } = message;
  const faces = users.slice(0, FACES).map((id) => avatar(state.users.get(id), "small"));
  return el(
    "button",
    { type: "button", class: "thread-button", onclick: () => openThread(channel, message.ts) },
    faces,
    el("b", {}, count === 1 ? "1 reply" : `${count} replies`),
    latest ? el("span", { class: "dim" }, `Last reply ${ago(timeOf({ ts: latest }))}`) : null,
  );
}

function toolbar(message, channel, canReply) {
  if (message.ephemeral) return [];
  const reply = () => openThread(channel, message.ts).then(() => document.querySelector("#thread textarea")?.focus());
  const shortcuts = state.shortcuts.map(({ name, callback_id: id }) =>
    tool("more", name, () => useShortcut(channel, message.ts, id)),
  );
  return canReply ? [tool("thread", "Reply in thread", reply), ...shortcuts] : shortcuts;
}

function tool(shape, label, onclick) {
  return el("button", { type: "button", class: "quiet", "aria-label": label, title: label, onclick }, icon(shape, 16));
}
