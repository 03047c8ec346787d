// The message field: text, slash commands, and suggestions while typing.

import { suggestionsFor } from "./completion.js";
import { announce, el, uniqueId } from "./dom.js";
import { icon } from "./icons.js";
import { send } from "./session.js";
import { state } from "./state.js";

const MAX_HEIGHT = 220; // pixels
const texts = new Map(); // unsent texts, by person and conversation

export class Composer {
  constructor() {
    this.listId = uniqueId("offers");
    this.offers = null;
    this.active = -1;
    this.key = "";
    this.field = el("textarea", {
      rows: "1",
      dir: "auto",
      "aria-autocomplete": "list",
      "aria-controls": this.listId,
      spellcheck: "false",
      "data-key": "composer",
      oninput: () => this.typed(),
      onkeydown: (event) => this.press(event),
      onclick: () => this.offer(),
      onblur: () => this.hide(),
    });
    this.button = el("button", { type: "submit", class: "send", "aria-label": "Send" }, icon("send", 18));
    this.list = el("div", { class: "offers", role: "listbox", id: this.listId, "aria-label": "Suggestions", hidden: true });
    this.list.addEventListener("mousedown", (event) => event.preventDefault()); // keep the focus
    this.box = el("div", { class: "composer-box" }, this.field, this.button);
    this.root = el("form", { class: "composer" }, this.list, this.box);
    this.root.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    this.refitWhenWidthChanges();
  }

  refitWhenWidthChanges() {
    let width = 0;
    const observer = new ResizeObserver(() => {
      if (this.field.clientWidth === width) return;
      width = this.field.clientWidth;
      requestAnimationFrame(() => this.setHeight());
    });
    observer.observe(this.field);
  }

  /** Set the conversation to write to, and restore its unsent text. */
  aim({ channel, threadTs, label }) {
    this.target = { channel, threadTs };
    const key = `${state.me} ${channel} ${threadTs ?? ""}`;
    this.field.setAttribute("aria-label", label);
    this.field.placeholder = label;
    if (key === this.key) return;
    this.key = key;
    this.write(texts.get(key) ?? "");
    this.hide();
  }

  write(text) {
    this.field.value = text;
    this.fit();
  }

  typed() {
    this.fit();
    this.offer();
  }

  fit() {
    texts.set(this.key, this.field.value);
    this.button.disabled = !this.field.value.trim();
    this.setHeight();
  }

  setHeight() {
    this.field.style.height = "auto";
    this.field.style.height = `${Math.min(this.field.scrollHeight, MAX_HEIGHT)}px`;
  }

  async send() {
    const text = this.field.value.trim();
    if (!text) return;
    const { key } = this;
    this.hide();
    this.write("");
    this.field.focus();
    const isSent = await send(this.target.channel, text, this.target.threadTs);
    if (isSent || texts.get(key)) return;
    texts.set(key, text); // to be corrected
    if (key === this.key) this.write(text);
  }

  // ------------------------------------------------------------ suggestions

  offer() {
    const { selectionStart: caret, value } = this.field;
    this.offers = suggestionsFor(value.slice(0, caret));
    if (!this.offers?.items.length) return this.hide();
    this.active = this.offers.isEager ? 0 : -1;
    this.list.replaceChildren(
      el("p", { class: "group", role: "presentation" }, this.offers.heading),
      ...this.offers.items.map((item, index) => this.row(item, index)),
    );
    if (this.list.hidden) announce(`${this.offers.items.length} suggestions`);
    this.list.hidden = false;
    return this.mark();
  }

  row(item, index) {
    return el(
      "div",
      { role: "option", class: "option", id: `${this.listId}-${index}`, onclick: () => this.take(index) },
      item.picture?.(),
      el("span", { class: "words" }, item.title, item.detail ? el("small", {}, item.detail) : null),
    );
  }

  mark() {
    this.list.querySelectorAll(".option").forEach((row, index) => {
      row.classList.toggle("active", index === this.active);
      row.setAttribute("aria-selected", String(index === this.active));
      if (index === this.active) row.scrollIntoView({ block: "nearest" });
    });
    if (this.active < 0) this.field.removeAttribute("aria-activedescendant");
    else this.field.setAttribute("aria-activedescendant", `${this.listId}-${this.active}`);
  }

  take(index) {
    const { from, items } = this.offers;
    const { selectionStart: caret, value } = this.field;
    const before = value.slice(0, from) + items[index].insert;
    this.write(before + value.slice(caret).trimStart());
    this.field.focus();
    this.field.setSelectionRange(before.length, before.length);
    this.offer();
  }

  hide() {
    this.offers = null;
    this.list.hidden = true;
    this.field.removeAttribute("aria-activedescendant");
  }

  press(event) {
    if (event.isComposing) return;
    const handled = this.offers ? this.pressInOffers(event.key) : false;
    if (handled) return event.preventDefault();
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.send();
    }
  }

  pressInOffers(key) {
    const count = this.offers.items.length;
    if (key === "ArrowDown") this.active = (this.active + 1) % count;
    else if (key === "ArrowUp") this.active = (this.active <= 0 ? count : this.active) - 1;
    else if (key === "Escape") this.hide();
    else if (key === "Tab" || (key === "Enter" && this.active >= 0)) return this.take(Math.max(this.active, 0)), true;
    else return false;
    if (this.offers) this.mark();
    return true;
  }
}
