// Popups next to the button that opened them: choices, menus, pinned messages.

import { el } from "./dom.js";

const GAP = 4;
const EDGE = 8;

const places = new WeakMap(); // popup: a function that places it again

/** Place a popup beside its anchor, and again whenever the window changes while it is open. */
export function keepBeside(popup, anchor, options) {
  const place = () => placeBeside(popup, anchor, options);
  place();
  places.set(popup, () => (anchor.checkVisibility({ visibilityProperty: true }) ? place() : popup.hidePopover()));
}

addEventListener("resize", () => {
  for (const popup of document.querySelectorAll(".popup:popover-open")) places.get(popup)?.();
});

/** Place a popup below its anchor, or above if there is no room. */
function placeBeside(popup, anchor, { align = "start", isWide = false, tallest = Infinity } = {}) {
  const box = anchor.getBoundingClientRect();
  popup.style.minWidth = isWide ? `${box.width}px` : "";
  popup.style.maxHeight = `${Math.min(tallest, innerHeight - 2 * EDGE)}px`;
  const { width, height } = popup.getBoundingClientRect();
  const below = innerHeight - box.bottom - EDGE;
  const isAbove = height > below && box.top > below;
  const room = isAbove ? box.top - EDGE : below;
  const left = align === "end" ? box.right - width : box.left;
  popup.style.maxHeight = `${Math.min(tallest, Math.max(room - GAP, 120))}px`;
  popup.style.left = `${Math.max(EDGE, Math.min(left, innerWidth - width - EDGE))}px`;
  const top = isAbove ? Math.max(EDGE, box.top - Math.min(height, room) - GAP) : box.bottom + GAP;
  popup.style.top = `${top}px`;
}

/** Open a popup next to a button until a click elsewhere or Escape. Returns a function to close it. */
export function openBeside(anchor, content, { label, align, role = "dialog" } = {}) {
  const popup = el("div", { popover: "auto", class: "popup", role, "aria-label": label }, content);
  (anchor.closest("dialog") ?? document.body).append(popup);
  anchor.setAttribute("aria-expanded", "true");
  popup.addEventListener("toggle", (event) => {
    if (event.newState === "open") return;
    anchor.setAttribute("aria-expanded", "false");
    const hadFocus = popup.contains(document.activeElement) || document.activeElement === document.body;
    popup.remove();
    if (hadFocus && anchor.isConnected) anchor.focus();
  });
  popup.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    popup.hidePopover();
  });
  popup.showPopover();
  keepBeside(popup, anchor, { align });
  return () => popup.matches(":popover-open") && popup.hidePopover();
}

/** A menu of items `{ content, onchoose, isDisabled, isCurrent, label }`, with arrow keys. */
export function openMenu(anchor, items, { label, align } = {}) {
  const choose = (item) => {
    close();
    item.onchoose();
  };
  const buttons = items.map((item) =>
    el(
      "button",
      {
        type: "button",
        role: "menuitem",
        class: "menu-item",
        tabindex: "-1",
        "aria-disabled": item.isDisabled ? "true" : undefined,
        "aria-current": item.isCurrent ? "true" : undefined,
        "data-value": item.value,
        onclick: () => item.isDisabled || choose(item),
      },
      item.content,
    ),
  );
  const list = el("div", { class: "menu", onkeydown: (event) => walk(event, buttons) }, buttons);
  const close = openBeside(anchor, list, { label, align, role: "menu" });
  (buttons.find((button) => button.getAttribute("aria-current")) ?? buttons[0])?.focus();
  return close;
}

const STEPS = { ArrowDown: 1, ArrowUp: -1 };
const ENDS = { Home: 0, End: -1 };

/** Move the focus in a list by arrow keys, Home and End, or by the first letter. */
export function walk(event, nodes) {
  const at = nodes.indexOf(document.activeElement);
  let next;
  if (event.key in STEPS) next = nodes.at((at + STEPS[event.key] + nodes.length) % nodes.length);
  else if (event.key in ENDS) next = nodes.at(ENDS[event.key]);
  else if (/^\p{L}$/u.test(event.key) && !event.ctrlKey && !event.metaKey) {
    const after = [...nodes.slice(at + 1), ...nodes];
    next = after.find((node) => node.textContent.trim().toLowerCase().startsWith(event.key.toLowerCase()));
  }
  if (!next) return;
  event.preventDefault();
  next.focus();
}
