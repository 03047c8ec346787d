"""Messages about a workspace's settings. Pure."""

from collections.abc import Sequence

from bot.dates import months, weeks
from bot.slack.content import Content, content, context, section
from bot.slack.mrkdwn import join_names, mention, quote
from bot.workspaces.public_holidays import countries
from bot.workspaces.rules import WorkspaceSettings

TITLE = "Settings"
READ_ONLY = "The settings of this workspace"
UNKNOWN_PERSON = "Slack doesn't know you here, so nothing was done. Try again in a minute."
ADMINS_ONLY = "Only workspace admins can change settings, so nothing was saved. Ask one of them."
AUDIT_ADMINS_ONLY = "Only workspace admins can see the audit log. Ask one of them."
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
ADMINS_CHANGE = "Only workspace admins can change these. Ask one of them."
WITHOUT_COUNTRY, NAMED_NO_COUNTRY = "No country", "None: every weekday is a working day"
HOLIDAYS_OF = "those of {country}; no questions and no other direct messages on those days"
NO_HOLIDAYS = "no country is set, so every weekday is a working day"
ASKED, NOT_ASKED = "asked in most rounds", "never asked"
ANYONE = "any full member of the channel"
#: People listed by name, as a section holds 3,000 characters; larger numbers are only counted.
STARTERS_NAMED = 40
STARTERS_COUNTED = "{count} people named by the admins"

LINES = (
    "*Results sprint*: at most {sprint_max}, extensions included, with a warning after "
    "{sprint_warn}. Once sprints take more than {budget_percent}% of 90 days, starting another "
    "needs a reason, which the channel will see.",
    "*Trust-building*: at most {trust_max}.",
    "*Who may start*: {starters}.",
    "*Answers needed to show totals*: {minimum_small} in teams of 4 to 7, {minimum_large} from 8.",
    "*A fourth, optional question*: {checks}.",
    "*A new phase*: {default_length}, questions on {weekday} at {default_time:%H:%M}.",
    "*People without a time zone*: {default_zone}.",
    "*Public holidays*: {holidays}.",
    "*Kept after the end of a phase*: texts for {keep_texts}, results for {keep_levels}. The audit "
    "log is kept for {keep_audit}, records of sent messages for {keep_messages_days} days.",
)
SAVED = "Saved. The audit log keeps who changed what:\n{changes}"
NAMES = {
    "sprint_warn_weeks": "Warn about sprints over this many weeks",
    "sprint_max_weeks": "Longest results sprint, in weeks",
    "trust_max_weeks": "Longest trust-building phase, in weeks",
    "budget_percent": "Share of 90 days in results sprints, in percent",
    "starters": "Who may start phases",
    "minimum_small": "Answers needed, teams of 4 to 7",
    "minimum_large": "Answers needed, teams of 8 or more",
    "asks_checks": "A fourth question",
    "default_weeks": "Length, in weeks",
    "default_weekday": "Day of the weekly questions",
    "default_time": "Time of the weekly questions",
    "default_zone": "Time zone where Slack knows none",
    "country": "Country",
    "keep_texts_months": "Keep texts, in months",
    "keep_levels_months": "Keep phases and results, in months",
    "keep_audit_months": "Keep the audit log, in months",
    "keep_messages_days": "Keep records of messages, in days",
    "questions": "Words of the questions",
}


def read_only(settings: WorkspaceSettings) -> Content:
    """Build the list of settings for people who may not change them."""
    starters = _starters(settings.starters)
    weekday = WEEKDAYS[settings.default_weekday]
    values = {**vars(settings), "starters": starters, "weekday": weekday}
    values["sprint_max"] = weeks(settings.sprint_max_weeks)
    values["sprint_warn"] = weeks(settings.sprint_warn_weeks)
    values["trust_max"] = weeks(settings.trust_max_weeks)
    values["default_length"] = weeks(settings.default_weeks)
    values["keep_texts"] = months(settings.keep_texts_months)
    values["keep_levels"] = months(settings.keep_levels_months)
    values["keep_audit"] = months(settings.keep_audit_months)
    values["default_zone"] = quote(settings.default_zone)
    values["checks"] = ASKED if settings.asks_checks else NOT_ASKED
    country = countries().get(settings.country or "")
    values["holidays"] = HOLIDAYS_OF.format(country=country) if country else NO_HOLIDAYS
    lines = [line.format(**values) for line in LINES]
    return content(READ_ONLY, section("\n".join(lines)), context(ADMINS_CHANGE))


def saved(changes: Sequence[str]) -> str:
    """List the names of changed settings; the values are in the form and the audit log."""
    return SAVED.format(changes="\n".join(f"• {NAMES[name]}" for name in changes))


def _starters(starters: tuple[str, ...] | None) -> str:
    if starters is None:
        return ANYONE
    if len(starters) > STARTERS_NAMED:
        return STARTERS_COUNTED.format(count=len(starters))
    return join_names([mention(user_id) for user_id in starters])
