"""The check of a round: what it asks, and what members may answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from bot.promises.model import Promise


class CheckKind(StrEnum):
    """The occasion of a check, in the order of need."""

    PROMISE = "promise"  # did what a lead promised two rounds ago happen
    CONTINUE = "continue"  # should the phase go on as planned
    PROTECTED = "protected"  # was what is protected kept
    SLIPPED = "slipped"  # did anything slip that nobody put on hold
    RECOVERY = "recovery"  # after the end: is there room to recover


class CheckAnswer(StrEnum):
    """A member's answer. The median of a round is one of the first three."""

    YES = "yes"
    PARTLY = "partly"
    NO = "no"
    CANNOT_SAY = "cannot_say"  # never counted


#: The key of the check among a person's answers, beside those of the three questions.
CHECK_KEY = "check"
#: How each answer is stored. "Can't say" is stored like that of a question: as no level.
LEVELS = {
    CheckAnswer.YES: 1,
    CheckAnswer.PARTLY: 2,
    CheckAnswer.NO: 3,
    CheckAnswer.CANNOT_SAY: None,
}

#: Numbers of members who gave each answer.
CheckCounts = Mapping[CheckAnswer, int]


@dataclass(frozen=True, kw_only=True)
class Check:
    """The check that a round is to ask."""

    kind: CheckKind
    promise: Promise | None = None  # of PROMISE only

    @property
    def subject(self) -> str | None:
        """The id of what is asked about, where there may be several of the kind."""
        return self.promise.promise_id if self.promise else None


@dataclass(frozen=True, kw_only=True)
class EarlierRound:
    """A round before the one that opens."""

    check: CheckKind | None  # None: it asked none
    is_low: bool  # it showed a level that is low
    differs_by_one: bool  # its team is that of the round that opens but for one person


@dataclass(frozen=True, kw_only=True)
class CheckFacts:
    """What decides which check a round asks. Days count from the start of the phase."""

    is_enabled: bool  # the workspace has not switched checks off
    earlier: tuple[EarlierRound, ...]  # of the phase, oldest first
    is_closing: bool  # the last round before the end
    is_after_end: bool
    has_asked_since_end: bool  # an earlier round came after the end
    day: int  # of the opening
    planned_days: int  # length of the phase
    has_protected: bool  # the lead promised to protect something
    books_recovery: bool
    due_promise: Promise | None  # made two rounds before or earlier, and not asked about yet


@dataclass(frozen=True, kw_only=True)
class AskedCheck:
    """The check of a round as it was asked, and the median once the round is closed."""

    kind: CheckKind
    text: str = ""  # what people wrote that is asked about; empty: nothing, or deleted
    subject: str | None = None  # a promise's id
    outcome: CheckAnswer | None = None  # the median; None: open, or not enough answers
