// Block Kit's text objects.

import { el } from "./dom.js";
import { withEmoji } from "./emoji.js";
import { mrkdwn } from "./mrkdwn.js";
import { reader } from "./state.js";

/** plain_text or mrkdwn as nodes. */
export function textNodes(text) {
  if (!text) return [];
  if (text.type === "mrkdwn") return mrkdwn(text.text, reader(), { verbatim: text.verbatim });
  return [plain(text)];
}

/** A text object as plain text, for labels and placeholders. */
export const plain = (text) => (text ? (text.emoji === false ? text.text : withEmoji(text.text)) : "");

export const textElement = (name, className, text) => el(name, { class: className, dir: "auto" }, textNodes(text));

/** mrkdwn as plain text: names instead of ids, no formatting characters. */
export const plainText = (text) => el("span", {}, mrkdwn(text, reader())).textContent;
