"""A closed round as it is shown."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Protocol

from bot.checks.model import AskedCheck
from bot.decisions.model import Decision
from bot.phases.model import Phase
from bot.phases.privacy import Rounding
from bot.promises.model import Promise
from bot.results.hints import Hint, hints
from bot.results.levels import Participation, QuestionFigures, perception_gap


class AskedQuestion(Protocol):
    """One question as it was asked."""

    @property
    def key(self) -> str: ...
    @property
    def label(self) -> str: ...


class ClosingRound(Protocol):
    """The round that is being closed, as `bot.rounds` models it."""

    @property
    def round_id(self) -> str: ...
    @property
    def phase_id(self) -> str: ...
    @property
    def minimum(self) -> int: ...
    @property
    def rounding(self) -> Rounding: ...
    @property
    def questions(self) -> Sequence[AskedQuestion]: ...


@dataclass(frozen=True, kw_only=True)
class ShownLevel:
    """One question's figure, and its change since the round before if that may be shown."""

    figure: QuestionFigures
    change: float | None


@dataclass(frozen=True, kw_only=True)
class ClosedRound:
    """A round after its closing: totals only."""

    round_id: str
    phase_id: str
    kind: str  # first, weekly, closing, after or poll
    week: int  # of the phase, 1 is its first; after its end, weeks since then
    opened_on: date  # in the lead's zone
    asked: int  # the size of the roster
    minimum: int  # answers a question needs to be shown
    rounding: Rounding
    reached_minimum: bool  # False: nothing is shown
    participation: Participation | None  # None below eight answers
    labels: Mapping[str, str]  # question key -> label, as asked
    figures: tuple[ShownLevel, ...]  # of the questions with enough answers
    promise: Promise | None  # a lead's reply; None: nothing (yet)
    shown_at: datetime | None  # None: the team has not seen it
    check: AskedCheck | None = None  # None: no check was asked
    unreadable: bool = False  # answers could not be counted: their key was missing
    is_broadcast: bool = False  # the team's results also stand in the channel

    @property
    def is_after_end(self) -> bool:
        return self.kind == "after"

    def figure(self, key: str) -> QuestionFigures | None:
        return next(
            (shown_level.figure for shown_level in self.figures if shown_level.figure.key == key),
            None,
        )

    def level(self, key: str) -> float | None:
        figure = self.figure(key)
        return None if figure is None else figure.level


@dataclass(frozen=True, kw_only=True)
class Reflection:
    """A lead's own, named answers of this round."""

    name: str
    answers: Mapping[str, int | None]
    shared: bool  # the lead lets the team see them


@dataclass(frozen=True, kw_only=True)
class ResultsView:
    """Everything shown about one closed round, and when the team sees it."""

    phase: Phase
    rounds: tuple[ClosedRound, ...]  # of the phase, oldest first; the last is the one shown
    reflections: tuple[Reflection, ...]
    team_sees_at: datetime
    is_newest: bool = True  # no later round of the phase is closed
    decision: Decision | None = None  # asked of the leads with these results, and not made yet

    @property
    def round(self) -> ClosedRound:
        return self.rounds[-1]

    @property
    def may_be_replied_to(self) -> bool:
        """Return whether a lead may still reply, or change the reply.

        What the team has read stays, and a new reply is to the newest results.
        """
        return not self.round.shown_at if self.round.promise else self.is_newest

    @property
    def shared_reflections(self) -> tuple[Reflection, ...]:
        """The answers of the leads who let the team see theirs."""
        return tuple(reflection for reflection in self.reflections if reflection.shared)

    @property
    def private_reflections(self) -> tuple[Reflection, ...]:
        """The answers that only the leads see."""
        return tuple(reflection for reflection in self.reflections if not reflection.shared)

    def previous_round(self, key: str) -> ClosedRound | None:
        """Return the last round before that showed this question: the base of its change."""
        return last_round_showing(self.rounds[:-1], key)

    @property
    def gaps(self) -> Mapping[str, float]:
        """Reflection minus team, by question; co-leads averaged."""
        figures = [shown_level.figure for shown_level in self.round.figures]
        return perception_gap([reflection.answers for reflection in self.reflections], figures)

    @property
    def hints(self) -> tuple[Hint, ...]:
        """The hints for the leads alone, from the shown figures and nothing finer."""
        levels = {
            key: [closed_round.level(key) for closed_round in self.rounds]
            for key in self.round.labels
        }
        changes = {
            shown.figure.key: shown.change
            for shown in self.round.figures
            if shown.change is not None
        }
        return hints(levels, changes, self.gaps, self.phase.weeks)

    @property
    def at_start(self) -> ClosedRound:
        """The phase's first round."""
        return self.rounds[0]

    @property
    def at_end(self) -> ClosedRound | None:
        """The last round before the end, if it is not the first as well."""
        return last_before_end(self.rounds)


def last_before_end(rounds: Sequence[ClosedRound]) -> ClosedRound | None:
    """Return the last of a phase's rounds before its end; None if it is the first as well."""
    before = [closed_round for closed_round in rounds if not closed_round.is_after_end]
    return before[-1] if len(before) > 1 else None


def base_of_change(rounds: Sequence[ClosedRound], key: str) -> QuestionFigures | None:
    """Return the figures that a change since these rounds refers to; None where there are none.

    A level to the nearest whole is no base: the difference would be no more exact than it.
    """
    before = last_round_showing(rounds, key)
    return before.figure(key) if before and before.rounding is Rounding.HALF else None


def last_round_showing(rounds: Sequence[ClosedRound], key: str) -> ClosedRound | None:
    """Return the newest of these rounds that showed this question."""
    return next(
        (closed_round for closed_round in reversed(rounds) if closed_round.figure(key)), None
    )


def promises_read_by_team(
    promises: Iterable[Promise], rounds: Iterable[ClosedRound]
) -> tuple[Promise, ...]:
    """Return the promises of a phase as its team knows them, given the rounds it was shown.

    Those under results that it has not seen are left out. Whether one happened is known from the
    results of the round that asked.
    """
    seen = [closed_round for closed_round in rounds if closed_round.shown_at is not None]
    places = {None, *(closed_round.round_id for closed_round in seen)}  # None: in a decision
    checked = {closed_round.check.subject for closed_round in seen if closed_round.check}
    return tuple(
        promise if promise.promise_id in checked else replace(promise, outcome=None)
        for promise in promises
        if promise.round_id in places
    )
