// Block Kit's blocks as nodes. https://docs.slack.dev/reference/block-kit/blocks

import { el, uniqueId, keepingFocus, reconcile } from "./dom.js";
import { draftKey } from "./drafts.js";
import { element } from "./elements.js";
import { richText } from "./richtext.js";
import { reader, state, zone } from "./state.js";
import { plain, textElement, textNodes } from "./texts.js";
import { dayKey, now } from "./time.js";

const NOT_DRAWN = "A block of type {type}; this page does not draw it.";

const drawnIn = new WeakMap(); // parent: the context that its elements share

/** Draw blocks into a parent. A block that stays the same keeps its node, focus and caret. */
export function drawBlocks(parent, blocks, container) {
  const where = contextOf(parent, container);
  where.blocks = blocks; // nodes that stay need them, too, to send the state of all blocks
  where.redraw = () => {
    parent.replaceChildren();
    drawBlocks(parent, where.blocks, container);
  };
  // Dates also depend on the reader's day and zone.
  const readerMark = `${where.place} ${zone()} ${dayKey(now(), zone())}`;
  const items = blocks.map((block, index) => ({
    key: block.block_id ?? `block ${index}`,
    mark: `${readerMark} ${JSON.stringify(block)}`,
    make: () => drawn(block, where),
  }));
  keepingFocus(parent, () => reconcile(parent, items));
}

function contextOf(parent, container) {
  const place = draftKey(state.me, container);
  if (drawnIn.get(parent)?.place !== place) drawnIn.set(parent, { place, container });
  return drawnIn.get(parent);
}

function drawn(block, where) {
  const draw = BLOCKS[block.type];
  if (!draw) return el("p", { class: "block unknown" }, NOT_DRAWN.replace("{type}", block.type));
  const node = draw(block, where);
  node.classList.add("block", `${block.type.replaceAll("_", "-")}-block`);
  node.dataset.block = block.block_id ?? "";
  return node;
}

function section(block, where) {
  const words = el("div", { class: "section-words" });
  if (block.text) words.append(textElement("div", "words", block.text));
  if (block.fields) words.append(el("div", { class: "fields" }, block.fields.map((one) => textElement("div", "words", one))));
  return el("div", {}, words, block.accessory ? accessory(block, where) : null);
}

function accessory(block, where) {
  const spec = block.accessory;
  if (spec.type === "image") return el("img", { class: "thumbnail", src: sourceOf(spec), alt: spec.alt_text });
  return el("div", { class: "accessory" }, element(spec, block, where));
}

function context(block) {
  const parts = block.elements.map((part) =>
    part.type === "image"
      ? el("img", { class: "tiny", src: sourceOf(part), alt: part.alt_text })
      : textElement("span", "words", part),
  );
  return el("div", {}, parts);
}

/** The URL of a picture; the fake Slack serves uploaded ones. */
function sourceOf(image) {
  const file = image.slack_file;
  return file ? (file.id ? `/files/${file.id}` : file.url) : image.image_url;
}

function image(block) {
  const source = sourceOf(block);
  return el(
    "figure",
    {},
    block.title ? el("figcaption", {}, textNodes(block.title)) : null,
    el(
      "a",
      { href: source, target: "_blank", rel: "noopener noreferrer", "aria-label": `Open the picture: ${block.alt_text}` },
      el("img", { src: source, alt: block.alt_text }),
    ),
  );
}

const GROUPS = new Set(["radio_buttons", "checkboxes"]);

function input(block, where) {
  const id = uniqueId("field");
  const isGroup = GROUPS.has(block.element.type);
  const described = [`${id}-hint`, `${id}-error`].join(" ");
  const label = el(
    isGroup ? "span" : "label",
    { class: "label", id: `${id}-label`, for: isGroup ? undefined : id },
    plain(block.label),
    block.optional ? el("span", { class: "optional" }, " (optional)") : null,
  );
  const field = isGroup
    ? { id, "aria-labelledby": `${id}-label`, "aria-describedby": described }
    : { id, "aria-describedby": described, "aria-required": block.optional ? undefined : "true" };
  return el(
    "div",
    {},
    label,
    element(block.element, block, where, field),
    el("p", { class: "hint", id: `${id}-hint` }, block.hint ? plain(block.hint) : null),
    el("p", { class: "error", id: `${id}-error` }),
  );
}

const BLOCKS = {
  section,
  context,
  image,
  input,
  divider: () => el("hr"),
  header: (block) => el("h3", { dir: "auto" }, textNodes(block.text)),
  actions: (block, where) => el("div", {}, block.elements.map((spec) => element(spec, block, where))),
  rich_text: (block) => richText(block, reader()),
  text: (block) => textElement("div", "words", { type: "mrkdwn", text: block.text }),
};

/** Show errors, by block id, under their fields. Returns the first field with an error. */
export function showErrors(parent, errors) {
  let first = null;
  for (const node of parent.querySelectorAll(".input-block")) {
    const error = errors[node.dataset.block] ?? "";
    const field = node.querySelector("[aria-describedby]");
    node.querySelector(".error").textContent = error;
    node.classList.toggle("wrong", Boolean(error));
    if (error) field?.setAttribute("aria-invalid", "true");
    else field?.removeAttribute("aria-invalid");
    if (error && !first) first = field;
  }
  return first;
}
