"""A round and the people in it."""

from dataclasses import dataclass
from datetime import date, datetime, time

from bot.agenda.slots import slot
from bot.rounds.questions import Question
from bot.rounds.rules import RoundKind

#: Where the lead lives. The day is over for most of the team when the phase ends.
_ENDS_AT = time(17, 0)


def ends_at(ends_on: date, zone: str) -> datetime:
    """When a phase with this last day ends; `zone` is its lead's."""
    return slot(ends_on, _ENDS_AT, zone)


@dataclass(frozen=True, kw_only=True)
class PhaseFacts:
    """What rounds need to know of a phase. Dates and `time_of_day` are wall-clock; see `zone`."""

    phase_id: str
    channel_id: str
    kind: str
    is_active: bool
    lead_ids: tuple[str, ...]  # who started it first
    lead_names: tuple[str, ...]  # in the same order
    members: tuple[str, ...]  # who has not left
    weekday: int  # 0 is Monday
    time_of_day: time  # in each person's own zone
    zone: str  # the lead's
    started_at: datetime
    starts_on: date
    ends_on: date
    ended_at: datetime | None
    remind: bool
    comments_to: str  # leads, or team
    is_paused: bool  # its channel cannot be spoken in: no questions begin


@dataclass(frozen=True, kw_only=True)
class Round:
    """One asking of the three questions, as it was frozen when it opened."""

    round_id: str
    phase_id: str
    number: int
    kind: RoundKind
    is_open: bool
    opened_at: datetime
    closes_at: datetime
    minimum: int
    asked: int
    questions: tuple[Question, ...]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One person on a round's list."""

    user_id: str
    is_lead: bool
    slot_at: datetime
    has_left: bool  # the phase's team, since


@dataclass(frozen=True, kw_only=True)
class Asking:
    """A round as it is put to one person. Names are display names, as their owners chose them."""

    round_id: str
    kind: RoundKind
    channel_id: str
    to_lead: bool
    leads: tuple[str, ...]
    members: tuple[str, ...]  # the first of those asked, by name
    asked: int
    minimum: int
    questions: tuple[Question, ...]
    closes_at: datetime
    comments_to: str  # leads, or team
    note: str | None = None  # what the lead heard last time; None: nothing was written


@dataclass(frozen=True, kw_only=True)
class OpenQuestion:
    """A round somebody may answer now, for App Home."""

    asking: Asking
    is_answered: bool
