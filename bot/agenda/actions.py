"""Agenda actions: their names, their subjects, and how each may be run.

Each action has one subject: a stored id, or an id followed by whatever else tells one subject from
another, joined by colons. The id comes first, so that everything about one phase or round can be
found by the start of its subject. Subjects of several parts are built and parsed here only.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum
from typing import Self


class ActionName(StrEnum):
    """Every kind of action that can become due."""

    ASK = "ask"
    ASK_DECISION = "ask_decision"
    CATCH_UP = "catch_up"
    CLOSE_ROUND = "close_round"
    DELIVER_CONCERNS = "deliver_concerns"
    DELETE_ROUND_KEYS = "delete_round_keys"
    DROP_PERSON = "drop_person"
    END_PHASE = "end_phase"
    LINK_RESULTS = "link_results"
    FOLLOW_UP_PARKED = "follow_up_parked"
    SYNC_MEMBERS = "sync_members"
    REPLAN_ROUNDS = "replan_rounds"
    RESCHEDULE_FOR_ZONE = "reschedule_for_zone"
    DELETE_OLD_DRAFTS = "delete_old_drafts"
    CHECK_CHANNEL = "check_channel"
    NOTE_UNDECIDED = "note_undecided"
    OPEN_ROUND = "open_round"
    PAUSE_PHASE = "pause_phase"
    PURGE_WORKSPACE = "purge_workspace"
    READ_PERSON = "read_person"
    REFRESH_ANNOUNCEMENT = "refresh_announcement"
    REMIND = "remind"
    SEND_GOODBYE = "send_goodbye"
    SEND_LATE_THANKS = "send_late_thanks"
    SCRUB = "scrub"
    SEND_AGAIN_TO_PERSON = "send_again_to_person"
    SHOW_RESULTS = "show_results"
    POST_TALKING_POINTS = "post_talking_points"
    TELL_ADMINS = "tell_admins"
    REPORT_MISSING_ANNOUNCEMENT = "report_missing_announcement"
    REPORT_UNDELIVERED = "report_undelivered"
    TIDY = "tidy"
    TRY_TOKEN = "try_token"
    UPDATE_CLOSING = "update_closing"
    WARN_END = "warn_end"


@dataclass(frozen=True, kw_only=True)
class AgendaAction:
    """One kind of action that can become due.

    `run` takes the services and the due item. If `is_batched`, further items with the same leading
    id follow, and all of them run in one transaction.
    """

    name: ActionName
    run: Callable[..., Awaitable[None]]
    #: Whether people notice its effect. The playground skips the other actions when it looks for
    #: the next event.
    is_visible: bool = True
    is_batched: bool = False


@dataclass(frozen=True)
class Subject:
    """An action's subject that needs more than one id. `str` gives the stored form."""

    @classmethod
    def parse(cls, subject: str) -> Self:
        """Return the subject of this stored form; its parts are text unless a class says more."""
        return cls(*subject.split(":"))

    def __str__(self) -> str:
        return ":".join(str(getattr(self, field.name)) for field in fields(self))


@dataclass(frozen=True)
class PhasePerson(Subject):
    """A person in a phase: say_goodbye, say_line."""

    phase_id: str
    user_id: str


@dataclass(frozen=True)
class PhaseItem(Subject):
    """An item on hold of a phase: follow_up_parked."""

    phase_id: str
    position: int

    @classmethod
    def parse(cls, subject: str) -> Self:
        phase_id, position = subject.split(":")
        return cls(phase_id, int(position))


@dataclass(frozen=True)
class PhaseDecision(Subject):
    """A decision that the leads of a phase are to be asked for, and why: ask_decision."""

    phase_id: str
    cause: str


@dataclass(frozen=True)
class RoundPerson(Subject):
    """A person asked in a round: ask, remind."""

    round_id: str
    user_id: str


@dataclass(frozen=True)
class PlannedRound(Subject):
    """A round to be opened: open_round."""

    phase_id: str
    kind: str
    on: date

    @classmethod
    def parse(cls, subject: str) -> Self:
        phase_id, kind, on = subject.split(":")
        return cls(phase_id, kind, date.fromisoformat(on))


@dataclass(frozen=True)
class PhaseDay(Subject):
    """A day of a phase: talk, which runs once a day."""

    phase_id: str
    on: date

    @classmethod
    def parse(cls, subject: str) -> Self:
        phase_id, on = subject.split(":")
        return cls(phase_id, date.fromisoformat(on))


@dataclass(frozen=True)
class ScrubPass(Subject):
    """The first or the second scrub after a round: scrub."""

    round_id: str
    is_second: bool = False

    def __str__(self) -> str:
        return f"{self.round_id}:again" if self.is_second else self.round_id

    @classmethod
    def parse(cls, subject: str) -> Self:
        round_id, _, again = subject.partition(":")
        return cls(round_id, bool(again))


@dataclass(frozen=True)
class PausedPhase(Subject):
    """A phase and why its channel cannot be posted to: pause_phase."""

    phase_id: str
    because: str


@dataclass(frozen=True)
class UndeliveredMessage(Subject):
    """A message that Slack refused, and the consequence for the team: tell_of_unsaid."""

    message_id: str
    consequence: str


@dataclass(frozen=True)
class TokenRetry(Subject):
    """The number of times a refused token was retried: try_token."""

    tries: int

    @classmethod
    def parse(cls, subject: str) -> Self:
        return cls(int(subject))


#: The kind of thing that the leading id of each action's subject identifies.
LEADING_ID_KIND: Mapping[str, str] = {
    ActionName.ASK: "round",
    ActionName.ASK_DECISION: "phase",
    ActionName.CATCH_UP: "workspace",
    ActionName.CLOSE_ROUND: "round",
    ActionName.DELIVER_CONCERNS: "phase",
    ActionName.DELETE_ROUND_KEYS: "day",
    ActionName.DROP_PERSON: "person",
    ActionName.END_PHASE: "phase",
    ActionName.LINK_RESULTS: "round",
    ActionName.FOLLOW_UP_PARKED: "phase",
    ActionName.SYNC_MEMBERS: "phase",
    ActionName.REPLAN_ROUNDS: "workspace",
    ActionName.RESCHEDULE_FOR_ZONE: "person",
    ActionName.DELETE_OLD_DRAFTS: "workspace",
    ActionName.CHECK_CHANNEL: "phase",
    ActionName.NOTE_UNDECIDED: "phase",
    ActionName.OPEN_ROUND: "phase",
    ActionName.PAUSE_PHASE: "phase",
    ActionName.PURGE_WORKSPACE: "workspace",
    ActionName.READ_PERSON: "person",
    ActionName.REFRESH_ANNOUNCEMENT: "phase",
    ActionName.REMIND: "round",
    ActionName.SEND_GOODBYE: "phase",
    ActionName.SEND_LATE_THANKS: "phase",
    ActionName.SCRUB: "round",
    ActionName.SEND_AGAIN_TO_PERSON: "person",
    ActionName.SHOW_RESULTS: "round",
    ActionName.POST_TALKING_POINTS: "phase",
    ActionName.TELL_ADMINS: "phase",
    ActionName.REPORT_MISSING_ANNOUNCEMENT: "phase",
    ActionName.REPORT_UNDELIVERED: "message",
    ActionName.TIDY: "workspace",
    ActionName.TRY_TOKEN: "tries",
    ActionName.UPDATE_CLOSING: "phase",
    ActionName.WARN_END: "phase",
}
#: The kinds of id that may be logged; never a person.
_LOGGED = ("message", "phase", "round")


def leading_id(subject: str) -> str:
    """Return the id that a subject starts with, or is."""
    return subject.partition(":")[0]


def subject_prefix(about: str) -> str:
    """Return the prefix of every multi-part subject about this phase or round."""
    return f"{about}:"


def log_fields(action: str, subject: str) -> dict[str, str]:
    """Return the log fields that describe an agenda item."""
    described = {"action": action, "subject": subject}
    id_name = LEADING_ID_KIND.get(action)
    return {**described, id_name: leading_id(subject)} if id_name in _LOGGED else described
