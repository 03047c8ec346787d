"""A round and the people in it."""

from dataclasses import dataclass
from datetime import datetime

from bot.phases.privacy import Rounding
from bot.rounds.questions import Question
from bot.rounds.rules import RoundKind


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
    asked_count: int  # the size of the roster
    rounding: Rounding
    questions: tuple[Question, ...]


@dataclass(frozen=True, kw_only=True)
class RosterEntry:
    """One person asked in a round: a member on the roster who can be asked, or a lead."""

    user_id: str
    is_lead: bool
    slot_at: datetime
    has_left: bool  # the phase's team, since the round opened
    is_outsider: bool  # a guest, or of another organisation, since the round opened


@dataclass(frozen=True, kw_only=True)
class QuestionnaireView:
    """A round as put to one person. Names are display names, as their owners chose them."""

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
    note: str | None = None  # the lead's note on the last results; None: none was written
    results_link: str | None = None  # to the last results, where they stand in the thread alone


@dataclass(frozen=True, kw_only=True)
class OpenQuestionnaire:
    """A round that somebody may answer now, for App Home."""

    questionnaire: QuestionnaireView
    is_answered: bool
