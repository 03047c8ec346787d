// The scrolling list of messages of a conversation or thread.

import { el, markOf, reconcile } from "./dom.js";
import { fillMessage, newMessage, timeOf } from "./message.js";
import { state, zone } from "./state.js";
import { dayHeading, dayKey } from "./time.js";

const GROUPING_TIME = 5 * 60e3; // messages of one person within this time share one header
const NEAR_END = 80; // pixels

/** Draw messages into a list, with day headings and the line above new messages. */
export function drawMessages(list, messages, { channel, pins = [], newFrom, canReply = false, inThread = false }) {
  const items = [];
  messages.forEach((message, index) => {
    const before = messages[index - 1];
    const isNewDay = !before || dayOf(message) !== dayOf(before);
    if (isNewDay && !inThread) items.push(dayItem(message));
    if (message.ts === newFrom) items.push(NEW_LINE);
    const isFirst = isNewDay || message.ts === newFrom || (inThread && index < 2);
    const look = {
      channel,
      inThread,
      canReply,
      isPinned: pins.includes(message.ts),
      isCompact: !isFirst && isSameGroup(message, before) && !pins.includes(message.ts),
    };
    items.push(messageItem(message, look));
    if (inThread && index === 0 && messages.length > 1) items.push(repliesItem(messages.length - 1));
  });
  reconcile(list, items);
}

function messageItem(message, look) {
  const readerMark = [state.me, zone(), dayOf({ ts: message.ts }), dayHeading(timeOf(message), zone())];
  const update = (node) => fillMessage(node, message, look);
  return {
    key: `${look.channel} ${message.ts} ${look.inThread}`,
    mark: `${readerMark} ${look.isPinned} ${look.isCompact} ${look.canReply} ${markOf(message)}`,
    update,
    make: () => {
      const node = newMessage();
      update(node);
      return node;
    },
  };
}

const dayOf = (message) => dayKey(timeOf(message), zone());

function isSameGroup(message, before) {
  const isAlike = message.user === before.user && Boolean(message.ephemeral) === Boolean(before.ephemeral);
  return isAlike && !message.blocks?.length && timeOf(message) - timeOf(before) < GROUPING_TIME;
}

function dayItem(message) {
  const heading = dayHeading(timeOf(message), zone());
  const make = () => el("div", { class: "day", role: "separator", "aria-label": heading }, el("span", {}, heading));
  return { key: `day ${dayOf(message)}`, mark: heading, make };
}

const NEW_LINE = {
  key: "new",
  mark: "",
  make: () => el("div", { class: "new-line", role: "separator", "aria-label": "New" }, el("span", {}, "New")),
};

function repliesItem(count) {
  const text = count === 1 ? "1 reply" : `${count} replies`;
  return { key: "replies", mark: text, make: () => el("div", { class: "replies-line" }, el("span", {}, text)) };
}

/** Keeps a growing list scrolled to its end, unless the person has scrolled up. */
export class Scroller {
  constructor(list) {
    this.list = list;
    this.isAtEnd = true;
    list.addEventListener("scroll", () => (this.isAtEnd = this.rest() < NEAR_END));
    list.addEventListener("load", () => this.follow(), true); // pictures load later
    new ResizeObserver(() => this.follow()).observe(list);
  }

  rest() {
    return this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight;
  }

  follow() {
    if (this.isAtEnd) this.toEnd();
  }

  toEnd() {
    this.isAtEnd = true;
    this.list.scrollTop = this.list.scrollHeight;
  }

  /** Show the start of the new messages, or the end. */
  start() {
    this.toEnd();
    const line = this.list.querySelector(".new-line");
    if (!line || line.offsetTop >= this.list.scrollTop) return;
    this.isAtEnd = false;
    this.list.scrollTop = line.offsetTop - NEAR_END;
  }

  /** Scroll to a message and highlight it. */
  show(ts) {
    const node = this.list.querySelector(`[data-ts="${CSS.escape(ts)}"]`);
    if (!node) return;
    this.isAtEnd = false;
    node.scrollIntoView({ block: "center" });
    node.focus({ preventScroll: true });
    node.classList.remove("shown");
    requestAnimationFrame(() => node.classList.add("shown"));
  }
}
