// What a person does: be somebody, open, say, press, submit. Each deed is one call.

import { get, listen, post } from "./api.js";
import { announce } from "./dom.js";
import { forgetAll, placeOf, prune, remember, valuesIn } from "./drafts.js";
import { apply, changed, here, isReply, isWithApp, me, state, takeIn, title, upsert, userName } from "./state.js";
import { spoken } from "./texts.js";
import { toast } from "./toasts.js";

const FIRST_PERSON = "U0ANA";
const FIRST_CHANNEL = "C0LAUNCH";
let stopListening = () => {};

// ------------------------------------------------------------ being somebody

/** Become a person: their own screen, from their own connection. */
export function become(userId, wanted = {}) {
  stopListening();
  const before = here();
  stopListening = listen(userId, {
    onOpen: async () => {
      const told = await get("state", { user: userId });
      if (!told.ok) return userId === FIRST_PERSON ? toast(told.error) : become(FIRST_PERSON);
      if (state.me !== userId) {
        Object.assign(state, { thread: null, home: undefined, messages: new Map(), newFrom: null });
      }
      takeIn(told);
      await settleIn(wanted, before);
    },
    onChange: heard,
    onLost: () => {
      state.isConnected = false;
      changed();
    },
  });
}

/** Open what was asked for, else what was open, else the first channel. */
async function settleIn(wanted, before) {
  const conversations = [...state.conversations.values()];
  const withApp = isWithApp(before) ? conversations.find(isWithApp) : undefined;
  const candidates = [state.place?.channel, wanted.channel, withApp?.id, before?.id, FIRST_CHANNEL];
  const channel = candidates.find((id) => state.conversations.has(id)) ?? conversations[0]?.id;
  if (!channel) return;
  const isSame = state.place?.channel === channel;
  const tab = wanted.tab ?? (isSame || withApp ? state.place?.tab : undefined);
  await openConversation(channel, { tab, keepsFocus: true });
  if (wanted.message) await openMessage(channel, wanted.message);
}

function heard(change) {
  if (change.type === "reset") return location.reload();
  if (change.type === "notice") return toast(change.text, change.kind);
  if (change.type === "home" && change.view) prune(homePlace(change.view), change.view.blocks);
  const news = apply(change);
  if (news && change.type !== "message_changed") tellOf(news);
}

const homePlace = (view) => placeOf(state.me, { type: "view", view_id: view.id });

function tellOf({ channel, message }) {
  const isHere = channel === state.place?.channel && state.place.tab === "messages";
  if (message.user === state.me && !message.ephemeral) return;
  const conversation = state.conversations.get(channel);
  if (!conversation) return;
  const inThread = isReply(message) ? " in a thread" : "";
  if (isHere || conversation.kind === "im") {
    announce(`${userName(message.user) ?? "New message"}${inThread}, ${title(conversation)}: ${spoken(message.text)}`);
  }
  if (isHere && !message.ephemeral && !document.hidden) markRead(channel);
}

const markRead = (channel) => post("read", { user: state.me, channel });

/** Back at the page: what came meanwhile is read now. */
function lookAgain() {
  if (!document.hidden && state.place?.tab === "messages" && here()?.unread) markRead(here().id);
}

// ------------------------------------------------------------ opening

export async function openConversation(channel, { tab: wanted, keepsFocus = false } = {}) {
  const conversation = state.conversations.get(channel);
  const tab = wanted ?? (isWithApp(conversation) && !conversation.unread ? "home" : "messages");
  const isSame = state.place?.channel === channel && state.place.tab === tab;
  if (!isSame) state.newFrom = null;
  if (state.thread?.channel !== channel) state.thread = null;
  state.place = { channel, tab };
  state.isDrawerOpen = false;
  keepAddress();
  changed();
  if (!keepsFocus) document.getElementById("conversation").focus({ preventScroll: true });
  await (tab === "home" ? openHome() : openMessages(channel, conversation.unread));
}

async function openMessages(channel, unread) {
  const user = state.me;
  const told = await messagesOf(channel);
  if (user !== state.me) return;
  if (!told.ok) return toast(told.error);
  state.messages.set(channel, told.messages);
  state.newFrom = firstNew(told.messages, unread) ?? state.newFrom;
  if (state.thread) await openThread(channel, state.thread.ts);
  changed();
  if (unread) await markRead(channel);
}

/** Read a conversation, with what is said in it meanwhile. */
async function messagesOf(channel) {
  const arrived = [];
  state.arriving.set(channel, arrived);
  const told = await get("history", { user: state.me, channel });
  for (const message of arrived) upsert(told.messages ?? [], message);
  if (state.arriving.get(channel) === arrived) state.arriving.delete(channel);
  return told;
}

/** The ts of the first of the last `unread` messages of others. */
function firstNew(messages, unread) {
  const theirs = messages.filter((message) => message.user !== state.me && !message.ephemeral);
  return unread ? (theirs.at(-unread)?.ts ?? null) : null;
}

/** Reload keeps who and where. */
function keepAddress() {
  const { channel, tab } = state.place;
  const query = new URLSearchParams({ as: state.me, in: channel, tab });
  history.replaceState(null, "", `/?${query}`);
}

async function openHome() {
  const user = state.me;
  const told = await get("home", { user });
  if (user !== state.me) return;
  if (!told.ok) return toast(told.error);
  if (told.view) remember(homePlace(told.view), told.view.state?.values);
  state.home = told.view ?? state.home ?? null; // it may have come by the stream meanwhile
  changed();
}

/** A permalink: the conversation, or the thread of the message in it. */
export async function openMessage(channel, ts) {
  if (state.place?.channel !== channel || state.place.tab !== "messages") {
    await openConversation(channel, { tab: "messages" });
  }
  const message = state.messages.get(channel)?.find((one) => one.ts === ts);
  document.dispatchEvent(new CustomEvent("show-message", { detail: ts }));
  if (!message) await openThread(channel, ts);
}

/** Follow a link to a place in this workspace. Returns whether it was one. */
export function follow(address) {
  const url = new URL(address, location.href);
  const found = /^\/archives\/(\w+)(?:\/p(\d+)(\d{6}))?$/.exec(url.pathname);
  if (!found || url.origin !== location.origin) return false;
  const [, channel, seconds, micros] = found;
  if (!state.conversations.has(channel)) toast("That conversation is not visible to you.");
  else if (seconds) openMessage(channel, `${seconds}.${micros}`);
  else openConversation(channel);
  return true;
}

export async function openThread(channel, ts) {
  const isSame = state.thread?.channel === channel && state.thread.ts === ts;
  if (!isSame) state.thread = { channel, ts, messages: null, arriving: [] };
  changed();
  const told = await get("replies", { user: state.me, channel, thread_ts: ts });
  if (state.thread?.ts !== ts) return;
  const messages = told.messages ?? [];
  for (const message of state.thread.arriving) upsert(messages, message);
  Object.assign(state.thread, { messages, arriving: [] });
  changed();
}

export function closeThread() {
  state.thread = null;
  changed();
}

/** The direct message with somebody, begun where there is none. */
export async function openDirect(other) {
  const told = await post("direct", { user: state.me, other });
  if (!told.ok) return toast(told.error);
  if (told.conversation) state.conversations.set(told.conversation.id, told.conversation);
  await openConversation(told.conversation.id);
}

export const join = (channel) => send(channel, `/invite @${me().real_name}`);

// ------------------------------------------------------------ saying and pressing

/** Send text or a slash command. Returns whether it was taken. */
export async function send(channel, text, threadTs) {
  const told = await post("send", { user: state.me, channel, text, thread_ts: threadTs });
  if (!told.ok) toast(told.error);
  return told.ok;
}

/** Use an element of a message or view; the app gets all that is chosen beside it. */
export async function act(container, blocks, action) {
  const values = valuesIn(placeOf(state.me, container), blocks);
  const told = await post("action", { user: state.me, container, action, state: { values } });
  if (!told.ok) toast(told.error);
}

/** Submit the modal. Returns what the app refuses: `{ errors, failure }`. */
export async function submit(view) {
  const values = valuesIn(placeOf(state.me, { type: "view", view_id: view.id }), view.blocks);
  const told = await post("view/submit", { user: state.me, view_id: view.id, state: { values } });
  return { errors: told.errors ?? {}, failure: told.error ?? "", ok: told.ok };
}

export async function closeView(view, { all = false } = {}) {
  const told = await post("view/close", { user: state.me, view_id: view.id, all });
  if (!told.ok) toast(told.error);
}

// ------------------------------------------------------------ the playground's levers

export const moveTime = (advance) => pull(advance, () => post("time", { advance }));

export async function letTeamAnswer() {
  const told = await pull("team", () => post("team-answers", {}));
  if (told?.ok) toast(TEAM[Math.min(told.answered, 2)].replace("{people}", told.answered), "info");
}

const TEAM = ["Nobody in the team has open questions.", "One person answered.", "{people} people answered."];

async function pull(lever, deed) {
  if (state.busy) return null;
  state.busy = lever;
  changed();
  const told = await deed();
  state.busy = "";
  if (told.now) apply({ type: "time", now: told.now, next_event: told.next_event });
  if (!told.ok) toast(told.error);
  changed();
  return told;
}

/** How many unread messages each person has: `{ user id: number }`. */
export async function unreadOfEverybody(people) {
  const counts = await Promise.all(
    people.map(async ({ id }) => {
      const told = await get("state", { user: id });
      const marks = (told.conversations ?? []).map((one) => one.mentions);
      return [id, marks.reduce((sum, count) => sum + count, 0)];
    }),
  );
  return Object.fromEntries(counts);
}

/** Begin where the address says. */
export function begin() {
  const query = new URLSearchParams(location.search);
  const [, channel, seconds, micros] = /^\/archives\/(\w+)(?:\/p(\d+)(\d{6}))?$/.exec(location.pathname) ?? [];
  forgetAll();
  document.addEventListener("visibilitychange", lookAgain);
  become(query.get("as") ?? FIRST_PERSON, {
    channel: channel ?? query.get("in"),
    tab: channel ? "messages" : (query.get("tab") ?? undefined),
    message: seconds && `${seconds}.${micros}`,
  });
}
