// Suggestions while typing: commands, their subcommands, people and channels.

import { avatar, badgeOf } from "./people.js";
import { state } from "./state.js";

const SLACKBOT = "USLACKBOT";
const MAX_ITEMS = 8;
const BUILT_IN_COMMANDS = [
  { command: "/invite", description: "Invite somebody to this channel", usage_hint: "@somebody" },
  { command: "/remove", description: "Remove somebody from this channel", usage_hint: "@somebody" },
  { command: "/leave", description: "Leave this channel", usage_hint: "" },
  { command: "/archive", description: "Archive this channel", usage_hint: "" },
];

/**
 * Suggestions for the text before the caret: `{ from, items: [{ insert, title, detail, picture? }],
 * isEager, heading }`, or null. Enter accepts eager suggestions at once, others only once selected.
 */
export function suggestionsFor(before) {
  return commandSuggestions(before) ?? subcommandSuggestions(before) ?? nameSuggestions(before);
}

function commandSuggestions(before) {
  const typed = /^\/\S*$/.exec(before)?.[0];
  if (typed === undefined) return null;
  const all = [...state.commands, ...BUILT_IN_COMMANDS];
  const items = all
    .filter(({ command }) => command.startsWith(typed.toLowerCase()))
    .map(({ command, description, usage_hint: hint }) => ({
      insert: `${command} `,
      title: `${command} ${hint ?? ""}`.trim(),
      detail: description,
    }));
  return { from: 0, items, isEager: !all.some(({ command }) => command === typed), heading: "Commands" };
}

function subcommandSuggestions(before) {
  const [, name, typed] = /^(\/\S+)\s+(\S*)$/.exec(before) ?? [];
  const command = state.commands.find((one) => one.command === name);
  if (!command?.subcommands?.length) return null;
  const words = command.subcommands.filter((word) => word.startsWith(typed.toLowerCase()));
  if (words.length === 1 && words[0] === typed) return null;
  const items = words.map((word) => ({ insert: `${word} `, title: `${name} ${word}`, detail: "" }));
  const heading = `${name} ${command.usage_hint ?? ""}`;
  return { from: before.length - typed.length, items, isEager: Boolean(typed) && !words.includes(typed), heading };
}

function nameSuggestions(before) {
  const [, sign, typed] = /(?:^|\s)([@#])([\p{L}\d'._-]*)$/u.exec(before) ?? [];
  if (!sign) return null;
  const items = (sign === "@" ? people(typed) : channels(typed)).slice(0, MAX_ITEMS);
  return { from: before.length - typed.length - 1, items, isEager: true, heading: sign === "@" ? "People" : "Channels" };
}

function people(typed) {
  const wanted = typed.toLowerCase();
  const starts = (user) => user.real_name.toLowerCase().split(" ").some((word) => word.startsWith(wanted));
  return [...state.users.values()]
    .filter((user) => user.id !== SLACKBOT && !user.deleted && starts(user))
    .map((user) => ({
      insert: `@${user.real_name} `,
      title: user.real_name,
      detail: badgeOf(user) ?? user.title,
      picture: () => avatar(user, "small"),
    }));
}

function channels(typed) {
  return [...state.conversations.values()]
    .filter((one) => one.kind !== "im" && one.name.startsWith(typed.toLowerCase()))
    .map((one) => ({ insert: `#${one.name} `, title: `#${one.name}`, detail: one.topic }));
}
