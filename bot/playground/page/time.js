// Business time as set by the fake Slack, formatted for one time zone.

const LANGUAGE = "en-GB";
const MINUTE = 60;
const HALF_A_YEAR = 182 * 86400e3;
const formats = new Map();

let lastTime = Date.now();
let lastTimeAt = performance.now();

export function setNow(iso) {
  lastTime = Date.parse(iso);
  lastTimeAt = performance.now();
}

/** The playground's time: the last one received plus the real time since then. */
export const now = () => new Date(lastTime + performance.now() - lastTimeAt);

export function format(date, zone, options) {
  const key = zone + JSON.stringify(options);
  if (!formats.has(key)) {
    formats.set(key, new Intl.DateTimeFormat(LANGUAGE, { timeZone: zone, ...options }));
  }
  return formats.get(key).format(date);
}

export const clock = (date, zone) => format(date, zone, { hour: "2-digit", minute: "2-digit" });

/** "Mon 23 Nov" */
export const day = (date, zone) =>
  format(date, zone, { weekday: "short", day: "numeric", month: "short" }).replace(",", "");

/** "Europe/Lisbon" is "Lisbon". */
export const place = (zone) => zone.split("/").pop().replaceAll("_", " ");

/** Dates have the same key if they are the same day in the zone. */
export const dayKey = (date, zone) =>
  formatParts(date, zone, { year: "numeric", month: "2-digit", day: "2-digit" });

function formatParts(date, zone, options) {
  return format(date, zone, options).split("/").reverse().join("-");
}

/** Today, Yesterday, Tomorrow, or nothing. */
function relativeDay(date, zone) {
  const key = dayKey(date, zone);
  const near = { Today: 0, Yesterday: -1, Tomorrow: 1 };
  return Object.keys(near).find((name) => key === dayKey(new Date(+now() + near[name] * 86400e3), zone));
}

/** The heading above a day's messages. */
export const dayHeading = (date, zone) =>
  relativeDay(date, zone) ?? format(date, zone, { weekday: "long", day: "numeric", month: "long" });

// ------------------------------------------------------------ <!date^...>

function dated(style) {
  return (date, zone) => {
    const isNear = Math.abs(date - now()) < HALF_A_YEAR; // Slack then omits the year
    return format(date, zone, isNear ? style : { ...style, year: "numeric" });
  };
}

const SHORT = dated({ weekday: "short", day: "numeric", month: "short" });
const NORMAL = dated({ day: "numeric", month: "long" });
const LONG = dated({ weekday: "long", day: "numeric", month: "long" });
const pretty = (plain) => (date, zone) => relativeDay(date, zone)?.toLowerCase() ?? plain(date, zone);

const TOKENS = {
  date_num: dayKey,
  date: NORMAL,
  date_short: SHORT,
  date_long: LONG,
  date_pretty: pretty(NORMAL),
  date_short_pretty: pretty(SHORT),
  date_long_pretty: pretty(LONG),
  time: clock,
  time_secs: (date, zone) => format(date, zone, { timeStyle: "medium" }),
  ago: (date) => ago(date),
};

/** Slack's date format for one reader: "{date_short_pretty} at {time}". */
export function slackDate(seconds, pattern, zone) {
  const date = new Date(seconds * 1000);
  return pattern.replace(/\{(\w+)\}/g, (all, token) => TOKENS[token]?.(date, zone) ?? all);
}

const UNITS = [
  ["day", 1440 * MINUTE],
  ["hour", 60 * MINUTE],
  ["minute", MINUTE],
];

/** "3 minutes ago", "in 2 days". */
export function ago(date) {
  const seconds = (date - now()) / 1000;
  const [unit, length] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? ["second", 1];
  const words = new Intl.RelativeTimeFormat(LANGUAGE, { numeric: "auto" });
  return words.format(Math.round(seconds / length), unit);
}

// ------------------------------------------------------------ datetimepicker

/** The local time in a zone, in the format of a datetime-local field. */
export function localTime(date, zone) {
  return `${dayKey(date, zone)}T${clock(date, zone)}`;
}

/** The instant (unix seconds) of a local time in a zone. */
export function instantOf(local, zone) {
  const wanted = Date.parse(`${local}Z`);
  let instant = wanted;
  for (let tries = 0; tries < 2; tries += 1) {
    instant += wanted - Date.parse(`${localTime(new Date(instant), zone)}Z`);
  }
  return instant / 1000;
}
