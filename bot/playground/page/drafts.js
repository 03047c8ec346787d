// Values of inputs that are not sent yet, which Slack keeps in the client. They survive a change of
// the message or view where block_id and action_id stay the same.

/** For each stateful element: the key of its state, and the key of its initial value. */
const KEYS = {
  plain_text_input: ["value", "initial_value"],
  number_input: ["value", "initial_value"],
  email_text_input: ["value", "initial_value"],
  url_text_input: ["value", "initial_value"],
  radio_buttons: ["selected_option", "initial_option"],
  checkboxes: ["selected_options", "initial_options"],
  static_select: ["selected_option", "initial_option"],
  multi_static_select: ["selected_options", "initial_options"],
  users_select: ["selected_user", "initial_user"],
  multi_users_select: ["selected_users", "initial_users"],
  conversations_select: ["selected_conversation", "initial_conversation"],
  multi_conversations_select: ["selected_conversations", "initial_conversations"],
  channels_select: ["selected_channel", "initial_channel"],
  multi_channels_select: ["selected_channels", "initial_channels"],
  datepicker: ["selected_date", "initial_date"],
  timepicker: ["selected_time", "initial_time"],
  datetimepicker: ["selected_date_time", "initial_date_time"],
};

const typed = new Map(); // draft key: { block_id: { action_id: state } }

export const isStateful = (element) => element.type in KEYS;

/** The current value of an element: the person's choice, else the app's initial value. */
export function valueOf(draft, block, element) {
  const [key, initial] = KEYS[element.type];
  const state = typed.get(draft)?.[block.block_id]?.[element.action_id];
  if (state?.type === element.type) return state[key];
  return element[initial] ?? (key.endsWith("s") ? [] : null);
}

/** Store a value. Returns the element's state in Slack's format. */
export function choose(draft, block, element, value) {
  const states = typed.get(draft) ?? {};
  const state = { type: element.type, [KEYS[element.type][0]]: value };
  typed.set(draft, { ...states, [block.block_id]: { ...states[block.block_id], [element.action_id]: state } });
  return state;
}

/** Adopt the values that the fake Slack has, unless something newer was typed here. */
export function adoptValues(draft, values) {
  if (!typed.has(draft) && Object.keys(values ?? {}).length) typed.set(draft, values);
}

/** `state.values`: the states of all stateful elements, changed or not. */
export function valuesIn(draft, blocks) {
  const values = {};
  for (const [block, element] of elementsIn(blocks)) {
    if (!isStateful(element)) continue;
    const value = valueOf(draft, block, element);
    values[block.block_id] ??= {};
    values[block.block_id][element.action_id] = { type: element.type, [KEYS[element.type][0]]: value };
  }
  return values;
}

/** Drop the values of removed blocks. */
export function prune(draft, blocks) {
  if (!typed.has(draft)) return;
  const present = new Set(blocks.map((block) => block.block_id));
  const kept = Object.entries(typed.get(draft)).filter(([blockId]) => present.has(blockId));
  typed.set(draft, Object.fromEntries(kept));
}

export const clearDrafts = () => typed.clear();

function* elementsIn(blocks) {
  for (const block of blocks) {
    const several = block.type === "actions" ? block.elements : [];
    for (const element of [block.accessory, block.element, ...several]) {
      if (element?.action_id) yield [block, element];
    }
  }
}

/** The key of a message or view in the drafts of a person. */
export function draftKey(user, container) {
  if (container.type === "view") return `${user} view ${container.view_id}`;
  return `${user} message ${container.channel_id} ${container.message_ts}`;
}
