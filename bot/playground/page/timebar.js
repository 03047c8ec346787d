// The playground's controls above the workspace: the person, the time and the next event.

import { el } from "./dom.js";
import { icon } from "./icons.js";
import { about, avatar, badge, activePeople } from "./people.js";
import { openMenu } from "./popovers.js";
import { switchTo, letTeamAnswer, moveTime, unreadByPerson } from "./session.js";
import { me, state, zone } from "./state.js";
import { clock, day, now, place } from "./time.js";

/** The controls, with what each of them does. */
export const TIME_CONTROLS = [
  { id: "hour", words: "+1 hour", does: "An hour passes.", action: () => moveTime("hour") },
  { id: "day", words: "+1 day", does: "A day passes.", action: () => moveTime("day") },
  { id: "next", words: "Next event", does: "On to the bot's next message.", action: () => moveTime("next") },
  {
    id: "team",
    words: "Let the team answer",
    brief: "Team answers",
    does: "All seven answer what they were asked.",
    action: letTeamAnswer,
  },
];
/** The label of a control, which is shorter in a narrow window. */
export function controlName({ words, brief }) {
  if (!brief) return [el("span", {}, words)];
  return [el("span", { class: "long" }, words), el("span", { class: "brief" }, brief)];
}

const LOST = "Connection lost. Trying again …";
const NOTHING_DUE = "Nothing is due";
const TICK = 5000; // milliseconds

const face = el("span", { class: "face" });
const name = el("span", { class: "words" });
const person = el(
  "button",
  { type: "button", class: "lever who", "aria-haspopup": "menu", "aria-expanded": "false", onclick: () => choosePerson() },
  face,
  name,
  icon("caret", 14),
);
const time = el("time", { class: "now" });
const next = el("span", { class: "next" });
const guideButton = el(
  "button",
  {
    type: "button",
    class: "lever guide-button",
    "aria-label": "Guide",
    title: "Guide",
    "aria-controls": "guide",
    onclick: () => document.dispatchEvent(new CustomEvent("toggle-guide")),
  },
  icon("guide", 16),
);
const levers = TIME_CONTROLS.map(({ id, words, brief, does, action }) =>
  el(
    "button",
    { type: "button", class: "lever", "data-lever": id, "aria-label": words, title: does, onclick: action },
    controlName({ words, brief }),
  ),
);
const lost = el("p", { class: "lost", role: "status", hidden: true }, LOST);

export function startTimebar(root) {
  root.append(
    person,
    el("div", { class: "clock" }, time, next),
    guideButton,
    el("div", { class: "levers", role: "group", "aria-label": "Time and team" }, levers),
    lost,
  );
  setInterval(drawTime, TICK);
}

export function drawTimebar() {
  const user = me();
  if (!user) return;
  if (person.dataset.who !== user.id) {
    person.dataset.who = user.id;
    person.setAttribute("aria-label", `You are ${user.real_name}. Switch person`);
    face.replaceChildren(avatar(user, "small"));
    name.textContent = user.real_name;
  }
  for (const lever of levers) {
    const isBusy = state.busy === lever.dataset.lever;
    if (isBusy) lever.setAttribute("aria-busy", "true");
    else lever.removeAttribute("aria-busy");
    lever.setAttribute("aria-disabled", String(Boolean(state.busy || state.building)));
  }
  guideButton.setAttribute("aria-expanded", String(state.isGuideOpen));
  lost.hidden = state.isConnected;
  drawTime();
}

function drawTime() {
  if (!state.me) return;
  const moment = now();
  time.textContent = `${day(moment, zone())}, ${clock(moment, zone())} ${place(zone())}`;
  time.dateTime = moment.toISOString();
  next.textContent = following();
}

/** What the clock moves to, or how far the example is. */
function following() {
  if (state.building) return `Example: day ${state.building.done} of ${state.building.total}`;
  const due = state.nextEvent && new Date(state.nextEvent);
  return due ? `Next: ${day(due, zone())}, ${clock(due, zone())}` : NOTHING_DUE;
}

function choosePerson() {
  const items = activePeople().map((user) => ({
    value: user.id,
    isCurrent: user.id === state.me,
    content: el(
      "span",
      { class: "person", "data-person": user.id },
      avatar(user, "small"),
      el("span", { class: "words" }, user.real_name, el("small", {}, about(user))),
      badge(user),
      el("span", { class: "count", hidden: true }),
    ),
    onchoose: () => user.id === state.me || switchTo(user.id),
  }));
  openMenu(person, items, { label: "Switch person" });
  showUnread();
}

/** Show the unread counts of other people in the menu. */
async function showUnread() {
  const counts = await unreadByPerson(activePeople());
  for (const [id, count] of Object.entries(counts)) {
    const mark = document.querySelector(`[data-person="${id}"] .count`);
    if (!mark || !count) continue;
    mark.textContent = String(count);
    mark.setAttribute("aria-label", `${count} unread`);
    mark.hidden = false;
  }
}
