"""The state of a channel as one person sees it."""

from dataclasses import dataclass, field
from datetime import date, datetime

from bot.phases.budget import Budget
from bot.phases.model import Phase
from bot.results.model import ClosedRound


@dataclass(frozen=True, kw_only=True)
class ChannelState:
    """The phase of a channel, and what the person may do there."""

    channel_id: str
    phase: Phase | None  # the latest one, running or ended; None: there was none
    today: date  # where the person lives
    is_full_member: bool  # no guest, and of this workspace
    is_in_team: bool  # of that phase, as lead or member
    may_manage: bool  # whether the person may ask now, extend and end it
    refusal_to_start: str | None  # why the person may start none; None: they may

    @property
    def running(self) -> Phase | None:
        return self.phase if self.phase and self.phase.is_active else None


@dataclass(frozen=True, kw_only=True)
class NextQuestions:
    """The questions that are open and those that come next."""

    open_until: datetime | None = None  # None: none are open
    next_on: date | None = None  # None: none are planned


@dataclass(frozen=True, kw_only=True)
class ChannelStatus:
    """What is now and next in a channel."""

    phase: Phase | None  # the latest one, running or ended; None: there was none
    budget: Budget
    today: date  # where the person lives
    recovery_until: date | None = None  # of the channel's last sprint; None: there was none
    results: ClosedRound | None = None  # the latest that the team has seen
    questions: NextQuestions = field(default_factory=NextQuestions)
