"""Arguments of `/imbalance start`: kind, end and milestone, each optional, in this order. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from bot.phases import rules
from bot.phases.rules import PhaseKind, PhaseLimits, default_end

KINDS = {
    "results": PhaseKind.RESULTS_SPRINT,
    "results-sprint": PhaseKind.RESULTS_SPRINT,
    "sprint": PhaseKind.RESULTS_SPRINT,
    "trust": PhaseKind.TRUST_BUILDING,
    "trust-building": PhaseKind.TRUST_BUILDING,
}
UNREADABLE_DATE = (
    "Nothing was started: I cannot read {typed} as a day. Write it like `until 2026-12-18`, or "
    "how long, like `2w`."
)
_DURATION = re.compile(r"(\d{1,3})(d|w)", re.IGNORECASE)


class UnreadableDate(ValueError):
    """The words cannot be parsed; `typed` is the one where a day was expected."""

    def __init__(self, typed: str) -> None:
        super().__init__(typed)
        self.typed = typed


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """The arguments typed. None and empty stand for those left out."""

    kind: PhaseKind | None = None
    ends_on: date | None = None
    milestone: str = ""


def parse(words: Sequence[str], today: date) -> Arguments:
    """Parse the words after `start`.

    Raises:
        UnreadableDate: `until` is followed by something that is no day.
    """
    rest = list(words)
    kind = KINDS.get(rest[0].lower()) if rest else None
    if kind:
        rest.pop(0)
    ends_on = _take_end(rest, today)
    return Arguments(kind=kind, ends_on=ends_on, milestone=" ".join(rest))


def refusal_of_end(arguments: Arguments, today: date, limits: PhaseLimits) -> str | None:
    """Return why the end that was typed is refused; None: it is not, or none was typed."""
    if arguments.ends_on is None:
        return None
    kind = arguments.kind or PhaseKind.TRUST_BUILDING  # the kind that may last longer
    refusal = rules.refusal_of_end(kind, arguments.ends_on, today, limits)
    return refusal.text if refusal else None


def _take_end(rest: list[str], today: date) -> date | None:
    """Remove the words about the end from `rest`, and return the day they name."""
    if rest and rest[0].lower() == "until":
        rest.pop(0)
        typed = rest.pop(0) if rest else ""
        try:
            return date.fromisoformat(typed)
        except ValueError as error:
            raise UnreadableDate(typed) from error
    duration = _DURATION.fullmatch(rest[0]) if rest else None
    if duration is None:
        return None
    rest.pop(0)
    count = int(duration[1])
    return default_end(today, count) if duration[2] in "wW" else today + timedelta(days=count)
