// The state of the page, as received from the fake Slack, and how changes are applied.

import { setNow } from "./time.js";

export const state = {
  me: null, // the user id of the current person
  bot: null, // the app's user id
  workspace: { name: "" },
  workspaces: [], // all of this playground: { id, name, url, is_installed }
  installUrl: "", // the app's own page, where it is installed by one
  takesMessages: true, // whether people may write to the app
  users: new Map(),
  conversations: new Map(),
  commands: [],
  shortcuts: [], // the app's entries in the menu of a message
  messages: new Map(), // channel id: its messages, once they are loaded
  place: null, // { channel, tab: "messages" | "home" }: the open conversation
  arriving: new Map(), // channel id: messages that arrive while its history is loading
  thread: null, // { channel, ts, messages, arriving }
  newFrom: null, // ts of the first message that was unread when the conversation was opened
  views: [], // the open modals, top last
  home: undefined, // the App Home: undefined if not loaded yet, null if never published
  nextEvent: null,
  busy: "", // the control of the time bar that is in progress
  isConnected: true,
  isDrawerOpen: false,
  isGuideOpen: null, // null until the workspace is known
  isFresh: false, // whether the app has not written in any channel yet
  building: null, // { done, total } in days, while the example is built
};

/** A window in which the sidebar is a drawer. */
export const NARROW = matchMedia("(max-width: 760px)");

const listeners = new Set();
let isScheduled = false;

/** Run `listener` soon after changes, once for several at the same time. */
export const onChange = (listener) => listeners.add(listener);

export function changed() {
  if (isScheduled) return;
  isScheduled = true;
  queueMicrotask(() => {
    isScheduled = false;
    for (const listener of listeners) listener();
  });
}

// ------------------------------------------------------------ queries

export const me = () => state.users.get(state.me);
export const zone = () => me()?.tz || "UTC";
export const here = () => state.conversations.get(state.place?.channel);
export const messagesHere = () => state.messages.get(state.place?.channel);
export const isWithApp = (conversation) => conversation?.kind === "im" && conversation.user === state.bot;
export const isReply = (message) => Boolean(message.thread_ts) && message.thread_ts !== message.ts;

/** The displayed name of a conversation. */
export function title(conversation) {
  return conversation.kind === "im" ? userName(conversation.user) : `#${conversation.name}`;
}

export const userName = (id) => state.users.get(id)?.real_name;
export const channelName = (id) => state.conversations.get(id)?.name;

/** The reader for whom mrkdwn is drawn. */
export const reader = () => ({ userName, channelName, zone: zone(), me: state.me });

// ------------------------------------------------------------ changes

const byId = (items) => new Map(items.map((item) => [item.id, item]));

/** Replace the state: at the start, after a reconnection, after switching person. */
export function applySnapshot(snapshot) {
  setNow(snapshot.now);
  Object.assign(state, {
    me: snapshot.me,
    bot: snapshot.bot,
    workspace: snapshot.workspace,
    workspaces: snapshot.workspaces ?? [],
    installUrl: snapshot.install_url ?? "",
    takesMessages: snapshot.takes_messages ?? true,
    users: byId(snapshot.users),
    conversations: byId(snapshot.conversations),
    commands: snapshot.commands,
    shortcuts: snapshot.shortcuts,
    views: snapshot.view_stack,
    nextEvent: snapshot.next_event ?? null,
    isFresh: snapshot.is_fresh,
    building: snapshot.building,
    isConnected: true,
  });
  changed();
}

/** Apply a change from the stream. Returns a message to announce, if any. */
export function apply(change) {
  const news = CHANGES[change.type]?.(change);
  changed();
  return news;
}

const CHANGES = {
  message: ({ channel, message }) => put(channel, message),
  message_changed: ({ channel, message }) => void put(channel, message, { onlyKnown: true }),
  message_deleted: ({ channel, ts }) => remove(channel, ts),
  ephemeral: ({ channel, message }) => put(channel, message),
  conversation: ({ conversation }) => applyConversation(conversation),
  views: ({ stack }) => void (state.views = stack),
  home: ({ view }) => void (state.home = view),
  example: ({ building }) => void (state.building = building),
  time: (snapshot) => {
    setNow(snapshot.now);
    state.nextEvent = snapshot.next_event ?? null;
  },
};

function applyConversation(conversation) {
  const { kind, members } = conversation;
  if (kind !== "channel" && !members.includes(state.me)) state.conversations.delete(conversation.id);
  else state.conversations.set(conversation.id, conversation);
}

function put(channel, message, { onlyKnown = false } = {}) {
  for (const list of listsFor(channel, message)) {
    const at = list.findIndex((one) => one.ts === message.ts);
    if (at >= 0 || !onlyKnown) upsert(list, message);
  }
  if (!isReply(message)) state.arriving.get(channel)?.push(message);
  if (message.user === state.bot && state.conversations.get(channel)?.kind !== "im") state.isFresh &&= message.ephemeral;
  return { channel, message };
}

/** Insert a message by its time, or replace its earlier version. */
export function upsert(list, message) {
  const after = list.findLastIndex((one) => one.ts <= message.ts);
  const isKnown = after >= 0 && list[after].ts === message.ts;
  list.splice(isKnown ? after : after + 1, isKnown ? 1 : 0, message);
}

/** The lists of a message: a parent is in the channel and its thread, a reply only in the thread. */
function listsFor(channel, message) {
  const lists = [];
  const parent = message.thread_ts ?? message.ts;
  if (!isReply(message) && state.messages.has(channel)) lists.push(state.messages.get(channel));
  const { thread } = state;
  if (thread?.channel === channel && thread.ts === parent) lists.push(thread.messages ?? thread.arriving);
  return lists;
}

function remove(channel, ts) {
  const kept = (list) => list?.filter((message) => message.ts !== ts);
  if (state.messages.has(channel)) state.messages.set(channel, kept(state.messages.get(channel)));
  if (state.thread?.channel === channel) state.thread.messages = kept(state.thread.messages);
}
