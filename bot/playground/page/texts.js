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

/** A text object as words alone, for labels and placeholders. */
export const plain = (text) => (text ? (text.emoji === false ? text.text : withEmoji(text.text)) : "");

export const textElement = (name, className, text) => el(name, { class: className, dir: "auto" }, textNodes(text));

/** mrkdwn as it reads aloud: names instead of ids, no signs. */
export const spoken = (text) => el("span", {}, mrkdwn(text, reader())).textContent;
