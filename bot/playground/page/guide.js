// The first screen's guide: where one is, what to try first, and what moves the time.

import { el } from "./dom.js";
import { icon } from "./icons.js";
import { buildExample, runInFirstChannel } from "./session.js";
import { NARROW, changed, me, state } from "./state.js";
import { TIME_CONTROLS, controlName } from "./timebar.js";

const WHERE =
  "This is a small Slack on your own machine, with Imbalance in it: a bot that helps a team put results first, or trust first, on purpose and until a set day.";
const WHO = "You are {name}; you can be anyone else here, and time passes when you say so.";
const FIRST = "It opens the form that starts a phase in #launch. *Fill In an Example* there saves the typing.";
const LATER = "It shows how things stand in #launch, with the buttons that make sense now.";
const EXAMPLE = "A finished sprint and a running trust-building phase. It takes half a minute, and the clock moves on by a month.";
const BUILDING = "Day {done} of {total}";
const CLOSED = "guide-closed"; // in localStorage: when the workspace it was closed in was made

const title = el("h2", { id: "guide-title" }, "Try Imbalance here");
const who = el("p", {});
const command = el("code", {});
const run = el("button", { type: "button", class: "lever run", "data-key": "run", onclick: tryFirst }, icon("play", 14), command);
const about = el("p", {});
const build = el("button", { type: "button", class: "lever", "data-key": "example", onclick: () => buildExample() }, "Build the Example");
const bar = el("progress", { "aria-label": "Building the example" });
const days = el("span", {});
const progress = el("p", { class: "progress", hidden: true }, bar, days);
const example = el("section", { "aria-labelledby": "guide-example" }, el("h3", { id: "guide-example" }, "Or see one under way"), el("p", {}, EXAMPLE), build, progress);
let root = null;

export function startGuide(section) {
  root = section;
  const close = el("button", { type: "button", class: "quiet", "aria-label": "Close the guide", onclick: () => setGuide(false) }, icon("close"));
  root.append(
    close,
    el("section", {}, title, el("p", {}, WHERE), who),
    el("section", { "aria-labelledby": "guide-first" }, el("h3", { id: "guide-first" }, "Try this first"), run, about),
    el("section", { "aria-labelledby": "guide-time" }, el("h3", { id: "guide-time" }, "Then move the time"), controls()),
    example,
  );
  document.addEventListener("toggle-guide", () => setGuide(!state.isGuideOpen));
  document.addEventListener("keydown", (event) => {
    const isHere = event.target === document.body || root.contains(event.target);
    if (event.key === "Escape" && !event.defaultPrevented && state.isGuideOpen && isHere) setGuide(false);
  });
}

function controls() {
  const rows = TIME_CONTROLS.map((control) => el("div", {}, el("dt", {}, controlName(control)), el("dd", {}, control.does)));
  return el("dl", {}, rows);
}

/** Open or close the guide; closed, it stays so until the workspace is started over. */
function setGuide(isWanted) {
  const hadFocus = root.contains(document.activeElement);
  state.isGuideOpen = isWanted;
  remember(isWanted ? null : String(state.workspace.created));
  changed();
  drawGuide(); // at once: what is hidden cannot have the focus
  if (isWanted) run.focus();
  else if (hadFocus) document.querySelector("#timebar .guide-button").focus();
}

export function drawGuide() {
  if (!me()) return;
  state.isGuideOpen ??= remembered() !== String(state.workspace.created);
  root.hidden = !state.isGuideOpen;
  if (root.hidden) return;
  who.textContent = WHO.replace("{name}", me().real_name);
  command.textContent = firstCommand();
  run.hidden = about.hidden = !firstCommand();
  about.replaceChildren(...emphasised(state.isFresh ? FIRST : LATER));
  example.hidden = !state.isFresh && !state.building;
  drawProgress();
}

function drawProgress() {
  const { building } = state;
  build.hidden = Boolean(building);
  build.setAttribute("aria-disabled", String(Boolean(state.busy)));
  progress.hidden = !building;
  if (!building) return;
  bar.max = building.total;
  bar.value = building.done;
  days.textContent = BUILDING.replace("{done}", building.done).replace("{total}", building.total);
}

/** The app's first command; once there is something to see, without its first word. */
function firstCommand() {
  const [first] = state.commands;
  if (!first) return "";
  return [first.command, ...(state.isFresh ? first.subcommands.slice(0, 1) : [])].join(" ");
}

async function tryFirst() {
  if (NARROW.matches) setGuide(false); // there it would cover the answer
  await runInFirstChannel(firstCommand());
}

const emphasised = (text) => text.split("*").map((part, index) => (index % 2 ? el("strong", {}, part) : part));

// A browser may refuse to store anything.

function remembered() {
  try {
    return localStorage.getItem(CLOSED);
  } catch {
    return null;
  }
}

function remember(value) {
  try {
    if (value === null) localStorage.removeItem(CLOSED);
    else localStorage.setItem(CLOSED, value);
  } catch {
    // Then it is shown again.
  }
}
