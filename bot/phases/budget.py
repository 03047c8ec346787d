"""Share of the last 90 days that a channel spent in results sprints. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

WINDOW_DAYS = 90
SHARE = 1 / 3

WITH_THIS_ONE = "With this one: {spent} of {window} days in results sprints."
SO_FAR = "{spent} of the last {window} days in results sprints."


@dataclass(frozen=True, kw_only=True)
class Span:
    """The days of one sprint, both ends included."""

    starts_on: date
    ends_on: date

    @property
    def days(self) -> int:
        return (self.ends_on - self.starts_on).days + 1


@dataclass(frozen=True, kw_only=True)
class Budget:
    """Days of the window that were, or will be, in a results sprint."""

    spent: int
    window: int = WINDOW_DAYS
    allowed: float = SHARE
    with_proposal: bool = False

    @property
    def share(self) -> float:
        return self.spent / self.window

    @property
    def is_over(self) -> bool:
        return self.share > self.allowed

    @property
    def allowed_days(self) -> int:
        return int(self.window * self.allowed)

    @property
    def sentence(self) -> str:
        words = WITH_THIS_ONE if self.with_proposal else SO_FAR
        return words.format(spent=self.spent, window=self.window)


def compute_budget(
    sprints: Iterable[Span],
    today: date,
    proposed: Span | None = None,
    allowed: float = SHARE,
) -> Budget:
    """Return a channel's budget: of the 90 days up to today, or up to the proposal's end.

    A day that two sprints share counts once. A proposal that ends before it starts, which the rules
    refuse, does not count.
    """
    if proposed and proposed.ends_on < proposed.starts_on:
        proposed = None
    until = proposed.ends_on if proposed else today
    since = until - timedelta(days=WINDOW_DAYS - 1)
    spans = [*sprints, *([proposed] if proposed else [])]
    days = {day for span in spans for day in _days(span, since, until)}
    return Budget(spent=len(days), allowed=allowed, with_proposal=proposed is not None)


def earliest_start(
    sprints: Sequence[Span], today: date, length: int, allowed: float = SHARE
) -> date:
    """Return the first day from today on which a sprint of `length` days stays within the budget.

    A sprint longer than the whole budget never does: then the day from which no past sprint counts.
    """
    for ahead in range(WINDOW_DAYS + 1):
        start = today + timedelta(days=ahead)
        proposed = Span(starts_on=start, ends_on=start + timedelta(days=length - 1))
        if not compute_budget(sprints, today, proposed, allowed).is_over:
            return start
    return today + timedelta(days=WINDOW_DAYS)


def _days(span: Span, since: date, until: date) -> Iterable[date]:
    first, last = max(span.starts_on, since), min(span.ends_on, until)
    return (first + timedelta(days=ahead) for ahead in range((last - first).days + 1))
