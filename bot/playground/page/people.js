// Avatars, badges and descriptions of people.

import { el } from "./dom.js";
import { tiltedBeam } from "./icons.js";
import { state } from "./state.js";
import { clock, now, place } from "./time.js";

export function avatar(user, size = "") {
  if (user?.id === state.bot) return el("span", { class: `avatar app ${size}`, "aria-hidden": "true" }, tiltedBeam());
  return el(
    "span",
    { class: `avatar ${size}`, colour: user?.color ?? "#777", "aria-hidden": "true" },
    user?.initials || "?",
  );
}

const BADGES = [
  ["is_bot", "App"],
  ["deleted", "Deactivated"],
  ["is_restricted", "Guest"],
  ["is_external", "Other company"],
  ["is_admin", "Admin"],
];

/** The word on somebody's badge, if any. */
export const badgeOf = (user) => BADGES.find(([flag]) => user?.[flag])?.[1];

export function badge(user) {
  const word = badgeOf(user);
  return word ? el("span", { class: "badge" }, word) : null;
}

/** "Backend · 10:00 in Lagos" */
export function about(user) {
  const parts = [user.title];
  if (user.tz) parts.push(`${clock(now(), user.tz)} in ${place(user.tz)}`);
  return parts.filter(Boolean).join(" · ");
}

/** The people who can be switched to: neither bots nor deactivated accounts. */
export const activePeople = () => [...state.users.values()].filter((user) => !user.is_bot && !user.deleted);
