"""A promise: the one change that a lead announces, or why nothing changes this week."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class PromiseOutcome(StrEnum):
    """Whether a promise happened, as the team said two rounds later."""

    KEPT = "kept"
    PARTLY = "partly"
    NOT = "not"
    UNKNOWN = "unknown"  # the team was asked, and too few answered


@dataclass(frozen=True, kw_only=True)
class Reply:
    """A lead's reply to the results, or the change in a decision."""

    heard: str | None  # the hardest thing heard; None: not said
    text: str
    is_change: bool  # False: the text says why nothing changes


@dataclass(frozen=True, kw_only=True)
class Promise:
    """A stored reply, with whether it happened."""

    promise_id: str
    phase_id: str
    round_id: str | None  # whose results it replies to; None: made in a decision
    made_by: str
    name: str  # of the lead who made it
    made_at: datetime
    heard: str | None
    text: str  # empty: deleted, as long after the phase as other texts
    is_change: bool
    outcome: PromiseOutcome | None  # None: not checked (yet)


@dataclass(frozen=True, kw_only=True)
class OpenedRound:
    """A round of the phase that has opened, open or closed."""

    round_id: str
    number: int  # 1 is the phase's first
    opened_at: datetime
