// What the page knows, as the stand-in told it; and how a change is taken in.

import { setNow } from "./time.js";

export const state = {
  me: null, // who looks at the page: a user id
  bot: null, // the app's user id
  workspace: { name: "" },
  takesMessages: true, // whether people may write to the app
  users: new Map(),
  conversations: new Map(),
  commands: [],
  messages: new Map(), // channel id: its messages, once they were read
  place: null, // { channel, tab: "messages" | "home" }: what is open
  arriving: new Map(), // channel id: what is heard while its messages are being read
  thread: null, // { channel, ts, messages, arriving }
  newFrom: null, // ts of the first message that was unread when the conversation was opened
  views: [], // the open modals, top last
  home: undefined, // the App Home: undefined is not read yet, null is never published
  nextEvent: null,
  busy: "", // which lever of the time bar is at work
  isConnected: true,
  isDrawerOpen: false,
};

const listeners = new Set();
let isTold = false;

/** `listener` runs soon after each change; several changes are one. */
export const onChange = (listener) => listeners.add(listener);

export function changed() {
  if (isTold) return;
  isTold = true;
  queueMicrotask(() => {
    isTold = false;
    for (const listener of listeners) listener();
  });
}

// ------------------------------------------------------------ questions

export const me = () => state.users.get(state.me);
export const zone = () => me()?.tz || "UTC";
export const here = () => state.conversations.get(state.place?.channel);
export const messagesHere = () => state.messages.get(state.place?.channel);
export const isWithApp = (conversation) => conversation?.kind === "im" && conversation.user === state.bot;
export const isReply = (message) => Boolean(message.thread_ts) && message.thread_ts !== message.ts;

/** What people see as the conversation's name. */
export function title(conversation) {
  return conversation.kind === "im" ? userName(conversation.user) : `#${conversation.name}`;
}

export const userName = (id) => state.users.get(id)?.real_name;
export const channelName = (id) => state.conversations.get(id)?.name;

/** Whom mrkdwn is written for. */
export const reader = () => ({ userName, channelName, zone: zone(), me: state.me });

// ------------------------------------------------------------ taking in

const byId = (items) => new Map(items.map((item) => [item.id, item]));

/** Everything at once: at the start, after a lost connection, after switching person. */
export function takeIn(told) {
  setNow(told.now);
  Object.assign(state, {
    me: told.me,
    bot: told.bot,
    workspace: told.workspace,
    takesMessages: told.takes_messages ?? true,
    users: byId(told.users),
    conversations: byId(told.conversations),
    commands: told.commands,
    views: told.view_stack,
    nextEvent: told.next_event ?? null,
    isConnected: true,
  });
  changed();
}

/** One change from the stream. Returns a message that somebody should hear of, if any. */
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
  conversation: ({ conversation }) => takeInConversation(conversation),
  views: ({ stack }) => void (state.views = stack),
  home: ({ view }) => void (state.home = view),
  time: (told) => {
    setNow(told.now);
    state.nextEvent = told.next_event ?? null;
  },
};

function takeInConversation(conversation) {
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
  return { channel, message };
}

/** Put a message where its time is, over an earlier form of it. */
export function upsert(list, message) {
  const after = list.findLastIndex((one) => one.ts <= message.ts);
  const isKnown = after >= 0 && list[after].ts === message.ts;
  list.splice(isKnown ? after : after + 1, isKnown ? 1 : 0, message);
}

/** A parent stands in the channel and at the head of its thread; a reply only in the thread. */
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
