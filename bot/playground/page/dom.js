// Building and updating the page. What people wrote only ever becomes text nodes.

/** An element: `el("button", { class: "x", type: "button", onclick: go }, "Go")`. */
export function el(name, props = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(props)) setProp(node, key, value);
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

function setProp(node, key, value) {
  if (value === undefined || value === null || value === false) return;
  if (typeof value === "function") node.addEventListener(key.slice(2), value);
  else if (key === "colour") node.style.setProperty("--colour", value);
  else node.setAttribute(key, value === true ? "" : value);
}

/** A text field's or menu's id that nothing else on the page has. */
let made = 0;
export const freshId = (what) => `${what}-${(made += 1)}`;

const known = new WeakMap(); // node: { key, mark }

/**
 * Make the children of `parent` be `items`, each `{ key, mark, make, update? }`.
 * A child stays as it is, with its focus and caret, while key and mark stay.
 */
export function reconcile(parent, items) {
  const old = new Map();
  for (const node of parent.children) {
    if (known.has(node)) old.set(known.get(node).key, node);
  }
  let cursor = parent.firstChild;
  for (const item of items) {
    const node = nodeFor(item, old);
    if (node === cursor) cursor = cursor.nextSibling;
    else parent.insertBefore(node, cursor);
  }
  while (cursor) {
    const next = cursor.nextSibling;
    cursor.remove();
    cursor = next;
  }
}

function nodeFor(item, old) {
  const there = old.get(item.key);
  old.delete(item.key);
  if (there && known.get(there).mark === item.mark) return there;
  const node = there && item.update ? there : item.make();
  if (node === there) item.update(there);
  known.set(node, { key: item.key, mark: item.mark });
  return node;
}

/** Run `change`; if it rebuilt what had the focus inside `root`, focus its successor. */
export function keepingFocus(root, change) {
  const focused = document.activeElement;
  const key = root.contains(focused) ? focused.dataset.key : undefined;
  const caret = key && "selectionStart" in focused ? [focused.selectionStart, focused.selectionEnd] : null;
  change();
  if (!key || focused.isConnected) return;
  const successor = root.querySelector(`[data-key="${CSS.escape(key)}"]`);
  successor?.focus({ preventScroll: true });
  if (caret && caret[0] !== null && successor?.setSelectionRange) successor.setSelectionRange(...caret);
}

const marks = new WeakMap();

/** An object as a string to compare by; remembered, because messages are compared often. */
export function markOf(object) {
  if (!marks.has(object)) marks.set(object, JSON.stringify(object));
  return marks.get(object);
}

/** Say something to screen readers. */
export function announce(text) {
  const announcer = document.getElementById("announcer");
  announcer.textContent = "";
  setTimeout(() => (announcer.textContent = text), 50); // a change is announced, a repetition not
}
