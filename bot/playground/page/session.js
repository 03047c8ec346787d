// Actions of the person: switch, open, send, click, submit. Each action is one request.

import { get, listen, post } from "./api.js";
import { announce } from "./dom.js";
import { clearDrafts, draftKey, prune, adoptValues, valuesIn } from "./drafts.js";
import { apply, changed, here, isReply, isWithApp, me, state, applySnapshot, title, upsert, userName } from "./state.js";
import { plainText } from "./texts.js";
import { toast } from "./toasts.js";

const FIRST_PERSON = "U0ANA";
const FIRST_CHANNEL = "C0LAUNCH";
let stopListening = () => {};

// ------------------------------------------------------------ switching person

/** Switch to a person, with a new connection and their own view. */
export function switchTo(userId, wanted = {}) {
  stopListening();
  const before = here();
  stopListening = listen(userId, {
    onOpen: async () => {
      const response = await get("state", { user: userId });
      if (!response.ok) return userId === FIRST_PERSON ? toast(response.error) : switchTo(FIRST_PERSON);
      if (state.me !== userId) {
        Object.assign(state, { thread: null, home: undefined, messages: new Map(), newFrom: null });
      }
      applySnapshot(response);
      await openInitialConversation(wanted, before);
    },
    onChange: handleChange,
    onLost: () => {
      state.isConnected = false;
      changed();
    },
  });
}

/** Open the wanted conversation, else the one that was open, else the first channel. */
async function openInitialConversation(wanted, before) {
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

function handleChange(change) {
  if (change.type === "reset") return location.reload();
  if (change.type === "notice") return toast(change.text, change.kind);
  if (change.type === "home" && change.view) prune(homeDraftKey(change.view), change.view.blocks);
  const news = apply(change);
  if (news && change.type !== "message_changed") announceMessage(news);
}

const homeDraftKey = (view) => draftKey(state.me, { type: "view", view_id: view.id });

function announceMessage({ channel, message }) {
  const isHere = channel === state.place?.channel && state.place.tab === "messages";
  if (message.user === state.me && !message.ephemeral) return;
  const conversation = state.conversations.get(channel);
  if (!conversation) return;
  const inThread = isReply(message) ? " in a thread" : "";
  if (isHere || conversation.kind === "im") {
    announce(`${userName(message.user) ?? "New message"}${inThread}, ${title(conversation)}: ${plainText(message.text)}`);
  }
  if (isHere && !message.ephemeral && !document.hidden) markRead(channel);
}

const markRead = (channel) => post("read", { user: state.me, channel });

/** Mark new messages as read when the page becomes visible again. */
function markVisibleRead() {
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
  const response = await messagesOf(channel);
  if (user !== state.me) return;
  if (!response.ok) return toast(response.error);
  state.messages.set(channel, response.messages);
  state.newFrom = firstNew(response.messages, unread) ?? state.newFrom;
  if (state.thread) await openThread(channel, state.thread.ts);
  changed();
  if (unread) await markRead(channel);
}

/** Load the messages of a conversation, and those that arrive meanwhile. */
async function messagesOf(channel) {
  const arrived = [];
  state.arriving.set(channel, arrived);
  const response = await get("history", { user: state.me, channel });
  for (const message of arrived) upsert(response.messages ?? [], message);
  if (state.arriving.get(channel) === arrived) state.arriving.delete(channel);
  return response;
}

/** The ts of the first unread message, from the number of unread ones. */
function firstNew(messages, unread) {
  const theirs = messages.filter((message) => message.user !== state.me && !message.ephemeral);
  return unread ? (theirs.at(-unread)?.ts ?? null) : null;
}

/** Keep person and conversation in the address, for a reload. */
function keepAddress() {
  const { channel, tab } = state.place;
  const query = new URLSearchParams({ as: state.me, in: channel, tab });
  history.replaceState(null, "", `/?${query}`);
}

async function openHome() {
  const user = state.me;
  const response = await get("home", { user });
  if (user !== state.me) return;
  if (!response.ok) return toast(response.error);
  if (response.view) adoptValues(homeDraftKey(response.view), response.view.state?.values);
  state.home = response.view ?? state.home ?? null; // the stream may have brought it meanwhile
  changed();
}

/** Open a message by its permalink, in its conversation or its thread. */
export async function openMessage(channel, ts) {
  if (state.place?.channel !== channel || state.place.tab !== "messages") {
    await openConversation(channel, { tab: "messages" });
  }
  const message = state.messages.get(channel)?.find((one) => one.ts === ts);
  document.dispatchEvent(new CustomEvent("show-message", { detail: ts }));
  if (!message) await openThread(channel, ts);
}

/** Follow a link if it points into this workspace. Returns whether it does. */
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
  const response = await get("replies", { user: state.me, channel, thread_ts: ts });
  if (state.thread?.ts !== ts) return;
  const messages = response.messages ?? [];
  for (const message of state.thread.arriving) upsert(messages, message);
  Object.assign(state.thread, { messages, arriving: [] });
  changed();
}

export function closeThread() {
  state.thread = null;
  changed();
}

/** Open the direct message with somebody, creating it if needed. */
export async function openDirect(other) {
  const response = await post("direct", { user: state.me, other });
  if (!response.ok) return toast(response.error);
  if (response.conversation) state.conversations.set(response.conversation.id, response.conversation);
  await openConversation(response.conversation.id);
}

export const join = (channel) => send(channel, `/invite @${me().real_name}`);

// ------------------------------------------------------------ sending and clicking

/** Send text or a slash command. Returns whether it was accepted. */
export async function send(channel, text, threadTs) {
  const response = await post("send", { user: state.me, channel, text, thread_ts: threadTs });
  if (!response.ok) toast(response.error);
  return response.ok;
}

/** Use an element of a message or view; the app also gets the state of all others. */
export async function act(container, blocks, action) {
  const values = valuesIn(draftKey(state.me, container), blocks);
  const response = await post("action", { user: state.me, container, action, state: { values } });
  if (!response.ok) toast(response.error);
}

/** Use a shortcut of the app's on a message. */
export async function useShortcut(channel, ts, callbackId) {
  const response = await post("shortcut", { user: state.me, channel, ts, callback_id: callbackId });
  if (!response.ok) toast(response.error);
}

/** Submit the modal. Returns the app's response: `{ errors, failure, ok }`. */
export async function submit(view) {
  const values = valuesIn(draftKey(state.me, { type: "view", view_id: view.id }), view.blocks);
  const response = await post("view/submit", { user: state.me, view_id: view.id, state: { values } });
  return { errors: response.errors ?? {}, failure: response.error ?? "", ok: response.ok };
}

export async function closeView(view, { all = false } = {}) {
  const response = await post("view/close", { user: state.me, view_id: view.id, all });
  if (!response.ok) toast(response.error);
}

// ------------------------------------------------------------ the playground's controls

export const moveTime = (advance) => runControl(advance, () => post("time", { advance }));

/** Build the example; its progress arrives with the stream. */
export const buildExample = () => runControl("example", () => post("example", {}));

/** Run a command where the example team works, as if it had been typed there. */
export async function runInFirstChannel(command) {
  if (state.conversations.has(FIRST_CHANNEL)) await openConversation(FIRST_CHANNEL, { tab: "messages", keepsFocus: true });
  await send(state.place.channel, command);
}

export async function letTeamAnswer() {
  const response = await runControl("team", () => post("team-answers", {}));
  if (response?.ok) toast(TEAM_ANSWERED[Math.min(response.answered, 2)].replace("{people}", response.answered), "info");
}

const TEAM_ANSWERED = ["Nobody in the team has open questions.", "One person answered.", "{people} people answered."];

async function runControl(control, action) {
  if (state.busy || state.building) return null;
  state.busy = control;
  changed();
  const response = await action();
  state.busy = "";
  if (response.now) apply({ type: "time", now: response.now, next_event: response.next_event });
  if (!response.ok) toast(response.error);
  changed();
  return response;
}

/** Remove the app from the workspace, as an admin does; the pages of it reload. */
export async function removeApp() {
  const response = await post("uninstall", {});
  if (!response.ok) toast(response.error);
}

/** The number of unread messages of each person: `{ user id: number }`. */
export async function unreadByPerson(people) {
  const counts = await Promise.all(
    people.map(async ({ id }) => {
      const response = await get("state", { user: id });
      const marks = (response.conversations ?? []).map((one) => one.mentions);
      return [id, marks.reduce((sum, count) => sum + count, 0)];
    }),
  );
  return Object.fromEntries(counts);
}

/** Start with the person and conversation in the address. */
export function begin() {
  const query = new URLSearchParams(location.search);
  const [, channel, seconds, micros] = /^\/archives\/(\w+)(?:\/p(\d+)(\d{6}))?$/.exec(location.pathname) ?? [];
  clearDrafts();
  document.addEventListener("visibilitychange", markVisibleRead);
  switchTo(query.get("as") ?? FIRST_PERSON, {
    channel: channel ?? query.get("in"),
    tab: channel ? "messages" : (query.get("tab") ?? undefined),
    message: seconds && `${seconds}.${micros}`,
  });
}
