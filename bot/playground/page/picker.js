// A combobox: every select menu of Block Kit, for one choice or several.
// Pattern: https://www.w3.org/WAI/ARIA/apg/patterns/combobox/

import { el, uniqueId } from "./dom.js";
import { icon } from "./icons.js";
import { keepBeside } from "./popovers.js";

const NOTHING = "No matches";
const MAX_HEIGHT = 320; // pixels

/**
 * A field for options `{ value, text, detail?, group?, picture? }`.
 * `chosen` and the argument of `onchoose` are lists of values; a single choice has one or none.
 */
export function picker(options, settings) {
  return new Picker(options, settings).root;
}

class Picker {
  constructor(options, { chosen, isMulti = false, most = Infinity, placeholder, field = {}, onchoose }) {
    Object.assign(this, { options, chosen: [...chosen], isMulti, most, placeholder, onchoose });
    this.listId = uniqueId("list");
    this.shown = [];
    this.active = -1;
    this.input = this.makeInput(field);
    this.chips = el("span", { class: "chips" });
    this.clear = el(
      "button",
      { type: "button", class: "quiet clear", "aria-label": "Clear", tabindex: "-1", onclick: () => this.set([]) },
      icon("close", 14),
    );
    const box = el("div", { class: "picker-box" }, this.chips, this.input, this.clear, icon("caret", 16));
    box.addEventListener("mousedown", (event) => this.press(event));
    this.list = el("div", { popover: "manual", class: "popup options", role: "listbox", id: this.listId });
    if (isMulti) this.list.setAttribute("aria-multiselectable", "true");
    this.list.addEventListener("mousedown", (event) => event.preventDefault()); // keep the focus
    this.root = el("div", { class: `picker${isMulti ? " multi" : ""}` }, box, this.list);
    this.root.addEventListener("focusout", (event) => this.root.contains(event.relatedTarget) || this.close());
    this.draw();
  }

  makeInput(field) {
    return el("input", {
      type: "text",
      role: "combobox",
      autocomplete: "off",
      spellcheck: "false",
      "aria-autocomplete": "list",
      "aria-expanded": "false",
      "aria-controls": this.listId,
      ...field,
      oninput: () => this.open(this.input.value),
      onkeydown: (event) => this.key(event),
    });
  }

  get isOpen() {
    return this.list.matches(":popover-open");
  }

  press(event) {
    if (event.target.closest("button")) return;
    if (event.target !== this.input || !this.isMulti) event.preventDefault();
    this.input.focus();
    if (!this.isMulti) this.input.select(); // what one types replaces what is chosen
    if (this.isOpen) this.close();
    else this.open("");
  }

  key(event) {
    const handler = KEYS[event.key];
    if (!handler?.(this)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Show the options that contain the typed text. */
  open(typed) {
    const wanted = typed.trim().toLowerCase();
    const matches = (option) => `${option.text} ${option.detail ?? ""}`.toLowerCase().includes(wanted);
    this.shown = this.options.filter(matches);
    const chosenAt = this.shown.findIndex((option) => this.chosen.includes(option.value));
    this.active = wanted || chosenAt < 0 ? Math.min(0, this.shown.length - 1) : chosenAt;
    this.list.replaceChildren(...this.drawnOptions());
    if (!this.isOpen) this.list.showPopover();
    this.input.setAttribute("aria-expanded", "true");
    keepBeside(this.list, this.root, { isWide: true, tallest: MAX_HEIGHT });
    this.mark();
  }

  close() {
    if (this.isOpen) this.list.hidePopover();
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
    this.draw();
  }

  drawnOptions() {
    if (!this.shown.length) return [el("p", { class: "none" }, NOTHING)];
    const rows = [];
    this.shown.forEach((option, index) => {
      if (option.group && option.group !== this.shown[index - 1]?.group) {
        rows.push(el("p", { class: "group", role: "presentation" }, option.group));
      }
      rows.push(this.row(option, index));
    });
    return rows;
  }

  row(option, index) {
    const isChosen = this.chosen.includes(option.value);
    return el(
      "div",
      {
        role: "option",
        class: "option",
        id: `${this.listId}-${index}`,
        "aria-selected": String(isChosen),
        "data-value": option.value,
        onclick: () => this.choose(option),
      },
      option.picture?.(),
      el("span", { class: "words" }, option.text, option.detail ? el("small", {}, option.detail) : null),
      isChosen ? icon("check", 16) : null,
    );
  }

  mark() {
    const rows = this.list.querySelectorAll(".option");
    rows.forEach((row, index) => row.classList.toggle("active", index === this.active));
    const row = rows[this.active];
    if (row) this.input.setAttribute("aria-activedescendant", row.id);
    else this.input.removeAttribute("aria-activedescendant");
    row?.scrollIntoView({ block: "nearest" });
  }

  move(step) {
    if (!this.isOpen) this.open("");
    else this.active = (this.active + step + this.shown.length) % Math.max(this.shown.length, 1);
    this.mark();
    return true;
  }

  choose(option) {
    if (!this.isMulti) {
      this.set([option.value]);
      return this.close();
    }
    const isChosen = this.chosen.includes(option.value);
    if (!isChosen && this.chosen.length >= this.most) return undefined;
    this.set(isChosen ? this.chosen.filter((one) => one !== option.value) : [...this.chosen, option.value]);
    return this.open("");
  }

  set(values) {
    this.chosen = values;
    this.draw();
    this.input.focus();
    this.onchoose(values);
  }

  /** Draw the closed field with its choices. */
  draw() {
    const chosen = this.chosen.map((value) => this.options.find((option) => option.value === value) ?? { value, text: value });
    this.chips.replaceChildren(...(this.isMulti ? chosen.map((option) => this.chip(option)) : []));
    this.input.value = this.isMulti ? "" : (chosen[0]?.text ?? "");
    this.input.placeholder = this.isMulti && chosen.length ? "" : (this.placeholder ?? "");
    this.clear.hidden = this.isMulti || !chosen.length;
  }

  chip(option) {
    const without = () => this.set(this.chosen.filter((one) => one !== option.value));
    return el(
      "span",
      { class: "chip" },
      option.picture?.(),
      option.text,
      el("button", { type: "button", class: "quiet", "aria-label": `Remove ${option.text}`, onclick: without }, icon("close", 12)),
    );
  }
}

/** Key handlers; each returns whether it handled the key. */
const KEYS = {
  ArrowDown: (self) => self.move(1),
  ArrowUp: (self) => self.move(-1),
  Enter(self) {
    if (!self.isOpen) self.open("");
    else if (self.shown[self.active]) self.choose(self.shown[self.active]);
    return true;
  },
  Escape(self) {
    const wasOpen = self.isOpen;
    self.close();
    return wasOpen;
  },
  Backspace(self) {
    if (self.isMulti && !self.input.value && self.chosen.length) self.set(self.chosen.slice(0, -1));
    else if (!self.isMulti && self.chosen.length && isAllSelected(self.input)) self.set([]);
    else return false;
    return true;
  },
};

const isAllSelected = (input) =>
  input.selectionStart === 0 && input.selectionEnd === input.value.length;
