"""A workspace's settings and their bounds. Pure."""

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from bot.dates import months, weeks

#: The lowest minimums; a workspace may set higher ones, never lower.
LEAST_SMALL, LEAST_LARGE = 4, 5
LONGEST_LABEL, LONGEST_QUESTION = 75, 300

#: The lowest and the highest value of each number.
BOUNDS = {
    "sprint_warn_weeks": (1, 12),
    "sprint_max_weeks": (1, 12),
    "trust_max_weeks": (1, 26),
    "budget_percent": (5, 100),
    "minimum_small": (LEAST_SMALL, 7),
    "minimum_large": (LEAST_LARGE, 50),
    "default_weeks": (1, 12),
    "keep_texts_months": (1, 60),
    "keep_levels_months": (3, 120),
    "keep_audit_months": (1, 120),
    "keep_messages_days": (30, 730),
    "default_weekday": (0, 4),
}
OUT_OF_BOUNDS = "Choose a number from {low} to {high}."
ABOVE_MAXIMUM = (
    "That's longer than the {most} a phase may last. Choose {most} or less, or raise that limit "
    "first."
)
WARNING_AFTER_MAXIMUM = (
    "A sprint here lasts at most {most}, so this warning would never come. Choose {most} or less."
)
OFF_HOURS = (
    "Questions go out between 08:00 and 20:00, so that nobody is asked at night. Choose a time in "
    "between."
)
UNKNOWN_ZONE = "No time zone has this name. Type one such as Europe/Lisbon, or UTC."
TEXTS_AFTER_LEVELS = (
    "Phases are deleted as a whole with their results, after {months}. Keep texts no longer than "
    "that."
)
TEXT_TOO_LONG = "That's {length:,} characters, but only {limit:,} fit. Shorten it a little."


@dataclass(frozen=True, kw_only=True)
class WorkspaceSettings:
    """The settings of one workspace; the defaults are those of DESIGN."""

    sprint_warn_weeks: int = 4
    sprint_max_weeks: int = 6  # extensions included
    trust_max_weeks: int = 12
    budget_percent: int = 33
    starters: tuple[str, ...] | None = None  # None means any full member
    minimum_small: int = LEAST_SMALL  # teams of 4 to 7
    minimum_large: int = LEAST_LARGE  # teams of 8 or more
    keep_texts_months: int = 12  # after the end of their phase
    keep_levels_months: int = 24  # then the phase is deleted as a whole
    keep_audit_months: int = 24
    keep_messages_days: int = 90
    default_weeks: int = 2
    default_weekday: int = 1  # 0 is Monday
    default_time: time = time(10, 0)  # in each person's own zone
    default_zone: str = "UTC"  # of people whose zone Slack does not know
    country: str | None = None  # two letters; its public holidays are no working days; None: none
    asks_checks: bool = True  # one optional question more in a round
    #: question key -> label, to_member, to_lead, where they differ from the default wording
    questions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def minimums(self) -> tuple[int, int]:
        """The number of answers needed to show totals, in small and in large teams."""
        return self.minimum_small, self.minimum_large


@dataclass(frozen=True, kw_only=True)
class Fault:
    """An invalid setting, with the sentence that explains it."""

    field: str
    text: str


def months_before(instant: datetime, months: int) -> datetime:
    """Return the same day and time so many calendar months ago; of a shorter month, the last."""
    year, month = divmod(instant.year * 12 + instant.month - 1 - months, 12)
    last = monthrange(year, month + 1)[1]
    return instant.replace(year=year, month=month + 1, day=min(instant.day, last))


def faults(settings: WorkspaceSettings) -> tuple[Fault, ...]:
    """Return everything that prevents the settings from being saved; empty if nothing does."""
    problems = [
        Fault(field=name, text=OUT_OF_BOUNDS.format(low=low, high=high))
        for name, (low, high) in BOUNDS.items()
        if not low <= getattr(settings, name) <= high
    ]
    shortest = min(settings.sprint_max_weeks, settings.trust_max_weeks)
    if settings.default_weeks > shortest and not problems:
        text = ABOVE_MAXIMUM.format(most=weeks(shortest))
        problems.append(Fault(field="default_weeks", text=text))
    if settings.sprint_warn_weeks > settings.sprint_max_weeks and not problems:
        text = WARNING_AFTER_MAXIMUM.format(most=weeks(settings.sprint_max_weeks))
        problems.append(Fault(field="sprint_warn_weeks", text=text))
    if not time(8) <= settings.default_time <= time(20):
        problems.append(Fault(field="default_time", text=OFF_HOURS))
    if not _is_zone(settings.default_zone):
        problems.append(Fault(field="default_zone", text=UNKNOWN_ZONE))
    if settings.keep_texts_months > settings.keep_levels_months and not problems:
        text = TEXTS_AFTER_LEVELS.format(months=months(settings.keep_levels_months))
        problems.append(Fault(field="keep_texts_months", text=text))
    return (*problems, *_long_wording(settings.questions))


def overrides(settings: WorkspaceSettings) -> dict[str, Any]:
    """Return the settings that differ from the defaults, as JSON."""
    defaults = as_json(WorkspaceSettings())
    return {name: value for name, value in as_json(settings).items() if value != defaults[name]}


def as_json(settings: WorkspaceSettings) -> dict[str, Any]:
    values = asdict(settings)
    values["default_time"] = f"{settings.default_time:%H:%M}"
    values["starters"] = None if settings.starters is None else list(settings.starters)
    return values


def from_json(stored: Mapping[str, Any]) -> WorkspaceSettings:
    """Return stored settings; names that this version does not know are ignored."""
    names = {setting.name for setting in fields(WorkspaceSettings)}
    values = {name: value for name, value in stored.items() if name in names}
    if "default_time" in values:
        values["default_time"] = time.fromisoformat(values["default_time"])
    if values.get("starters") is not None:
        values["starters"] = tuple(values["starters"])
    return WorkspaceSettings(**values)


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return bool(name)


def _long_wording(questions: Mapping[str, Mapping[str, str]]) -> list[Fault]:
    limits = {"label": LONGEST_LABEL, "to_member": LONGEST_QUESTION, "to_lead": LONGEST_QUESTION}
    return [
        Fault(
            field=f"{key}_{name}", text=TEXT_TOO_LONG.format(length=len(text), limit=limits[name])
        )
        for key, words in questions.items()
        for name, text in words.items()
        if len(text) > limits[name]
    ]
