"""A round and the people in it."""

from dataclasses import dataclass
from datetime import date, datetime

from bot.checks.model import CHECK_KEY, LEVELS, AskedCheck
from bot.phases.privacy import Rounding
from bot.phases.rules import PhaseKind
from bot.promises.model import Reply
from bot.rounds.answer_changes import Progress
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
    leads: tuple[str, ...] = ()  # their names
    check: AskedCheck | None = None  # None: the round asks none


@dataclass(frozen=True, kw_only=True)
class Opening:
    """A round about to open. `at` is its planned time in the lead's zone."""

    kind: RoundKind
    on: date | None  # the day of everybody's slot; None: each once their hours allow
    at: datetime


@dataclass(frozen=True, kw_only=True)
class PastRound:
    """A round before the one that opens."""

    round: Round
    can_answer: frozenset[str]  # ids of members
    is_low: bool  # it showed a level that is low


@dataclass(frozen=True, kw_only=True)
class RoundEnd:
    """The end of a round, as far as its questions say it."""

    channel_id: str
    reached_minimum: bool
    is_unreadable: bool


@dataclass(frozen=True, kw_only=True)
class RosterEntry:
    """One person asked in a round: a member on the roster who can be asked, or a lead."""

    user_id: str
    is_lead: bool
    slot_at: datetime
    has_left: bool  # the phase's team, since the round opened
    is_outsider: bool  # a guest, or of another organisation, since the round opened


@dataclass(frozen=True, kw_only=True)
class Introduction:
    """What a person's first questions say of the phase they were added to."""

    milestone: str  # may be empty for trust-building
    ends_on: date


@dataclass(frozen=True, kw_only=True)
class QuestionnaireView:
    """A round as put to one person. Names are display names, as their owners chose them."""

    round_id: str
    phase_id: str
    phase_kind: PhaseKind
    kind: RoundKind
    channel_id: str
    to_lead: bool
    leads: tuple[str, ...]
    minimum: int
    questions: tuple[Question, ...]
    closes_at: datetime
    comments_to: str  # leads, or team
    reply: Reply | None = None  # a lead's, to the last results; None: there is none
    reply_by: str = ""  # the name of who replied
    results_link: str | None = None  # to the last results, where they stand in the thread alone
    introduction: Introduction | None = None  # None: not this person's first questions
    expectation: str | None = None  # what the leads count on them for; None: nothing to show here
    has_replied: bool = False  # to the expectation
    check: AskedCheck | None = None  # None: nothing more is asked, as of leads

    @property
    def is_shared_by_default(self) -> bool:
        """Return whether the team sees a lead's answers unless the lead chooses otherwise."""
        return self.phase_kind is PhaseKind.TRUST_BUILDING

    def offers(self, key: str, level: int | None) -> bool:
        """Return whether this is an answer to one of the questions, or to the check."""
        if key == CHECK_KEY:
            return self.check is not None and level in LEVELS.values()
        return any(question.key == key for question in self.questions)


@dataclass(frozen=True, kw_only=True)
class OpenQuestionnaire:
    """A round that somebody may answer now, for App Home."""

    questionnaire: QuestionnaireView
    progress: Progress
