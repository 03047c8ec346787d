"""What is known of a closed round when it is shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from bot.results.figures import Figure


class Asked(Protocol):
    """One question as it was asked."""

    @property
    def key(self) -> str: ...
    @property
    def label(self) -> str: ...


class Closing(Protocol):
    """The round that is being closed, as the rounds' room knows it."""

    @property
    def round_id(self) -> str: ...
    @property
    def phase_id(self) -> str: ...
    @property
    def minimum(self) -> int: ...
    @property
    def questions(self) -> Sequence[Asked]: ...


@dataclass(frozen=True, kw_only=True)
class PhaseFacts:
    """What results need to know of a phase. Dates are calendar days in `zone`, the lead's."""

    phase_id: str
    channel_id: str
    lead_ids: tuple[str, ...]
    lead_names: tuple[str, ...]  # in the same order
    zone: str
    comments_to: str  # leads, or team
    starts_on: date
    ends_on: date

    @property
    def weeks(self) -> float:
        return (self.ends_on - self.starts_on).days / 7


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One question's figure, and its change since the round before if that may be shown."""

    figure: Figure
    change: float | None


@dataclass(frozen=True, kw_only=True)
class ClosedRound:
    """A round after its closing: totals only."""

    round_id: str
    phase_id: str
    name: str  # "Start", "Week 2", "Closing": its place in the phase
    asked: int
    answered: int | None  # None: not enough
    labels: Mapping[str, str]  # question key -> label, as asked
    figures: tuple[Shown, ...]  # of the questions with enough answers
    note: str | None  # What I heard, what changes; None: nothing (yet)
    noted_by: str | None  # the lead's name
    shown_at: datetime | None  # None: the team has not seen it

    def figure(self, key: str) -> Figure | None:
        return next((one.figure for one in self.figures if one.figure.key == key), None)


@dataclass(frozen=True, kw_only=True)
class Reflection:
    """A lead's own, named answers of this round."""

    name: str
    answers: Mapping[str, int | None]
    shared: bool  # the lead lets the team see them


@dataclass(frozen=True, kw_only=True)
class Showing:
    """Everything that is said about one closed round, and when the team sees it."""

    phase: PhaseFacts
    rounds: tuple[ClosedRound, ...]  # of the phase, oldest first; the last is the one shown
    reflections: tuple[Reflection, ...]
    comments: tuple[str, ...]  # shuffled
    team_sees_at: datetime

    @property
    def round(self) -> ClosedRound:
        return self.rounds[-1]
