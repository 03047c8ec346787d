"""A decision that the leads of a running phase are asked for, once."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Cause(StrEnum):
    """The reason why a decision is asked for."""

    DATE = "date"  # the day that the leads chose for their "stop if" has come
    CHECK = "check"  # the team says that this should not go on as planned


class Choice(StrEnum):
    """The answer."""

    CONTINUE = "continue"
    ADJUST = "adjust"  # with a promise
    END = "end"


@dataclass(frozen=True, kw_only=True)
class Decision:
    """A decision that was asked for, open or made."""

    decision_id: str
    phase_id: str
    cause: Cause
    round_id: str | None  # with whose results the leads are asked; None: in a message of its own
    asked_at: datetime
    choice: Choice | None  # None: not decided yet
    decided_by: str | None  # None: not decided yet
    name: str  # of the person who decided; empty: not decided yet
    decided_at: datetime | None  # None: not decided yet


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The submitted form."""

    choice: Choice  # continue or adjust
    text: str  # why it goes on, or the promise
