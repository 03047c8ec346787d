// Block Kit's select menus: options, people, channels and conversations.

import { el } from "./dom.js";
import { icon } from "./icons.js";
import { avatar, badgeOf } from "./people.js";
import { picker } from "./picker.js";
import { isWithApp, state, title } from "./state.js";
import { plain } from "./texts.js";

const SLACKBOT = "USLACKBOT";

const fromOption = (option, group) => ({
  value: option.value,
  text: plain(option.text),
  detail: plain(option.description),
  group,
});

function pickerOptions(spec) {
  if (!spec.option_groups) return (spec.options ?? []).map((option) => fromOption(option));
  return spec.option_groups.flatMap((group) =>
    group.options.map((option) => fromOption(option, plain(group.label))),
  );
}

const optionsOf = (spec) => (spec.option_groups ?? [spec]).flatMap((group) => group.options ?? []);

function people() {
  const shown = [...state.users.values()].filter((user) => !user.deleted && user.id !== SLACKBOT);
  return shown
    .sort((one, other) => Number(one.is_bot) - Number(other.is_bot))
    .map((user) => ({
      value: user.id,
      text: user.real_name,
      detail: badgeOf(user),
      picture: () => avatar(user, "small"),
    }));
}

const KIND = { channel: "public", private: "private", im: "im" };

function conversations({ filter = {} }) {
  const include = filter.include ?? Object.values(KIND);
  return [...state.conversations.values()]
    .filter((one) => !one.is_archived && include.includes(KIND[one.kind]))
    .filter((one) => !(filter.exclude_external_shared_channels && one.is_shared))
    .filter((one) => !(filter.exclude_bot_users && isWithApp(one)))
    .map((one) => ({
      value: one.id,
      text: title(one).replace(/^#/, ""),
      picture: () => (one.kind === "im" ? avatar(state.users.get(one.user), "small") : channelSign(one)),
    }));
}

const channelSign = (one) => el("span", { class: "sign" }, icon(one.kind === "private" ? "lock" : "hash", 15));

const channels = () => conversations({ filter: { include: ["public"] } });

/** A menu whose values are ids. */
function ofIds(offered, placeholder, isMulti) {
  return (use, field) =>
    picker(offered(use.spec), {
      isMulti,
      most: use.spec.max_selected_items,
      placeholder: plain(use.spec.placeholder) || placeholder,
      chosen: [use.value].flat().filter(Boolean),
      field,
      onchoose: (values) => use.choose(isMulti ? values : (values[0] ?? null)),
    });
}

/** A menu whose values are Slack's option objects. */
function ofOptions(isMulti) {
  return (use, field) => {
    const find = (value) => optionsOf(use.spec).find((option) => option.value === value);
    return picker(pickerOptions(use.spec), {
      isMulti,
      most: use.spec.max_selected_items,
      placeholder: plain(use.spec.placeholder) || (isMulti ? "Select options" : "Select an option"),
      chosen: [use.value].flat().filter(Boolean).map((option) => option.value),
      field,
      onchoose: (values) => use.choose(isMulti ? values.map(find) : (find(values[0]) ?? null)),
    });
  };
}

export const menus = {
  static_select: ofOptions(false),
  multi_static_select: ofOptions(true),
  users_select: ofIds(people, "Select a person", false),
  multi_users_select: ofIds(people, "Select people", true),
  conversations_select: ofIds(conversations, "Select a conversation", false),
  multi_conversations_select: ofIds(conversations, "Select conversations", true),
  channels_select: ofIds(channels, "Select a channel", false),
  multi_channels_select: ofIds(channels, "Select channels", true),
};
