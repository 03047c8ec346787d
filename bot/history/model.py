"""A page of a channel's history."""

from dataclasses import dataclass
from datetime import date

from bot.phases.model import Phase
from bot.promises.model import Promise
from bot.results.model import ClosedRound


@dataclass(frozen=True, kw_only=True)
class PastPhase:
    """A phase, running or over, and its rounds whose results the team was shown, oldest first."""

    phase: Phase
    rounds: tuple[ClosedRound, ...]
    promises: tuple[Promise, ...] = ()  # that the team has read, oldest first


@dataclass(frozen=True, kw_only=True)
class PageTarget:
    """A page that a person asks for."""

    channel_id: str
    newer: int = 0  # number of newer phases, on the pages before it
    #: Whether the person asked for the history from within the channel.
    from_channel: bool = False


@dataclass(frozen=True, kw_only=True)
class HistoryPage:
    """Some of a channel's phases, newest first. `newer` is the number of phases before them."""

    channel_id: str
    phases: tuple[PastPhase, ...]
    newer: int
    has_older: bool
    today: date  # where the lead of the newest phase lives
    from_channel: bool = False  # as in the PageTarget

    @property
    def shows_levels(self) -> bool:
        return any(shown.figures for past in self.phases for shown in past.rounds)
