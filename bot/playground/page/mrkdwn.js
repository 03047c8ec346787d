// Slack's mrkdwn as nodes. Rules: https://docs.slack.dev/messaging/formatting-message-text

import { el } from "./dom.js";
import { withEmoji } from "./emoji.js";
import { slackDate } from "./time.js";

const FENCE = /```\n?([^]+?)\n?```/g;
const CODE = /`([^`\n]+)`/g;
const TOKEN = /<([^<>\n]+)>/g;
const BARE_URL = /\bhttps?:\/\/[^\s<>|\uE000-\uF8FF]+[^\s<>|.,;:!?)\]'"\uE000-\uF8FF]/g;
const PRIVATE_USE = /[\uE000-\uF8FF]/g; // placeholders of finished parts, removed from typed text
const FIRST = 0xe000;
// Next to a word joiner (U+2060), as next to a space, a formatting character is plain text.
const STYLES = [
  [/(?<![\w*])\*(?![\s\u2060*])([^\n]*?[^\s\u2060*])\*(?![\w*])/, "strong"],
  [/(?<![\w_])_(?![\s\u2060_])([^\n]*?[^\s\u2060_])_(?![\w_])/, "em"],
  [/(?<![\w~])~(?![\s\u2060~])([^\n]*?[^\s\u2060~])~(?![\w~])/, "s"],
];
const QUOTE = /^(?:>|&gt;) ?/;
const BULLET = /^[•◦] /;
const EVERYBODY = { channel: "@channel", here: "@here", everyone: "@everyone" };

export const unescaped = (text) =>
  text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

/**
 * Nodes for mrkdwn text. `reader` knows names and the zone: `{ userName, channelName, zone, me }`;
 * `verbatim: true` leaves bare addresses as they are written.
 */
export function mrkdwn(text, reader, { verbatim = false } = {}) {
  return new Parser(reader, verbatim).blocks(String(text ?? "").replace(PRIVATE_USE, ""));
}

class Parser {
  constructor(reader, verbatim) {
    this.reader = reader;
    this.verbatim = verbatim;
    this.parts = []; // finished nodes, each with a private-use character as its placeholder
  }

  keep(node) {
    this.parts.push(node);
    return String.fromCharCode(FIRST + this.parts.length - 1);
  }

  /** Paragraphs, quotes and code blocks. */
  blocks(text) {
    const marked = text.replace(FENCE, (_, code) => `\n${this.keep(el("pre", {}, unescaped(code)))}\n`);
    const nodes = [];
    let quoted = [];
    const endQuote = () => {
      if (quoted.length) nodes.push(el("blockquote", {}, this.lines(quoted)));
      quoted = [];
    };
    for (const line of marked.split("\n")) {
      if (QUOTE.test(line)) {
        quoted.push(line.replace(QUOTE, ""));
        continue;
      }
      endQuote();
      nodes.push(this.line(line));
    }
    endQuote();
    return joined(nodes);
  }

  lines(lines) {
    return joined(lines.map((line) => this.line(line)));
  }

  line(line) {
    const children = this.inline(line);
    if (children.length === 1 && children[0].nodeName === "PRE") return children[0];
    if (BULLET.test(line)) return el("span", { class: "bullet" }, children);
    return el("span", {}, children);
  }

  /** Parse code first, then `<...>` and addresses, then styles in the rest. */
  inline(text) {
    let marked = text.replace(CODE, (_, code) => this.keep(el("code", {}, unescaped(code))));
    marked = marked.replace(TOKEN, (_, token) => this.keep(this.token(token)));
    if (!this.verbatim) marked = marked.replace(BARE_URL, (url) => this.keep(link(url, unescaped(url))));
    return this.styled(marked);
  }

  styled(text) {
    for (const [pattern, name] of STYLES) {
      const found = pattern.exec(text);
      if (!found) continue;
      const after = text.slice(found.index + found[0].length);
      return [
        ...this.styled(text.slice(0, found.index)),
        el(name, {}, this.styled(found[1])),
        ...this.styled(after),
      ];
    }
    return this.leaves(text);
  }

  leaves(text) {
    return text
      .split(/([\uE000-\uF8FF])/)
      .filter(Boolean)
      .map((piece) => this.parts[piece.charCodeAt(0) - FIRST] ?? withEmoji(unescaped(piece)));
  }

  /** The content between < and >: a mention, a channel, a date or a link. */
  token(token) {
    const [target, label] = split(token, "|");
    if (target.startsWith("@")) return this.person(target.slice(1), label);
    if (target.startsWith("#")) return this.channel(target.slice(1), label);
    if (target.startsWith("!date^")) return this.date(target, label);
    if (target.startsWith("!")) return this.everybody(target.slice(1), label);
    return link(unescaped(target), withEmoji(unescaped(label || target)));
  }

  person(id, label) {
    const name = this.reader.userName(id) ?? label ?? id;
    const mine = id === this.reader.me ? " mine" : "";
    return el("span", { class: `mention${mine}` }, `@${name}`);
  }

  channel(id, label) {
    const name = this.reader.channelName(id) ?? label;
    return name
      ? el("a", { class: "mention", href: `/archives/${id}` }, `#${name}`)
      : el("span", { class: "mention" }, "#private-channel");
  }

  everybody(target, label) {
    const name = EVERYBODY[target.split("^")[0]] ?? label ?? `@${target.replace(/^subteam\^/, "")}`;
    return el("span", { class: "mention mine" }, unescaped(name));
  }

  date(target, fallback) {
    const [, seconds, pattern, address] = target.split("^");
    if (!/^\d+$/.test(seconds) || !pattern) return el("span", {}, unescaped(fallback ?? ""));
    const shown = slackDate(Number(seconds), unescaped(pattern), this.reader.zone);
    return address ? link(unescaped(address), shown) : el("time", { title: unescaped(fallback ?? "") }, shown);
  }
}

function split(text, sign) {
  const at = text.indexOf(sign);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

/** A link that opens in a new tab; anything but http, https and mailto stays text. */
export function link(address, label) {
  if (!/^(https?:|mailto:)/i.test(address)) return el("span", {}, label);
  return el("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, label);
}

/** Lines joined by breaks, except next to blocks (quotes, code, bullets). */
function joined(nodes) {
  const isBlock = (node) => ["PRE", "BLOCKQUOTE"].includes(node?.nodeName) || node?.className === "bullet";
  const isEmpty = (node) => !isBlock(node) && node.childNodes.length === 0;
  const besideBlock = (index) => isBlock(nodes[index - 1]) || isBlock(nodes[index + 1]);
  const kept = nodes.filter((node, index) => !(isEmpty(node) && besideBlock(index)));
  return kept.flatMap((node, index) => {
    const breaks = index > 0 && !isBlock(node) && !isBlock(kept[index - 1]);
    return breaks ? [el("br"), node] : [node];
  });
}
