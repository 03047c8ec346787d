// The scrolling list of messages, of a conversation or a thread.

import { el, markOf, reconcile } from "./dom.js";
import { fillMessage, newMessage, timeOf } from "./message.js";
import { state, zone } from "./state.js";
import { dayHeading, dayKey } from "./time.js";

const SAME_BREATH = 5 * 60e3; // messages of one person within it stand under one name
const NEAR_END = 80; // pixels

/** Draw messages into a list, with the days and the line above what is new. */
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
      isCompact: !isFirst && isSameBreath(message, before) && !pins.includes(message.ts),
    };
    items.push(messageItem(message, look));
    if (inThread && index === 0 && messages.length > 1) items.push(repliesItem(messages.length - 1));
  });
  reconcile(list, items);
}

function messageItem(message, look) {
  const outside = [state.me, zone(), dayOf({ ts: message.ts }), dayHeading(timeOf(message), zone())];
  const update = (node) => fillMessage(node, message, look);
  return {
    key: `${look.channel} ${message.ts} ${look.inThread}`,
    mark: `${outside} ${look.isPinned} ${look.isCompact} ${look.canReply} ${markOf(message)}`,
    update,
    make: () => {
      const node = newMessage();
      update(node);
      return node;
    },
  };
}

const dayOf = (message) => dayKey(timeOf(message), zone());

function isSameBreath(message, before) {
  const isAlike = message.user === before.user && Boolean(message.ephemeral) === Boolean(before.ephemeral);
  return isAlike && !message.blocks?.length && timeOf(message) - timeOf(before) < SAME_BREATH;
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

/** Keeps a list at its end while it grows there, and leaves it alone once somebody scrolled up. */
export class Scroller {
  constructor(list) {
    this.list = list;
    this.isAtEnd = true;
    list.addEventListener("scroll", () => (this.isAtEnd = this.rest() < NEAR_END));
    list.addEventListener("load", () => this.follow(), true); // pictures come later
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

  /** Show where the new messages begin, or the end. */
  start() {
    this.toEnd();
    const line = this.list.querySelector(".new-line");
    if (!line || line.offsetTop >= this.list.scrollTop) return;
    this.isAtEnd = false;
    this.list.scrollTop = line.offsetTop - NEAR_END;
  }

  /** Bring a message into view, and let it be noticed. */
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
