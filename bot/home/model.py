"""The contents of a person's App Home."""

from dataclasses import dataclass
from datetime import date, datetime

from bot.phases.rules import PhaseKind
from bot.promises.model import Promise
from bot.rounds.model import OpenQuestionnaire


@dataclass(frozen=True, kw_only=True)
class PhaseSummary:
    """A phase shown to a person: it is running, or they will be asked about it again."""

    phase_id: str
    channel_id: str
    kind: PhaseKind
    title: str  # escaped, ready to show
    status_line: str
    ends_on: date
    is_lead: bool  # whether this person leads it
    is_member: bool  # of the team, and so is asked
    has_opted_out: bool
    is_over: bool = False
    is_wrapped_up: bool = False
    recovery_until: date | None = None  # None: it is not in recovery now
    results: str | None = None  # the latest that the team has seen, in a line; None: none yet
    hints: tuple[str, ...] = ()  # for its leads alone
    promises: tuple[Promise, ...] = ()  # of this person as a lead, oldest first


@dataclass(frozen=True, kw_only=True)
class HeldMessage:
    """A message whose delivery is unknown and cannot be looked up."""

    message_id: str
    description: str  # such as "the announcement of a phase"
    channel_id: str | None  # None if sent to a person
    due_at: datetime  # when it was due


@dataclass(frozen=True, kw_only=True)
class HomeContents:
    """A person's open questions, ordered by closing time, and their phases.

    For a workspace admin also the first few held messages, and the number of all.
    """

    questions: tuple[OpenQuestionnaire, ...]
    phases: tuple[PhaseSummary, ...]
    today: date  # for the example of a first visit
    may_start: bool = False
    held: tuple[HeldMessage, ...] = ()
    held_count: int = 0
