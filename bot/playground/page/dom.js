// Building and updating the page. Texts of people only ever become text nodes.

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

/** An element id that is unique on the page. */
let idCount = 0;
export const uniqueId = (what) => `${what}-${(idCount += 1)}`;

const reconciled = new WeakMap(); // node: { key, mark }

/**
 * Make the children of `parent` be `items`, each `{ key, mark, make, update? }`.
 * A child stays as it is, with its focus and caret, while key and mark stay.
 */
export function reconcile(parent, items) {
  const old = new Map();
  for (const node of parent.children) {
    if (reconciled.has(node)) old.set(reconciled.get(node).key, node);
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
  const existing = old.get(item.key);
  old.delete(item.key);
  if (existing && reconciled.get(existing).mark === item.mark) return existing;
  const node = existing && item.update ? existing : item.make();
  if (node === existing) item.update(existing);
  reconciled.set(node, { key: item.key, mark: item.mark });
  return node;
}

/** Run `change`; if it replaced the focused element inside `root`, focus its successor. */
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

/** An object as a string to compare; cached, because messages are compared often. */
export function markOf(object) {
  if (!marks.has(object)) marks.set(object, JSON.stringify(object));
  return marks.get(object);
}

/** Announce a text to screen readers. */
export function announce(text) {
  const announcer = document.getElementById("announcer");
  announcer.textContent = "";
  setTimeout(() => (announcer.textContent = text), 50); // only a change is announced, so clear the text first
}
