"""The contents of one person's App Home."""

from dataclasses import dataclass
from datetime import date, datetime

from bot.phases.rules import Kind
from bot.rounds.model import OpenQuestion


@dataclass(frozen=True, kw_only=True)
class PhaseSummary:
    """A phase in one of the person's channels that runs, or about which they are asked again."""

    phase_id: str
    channel_id: str
    kind: Kind
    title: str  # quoted, ready to show
    standing: str
    ends_on: date
    leads: bool  # whether this person does
    is_member: bool  # and so is asked
    opted_out: bool
    is_over: bool = False


@dataclass(frozen=True, kw_only=True)
class HeldMessage:
    """A message that may be in Slack or not, and that nobody can look for."""

    message_id: str
    what: str  # such as "the announcement of a phase"
    channel_id: str | None  # None: to a person
    at: datetime  # when it was to be said


@dataclass(frozen=True, kw_only=True)
class HomeFacts:
    """One person's open questions, those that close first in front, and their phases.

    For a workspace admin also the first of the held messages, and how many there are.
    """

    questions: tuple[OpenQuestion, ...]
    phases: tuple[PhaseSummary, ...]
    held: tuple[HeldMessage, ...] = ()
    held_in_all: int = 0
