// rich_text blocks: https://docs.slack.dev/reference/block-kit/blocks/rich-text-block

import { el } from "./dom.js";
import { withEmoji } from "./emoji.js";
import { link } from "./mrkdwn.js";
import { slackDate } from "./time.js";

export function richText(block, reader) {
  return el("div", { class: "rich" }, block.elements.map((part) => drawn(part, reader)));
}

function drawn(part, reader) {
  const children = () => part.elements.map((leaf) => leafNode(leaf, reader));
  switch (part.type) {
    case "rich_text_list":
      return list(part, reader);
    case "rich_text_quote":
      return el("blockquote", {}, children());
    case "rich_text_preformatted":
      return el("pre", {}, children());
    default:
      return el("p", {}, children());
  }
}

function list(part, reader) {
  const items = part.elements.map((item) => el("li", {}, drawn(item, reader)));
  const name = part.style === "ordered" ? "ol" : "ul";
  const start = part.offset ? String(part.offset + 1) : undefined;
  return el(name, { start, class: `indent-${Math.min(part.indent ?? 0, 5)}` }, items);
}

const LEAVES = {
  text: (leaf) => leaf.text,
  link: (leaf) => link(leaf.url, leaf.text ?? leaf.url),
  emoji: (leaf) => withEmoji(`:${leaf.name}:`),
  user: (leaf, reader) => el("span", { class: "mention" }, `@${reader.userName(leaf.user_id) ?? leaf.user_id}`),
  usergroup: (leaf) => el("span", { class: "mention" }, `@${leaf.usergroup_id}`),
  broadcast: (leaf) => el("span", { class: "mention mine" }, `@${leaf.range}`),
  color: (leaf) => el("code", {}, leaf.value),
  date: (leaf, reader) => el("time", {}, slackDate(leaf.timestamp, leaf.format, reader.zone)),
  channel: (leaf, reader) =>
    el("a", { class: "mention", href: `/archives/${leaf.channel_id}` }, `#${reader.channelName(leaf.channel_id) ?? "private-channel"}`),
};
const STYLES = { bold: "strong", italic: "em", strike: "s", code: "code" };

function leafNode(leaf, reader) {
  const node = LEAVES[leaf.type]?.(leaf, reader) ?? "";
  const wrappers = Object.keys(STYLES).filter((style) => leaf.style?.[style]);
  return wrappers.reduce((inner, style) => el(STYLES[style], {}, inner), node);
}
