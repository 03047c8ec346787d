// What is chosen and typed in inputs. It lives here, in the person's client, until it is sent;
// it survives every change of a message or view in which block_id and action_id stay.

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

const typed = new Map(); // place: { block_id: { action_id: state } }

export const isStateful = (element) => element.type in KEYS;

/** The value an element holds now: chosen before, else as the app set it. */
export function valueOf(place, block, element) {
  const [key, initial] = KEYS[element.type];
  const state = typed.get(place)?.[block.block_id]?.[element.action_id];
  if (state?.type === element.type) return state[key];
  return element[initial] ?? (key.endsWith("s") ? [] : null);
}

/** Remember a value. Returns the element's state as Slack writes it. */
export function choose(place, block, element, value) {
  const states = typed.get(place) ?? {};
  const state = { type: element.type, [KEYS[element.type][0]]: value };
  typed.set(place, { ...states, [block.block_id]: { ...states[block.block_id], [element.action_id]: state } });
  return state;
}

/** Take over what the stand-in remembers, where nothing newer was typed here. */
export function remember(place, values) {
  if (!typed.has(place) && Object.keys(values ?? {}).length) typed.set(place, values);
}

/** `state.values`: every stateful element of the blocks, touched or not. */
export function valuesIn(place, blocks) {
  const values = {};
  for (const [block, element] of elementsIn(blocks)) {
    if (!isStateful(element)) continue;
    const value = valueOf(place, block, element);
    values[block.block_id] ??= {};
    values[block.block_id][element.action_id] = { type: element.type, [KEYS[element.type][0]]: value };
  }
  return values;
}

/** Forget what belongs to blocks that are gone. */
export function prune(place, blocks) {
  if (!typed.has(place)) return;
  const there = new Set(blocks.map((block) => block.block_id));
  const kept = Object.entries(typed.get(place)).filter(([blockId]) => there.has(blockId));
  typed.set(place, Object.fromEntries(kept));
}

export const forgetAll = () => typed.clear();

function* elementsIn(blocks) {
  for (const block of blocks) {
    const several = block.type === "actions" ? block.elements : [];
    for (const element of [block.accessory, block.element, ...several]) {
      if (element?.action_id) yield [block, element];
    }
  }
}

/** Where something is typed: each person has their own client. */
export function placeOf(user, container) {
  if (container.type === "view") return `${user} view ${container.view_id}`;
  return `${user} message ${container.channel_id} ${container.message_ts}`;
}
