"""The contents of a person's App Home."""

from dataclasses import dataclass
from datetime import date, datetime

from bot.phases.rules import Kind
from bot.rounds.model import OpenQuestion


@dataclass(frozen=True, kw_only=True)
class PhaseSummary:
    """A phase shown to a person: it is running, or they will be asked about it again."""

    phase_id: str
    channel_id: str
    kind: Kind
    title: str  # escaped, ready to show
    standing: str
    ends_on: date
    leads: bool  # whether this person leads it
    is_member: bool  # of the team, and so is asked
    opted_out: bool
    is_over: bool = False


@dataclass(frozen=True, kw_only=True)
class HeldMessage:
    """A message whose delivery is unknown and cannot be looked up."""

    message_id: str
    what: str  # such as "the announcement of a phase"
    channel_id: str | None  # None if sent to a person
    at: datetime  # when it was due


@dataclass(frozen=True, kw_only=True)
class HomeFacts:
    """A person's open questions, ordered by closing time, and their phases.

    For a workspace admin also the first few held messages, and the number of all.
    """

    questions: tuple[OpenQuestion, ...]
    phases: tuple[PhaseSummary, ...]
    held: tuple[HeldMessage, ...] = ()
    held_in_all: int = 0
