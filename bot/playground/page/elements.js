// Block elements: buttons, choices and text inputs. https://docs.slack.dev/reference/block-kit/block-elements

import { confirmed } from "./confirm.js";
import { el, uniqueId } from "./dom.js";
import { choose, isStateful, valueOf } from "./drafts.js";
import { icon } from "./icons.js";
import { menus } from "./menus.js";
import { openMenu } from "./popovers.js";
import { act, follow } from "./session.js";
import { zone } from "./state.js";
import { plain, textNodes } from "./texts.js";
import { instantOf, localTime } from "./time.js";

const NEARLY_FULL = 0.75; // above this share the counter is always shown

/**
 * One element as a node. `where` is `{ place, container, blocks }`; `field` holds the
 * attributes that tie an input to its label and hint.
 */
export function element(spec, block, where, field = {}) {
  const draw = ELEMENTS[spec.type];
  if (!draw) return el("span", { class: "unknown" }, `[${spec.type}]`);
  return draw(new Use(spec, block, where), { "data-key": `${block.block_id}/${spec.action_id}`, ...named(spec, field) });
}

/** Outside an input block an element has no label: use its placeholder. */
function named(spec, field) {
  if (field.id || spec.type === "button" || !isStateful(spec)) return field;
  return { ...field, "aria-label": plain(spec.placeholder) || spec.type.replaceAll("_", " ") };
}

/** An element on the page: its current value and its actions. */
class Use {
  constructor(spec, block, where) {
    Object.assign(this, { spec, block, where });
  }

  get value() {
    return valueOf(this.where.place, this.block, this.spec);
  }

  /** Store a choice, and send it to the app unless it waits for a button. */
  async choose(value, { isSent = this.firesAtOnce } = {}) {
    const before = this.value;
    const state = choose(this.where.place, this.block, this.spec, value);
    if (!isSent) return undefined;
    if (this.spec.confirm && !(await confirmed(this.spec.confirm))) {
      choose(this.where.place, this.block, this.spec, before);
      return this.where.redraw?.();
    }
    return this.fire(state);
  }

  get firesAtOnce() {
    return this.block.type !== "input" || Boolean(this.block.dispatch_action);
  }

  fire(more) {
    const action = { type: this.spec.type, block_id: this.block.block_id, action_id: this.spec.action_id };
    return act(this.where.container, this.where.blocks, { ...action, ...more });
  }
}

// ------------------------------------------------------------ buttons

function button(use, field) {
  const { spec } = use;
  const node = el(
    spec.url ? "a" : "button",
    {
      type: spec.url ? undefined : "button",
      class: `button ${spec.style ?? ""}`,
      "aria-label": spec.accessibility_label,
      href: spec.url,
      target: spec.url ? "_blank" : undefined,
      rel: spec.url ? "noopener noreferrer" : undefined,
      "data-action": spec.action_id,
      ...field,
      onclick: (event) => press(use, event, node),
    },
    el("span", {}, plain(spec.text)),
  );
  return node;
}

async function press(use, event, node) {
  const { confirm, text, value, style, url } = use.spec;
  if (node.getAttribute("aria-busy")) return event.preventDefault();
  if (url && follow(url)) event.preventDefault();
  if (confirm && !(await confirmed(confirm))) return undefined;
  node.setAttribute("aria-busy", "true");
  await use.fire({ text, value, style, url });
  node.removeAttribute("aria-busy");
  return undefined;
}

function overflow(use, field) {
  const open = () => {
    const items = use.spec.options.map((option) => ({
      value: option.value,
      content: el("span", { class: "words" }, plain(option.text), option.description ? el("small", {}, plain(option.description)) : null),
      onchoose: async () => {
        if (use.spec.confirm && !(await confirmed(use.spec.confirm))) return;
        if (option.url && !follow(option.url)) window.open(option.url, "_blank", "noopener");
        await use.fire({ selected_option: option });
      },
    }));
    openMenu(node, items, { label: "More actions", align: "end" });
  };
  const node = el(
    "button",
    { type: "button", class: "button overflow", "aria-label": "More actions", "aria-haspopup": "menu", ...field, onclick: open },
    icon("more", 18),
  );
  return node;
}

// ------------------------------------------------------------ choices

function choices(use, field, type) {
  const group = uniqueId("choice");
  const chosen = () => [use.value].flat().filter(Boolean).map((option) => option.value);
  const inputs = use.spec.options.map((option, index) =>
    el("input", {
      type,
      name: group,
      value: option.value,
      checked: chosen().includes(option.value),
      "data-key": `${field["data-key"]}/${index}`,
      onchange: () => {
        const ticked = use.spec.options.filter((_, at) => inputs[at].checked);
        use.choose(type === "radio" ? (ticked[0] ?? null) : ticked);
      },
    }),
  );
  const rows = use.spec.options.map((option, index) =>
    el(
      "label",
      { class: "choice" },
      inputs[index],
      el("span", { class: "words" }, textNodes(option.text), option.description ? el("small", {}, textNodes(option.description)) : null),
    ),
  );
  const { "data-key": _key, ...group_attributes } = field;
  return el("div", { class: "choices", role: type === "radio" ? "radiogroup" : "group", ...group_attributes }, rows);
}

// ------------------------------------------------------------ text inputs

function textInput(use, field) {
  const { spec } = use;
  const maximum = spec.max_length;
  const counter = spec.max_length ? el("span", { class: "counter", "aria-hidden": "true" }) : null;
  const count = () => {
    if (!counter) return;
    const length = [...node.value].length;
    counter.textContent = `${length} / ${maximum}`;
    counter.classList.toggle("over", length > maximum);
    counter.hidden = !(length > maximum * NEARLY_FULL || node === document.activeElement);
  };
  const node = el(spec.multiline ? "textarea" : "input", {
    ...(spec.multiline ? { rows: "3" } : { type: "text" }),
    class: "text",
    dir: "auto",
    autocomplete: "off",
    placeholder: plain(spec.placeholder),
    ...field,
    oninput: () => {
      const tells = spec.dispatch_action_config?.trigger_actions_on?.includes("on_character_entered");
      use.choose(node.value || null, { isSent: Boolean(use.block.dispatch_action && tells) });
      count();
    },
    onkeydown: (event) => enter(event, use, spec.multiline),
    onfocus: count,
    onblur: count,
  });
  node.value = use.value ?? "";
  count();
  return el("div", { class: "typed" }, node, counter);
}

function enter(event, use, isMultiline) {
  if (event.key !== "Enter" || isMultiline || !use.block.dispatch_action) return;
  const on = use.spec.dispatch_action_config?.trigger_actions_on ?? ["on_enter_pressed"];
  if (!on.includes("on_enter_pressed")) return;
  event.preventDefault();
  use.fire({ value: event.target.value || null });
}

/** A native input of the browser: numbers, addresses, dates, times. */
function native(type, { shown = (value) => value ?? "", read = (text) => text || null, ...attributes } = {}) {
  return (use, field) => {
    const node = el("input", {
      type,
      class: `text ${type}`,
      autocomplete: "off",
      placeholder: plain(use.spec.placeholder),
      ...attributes,
      ...field,
      onchange: () => use.choose(read(node.value), {}),
      oninput: () => use.choose(read(node.value), { isSent: false }),
      onkeydown: (event) => enter(event, use, false),
    });
    node.value = shown(use.value);
    return node;
  };
}

const ELEMENTS = {
  button,
  overflow,
  radio_buttons: (use, field) => choices(use, field, "radio"),
  checkboxes: (use, field) => choices(use, field, "checkbox"),
  plain_text_input: textInput,
  number_input: native("text", { inputmode: "decimal" }),
  email_text_input: native("email"),
  url_text_input: native("url"),
  datepicker: native("date"),
  timepicker: native("time"),
  datetimepicker: native("datetime-local", {
    shown: (seconds) => (seconds ? localTime(new Date(seconds * 1000), zone()) : ""),
    read: (text) => (text ? instantOf(text, zone()) : null),
  }),
  ...menus,
};
