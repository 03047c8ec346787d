"""Arguments of `/imbalance start`: kind, end and milestone, each optional, in this order. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from bot.dates import day
from bot.phases.rules import NOT_LATER, TOO_LONG, Kind, Limits, default_end, latest_end

KINDS = {
    "results": Kind.RESULTS_SPRINT,
    "results-sprint": Kind.RESULTS_SPRINT,
    "sprint": Kind.RESULTS_SPRINT,
    "trust": Kind.TRUST_BUILDING,
    "trust-building": Kind.TRUST_BUILDING,
}
NO_DATE = (
    "Nothing was started: I cannot read {typed} as a day. Write it like `until 2026-12-18`, or "
    "how long, like `2w`."
)
_LONG = re.compile(r"(\d{1,3})(d|w)", re.IGNORECASE)


class Unreadable(ValueError):
    """The words cannot be understood; `typed` is the one that stands for a day."""

    def __init__(self, typed: str) -> None:
        super().__init__(typed)
        self.typed = typed


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """What was typed. None and empty stand for what was not."""

    kind: Kind | None = None
    ends_on: date | None = None
    milestone: str = ""


def read(words: Sequence[str], today: date) -> Arguments:
    """The words after `start`.

    Raises:
        Unreadable: `until` is followed by something that is no day.
    """
    rest = list(words)
    kind = KINDS.get(rest[0].lower()) if rest else None
    if kind:
        rest.pop(0)
    ends_on = _end(rest, today)
    return Arguments(kind=kind, ends_on=ends_on, milestone=" ".join(rest))


def refusal_of_end(said: Arguments, today: date, limits: Limits) -> str | None:
    """Why the end that was typed cannot be; None: it can, or none was typed."""
    if said.ends_on is None:
        return None
    if said.ends_on <= today:
        return NOT_LATER.format(day=day(said.ends_on))
    kind = said.kind or Kind.TRUST_BUILDING  # which may last longer
    latest = latest_end(kind, today, limits)
    if said.ends_on <= latest:
        return None
    days = (said.ends_on - today).days + 1
    return TOO_LONG.format(days=days, weeks=limits.max_weeks(kind), latest=day(latest))


def _end(rest: list[str], today: date) -> date | None:
    """Takes the words about the end away from `rest`."""
    if rest and rest[0].lower() == "until":
        rest.pop(0)
        typed = rest.pop(0) if rest else ""
        try:
            return date.fromisoformat(typed)
        except ValueError as error:
            raise Unreadable(typed) from error
    long = _LONG.fullmatch(rest[0]) if rest else None
    if long is None:
        return None
    rest.pop(0)
    count = int(long[1])
    return default_end(today, count) if long[2] in "wW" else today + timedelta(days=count)
