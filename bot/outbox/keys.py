"""Keys of messages: built and parsed here only.

A key is stored as text: the kind of the message, then what tells it from others of its kind, joined
by colons, such as "ask:ROUND:USER". Any operation on a message other than posting it has a key of
its own, the operation before the message's key, such as "pin:announcement:PHASE".
"""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, Table, case, literal


class MessageKind(StrEnum):
    """Every kind of message, and a person's App Home."""

    OTHER_LEAD_UNREACHABLE = "alone"
    ANNOUNCEMENT = "announcement"
    ASK = "ask"
    BACK_EARLY = "back_early"
    CLOSING = "closing"
    COMMENTS = "comments"
    CONCERNS = "concerns"
    CONCERN_ANSWER = "concern_answer"
    DECISION = "decision"
    DECISION_ASKED = "decision_asked"
    EXPECTATION_REPLY = "expectation_reply"
    EXTENDED = "extended"
    GOODBYE = "goodbye"
    HISTORY_PICTURE = "history_picture"
    HOME = "home"
    INSTALLED = "installed"
    LEAD_RESULTS = "lead_results"
    HOLD_ANSWER = "hold_answer"
    HOLD_PROPOSAL = "hold_proposal"
    LATE_THANKS = "line"
    ANNOUNCEMENT_MISSING = "missing"
    MISTAKE = "mistake"
    NOBODY_LEADS = "nobody_leads"
    NOBODY_READS = "nobody_reads"
    NOT_DELIVERED = "not_said"
    PARKED = "parked"
    PARKED_UNOWNED = "parked_unowned"
    PAUSED = "paused"
    REFLECT = "reflect"
    REMIND = "remind"
    RESULTS = "results"
    TALKING_POINTS = "talking_points"
    UNDECIDED = "undecided"
    WARN = "warn"
    WRAP_UP = "wrap_up"
    WRAPPED_UP = "wrapped_up"


class Derived(StrEnum):
    """The operations on a message other than posting. All but edits are named like operations."""

    EDIT = "edit"
    PIN = "pin"
    UNPIN = "unpin"
    BOOKMARK = "bookmark"
    UNBOOKMARK = "unbookmark"


_DERIVED = frozenset(Derived)
_PHASE, _ROUND, _PERSON, _ABOUT = "phase", "round", "person", "about"
#: The names of the parts after the kind in a key. After NOT_SAID come parts of another message's
#: key: its kind, the phase or round that it is about, and, for kinds reported one by one, which
#: message it is.
_FIELDS: Mapping[str, tuple[str, ...]] = {
    MessageKind.OTHER_LEAD_UNREACHABLE: (_PHASE, "unreachable", _PERSON),
    MessageKind.ANNOUNCEMENT: (_PHASE,),
    MessageKind.ASK: (_ROUND, _PERSON),
    MessageKind.BACK_EARLY: (_PHASE, "form"),
    MessageKind.CLOSING: (_PHASE,),
    MessageKind.COMMENTS: (_ROUND, "to", "number"),
    MessageKind.CONCERNS: (_PHASE, "batch", "number", _PERSON),
    MessageKind.CONCERN_ANSWER: (_PHASE, "answer"),
    MessageKind.DECISION: (_PHASE, "decision"),
    MessageKind.DECISION_ASKED: (_PHASE, "decision", _PERSON),
    MessageKind.EXPECTATION_REPLY: (_PHASE, "reply", _PERSON),
    MessageKind.EXTENDED: (_PHASE,),
    MessageKind.GOODBYE: (_PHASE, _PERSON),
    MessageKind.HISTORY_PICTURE: ("page", _PERSON),
    MessageKind.HOLD_ANSWER: (_PHASE, "proposal"),
    MessageKind.HOLD_PROPOSAL: (_PHASE, "proposal"),
    MessageKind.HOME: (_PERSON,),
    MessageKind.INSTALLED: (_PERSON,),
    MessageKind.LEAD_RESULTS: (_ROUND, _PERSON),
    MessageKind.LATE_THANKS: (_PHASE, _PERSON),
    MessageKind.ANNOUNCEMENT_MISSING: (_PHASE, _PERSON),
    MessageKind.MISTAKE: (_PHASE, "story"),
    MessageKind.NOBODY_LEADS: (_PHASE, _PERSON),
    MessageKind.NOBODY_READS: (_PHASE, _PERSON),
    MessageKind.NOT_DELIVERED: (_ABOUT, "id", "which", _PERSON),
    MessageKind.PARKED: (_PHASE, "item", "until", _PERSON),
    MessageKind.PARKED_UNOWNED: (_PHASE, "item", "until"),
    MessageKind.PAUSED: (_PHASE, "since", _PERSON),
    MessageKind.REFLECT: (_ROUND, _PERSON),
    MessageKind.REMIND: (_ROUND, _PERSON),
    MessageKind.RESULTS: (_ROUND,),
    MessageKind.TALKING_POINTS: (_PHASE, "day"),
    MessageKind.UNDECIDED: (_PHASE, "decision"),
    MessageKind.WARN: (_PHASE, "ends_on", _PERSON),
    MessageKind.WRAP_UP: (_PHASE, _PERSON),
    MessageKind.WRAPPED_UP: (_PHASE,),
}
#: Kinds with several messages in a phase; leads are told of each that could not be sent.
_REPORTED_ONE_BY_ONE = (
    MessageKind.BACK_EARLY,
    MessageKind.CONCERNS,
    MessageKind.CONCERN_ANSWER,
    MessageKind.DECISION,
    MessageKind.EXPECTATION_REPLY,
    MessageKind.GOODBYE,
    MessageKind.HOLD_ANSWER,
    MessageKind.HOLD_PROPOSAL,
    MessageKind.LATE_THANKS,
    MessageKind.MISTAKE,
)


class MessageKey(str):
    """The key of one message, or of an operation on it.

    It is a string, so the database accepts it unchanged. `MessageKey(text)` parses a stored key; a
    key whose kind this version does not know has no fields.
    """

    __slots__ = ()

    @property
    def message(self) -> "MessageKey":
        """Return the message's key if this is the key of an operation on it; else this key."""
        first, _, rest = self.partition(":")
        return MessageKey(rest).message if first in _DERIVED else self

    @property
    def kind(self) -> str:
        """Return a MessageKind, or the name of a kind of another version.

        For an edit or a pin, it is the kind of its message.
        """
        return self.message.partition(":")[0]

    @property
    def fields(self) -> dict[str, str]:
        """Return the parts after the kind, by name."""
        kind, *values = self.message.split(":")
        fields = dict(zip(_FIELDS.get(kind, ()), values, strict=False))
        if "id" in fields:
            fields[_FIELDS.get(fields[_ABOUT], (_PHASE,))[0]] = fields.pop("id")
        return fields

    @property
    def phase_id(self) -> str | None:
        return self.fields.get(_PHASE)

    @property
    def round_id(self) -> str | None:
        return self.fields.get(_ROUND)

    @property
    def user_id(self) -> str | None:
        """Return the recipient, or the owner of the App Home."""
        return self.fields.get(_PERSON)

    @property
    def log_fields(self) -> dict[str, str]:
        """Return the log fields that describe the message. bot.log takes people out of the key."""
        about = {name: value for name, value in self.fields.items() if name in (_PHASE, _ROUND)}
        return {"key": self, **about}


def other_lead_unreachable(phase_id: str, unreachable_id: str, user_id: str) -> MessageKey:
    """Return the key of a notice to a lead that another lead cannot be reached any more."""
    return _key(MessageKind.OTHER_LEAD_UNREACHABLE, phase_id, unreachable_id, user_id)


def announcement(phase_id: str) -> MessageKey:
    return _key(MessageKind.ANNOUNCEMENT, phase_id)


def ask(round_id: str, user_id: str) -> MessageKey:
    """Return the key of the questions to a member."""
    return _key(MessageKind.ASK, round_id, user_id)


def reflect(round_id: str, user_id: str) -> MessageKey:
    """Return the key of the questions to a lead."""
    return _key(MessageKind.REFLECT, round_id, user_id)


def back_early(phase_id: str, form_id: str) -> MessageKey:
    """Return the key of the reason why items came back early; `form_id` is of one sent form."""
    return _key(MessageKind.BACK_EARLY, phase_id, form_id)


def closing(phase_id: str) -> MessageKey:
    return _key(MessageKind.CLOSING, phase_id)


def comments(round_id: str, to: str, number: int) -> MessageKey:
    """Return the key of a page of comments, to a lead or to the channel."""
    return _key(MessageKind.COMMENTS, round_id, to, number)


def concerns(phase_id: str, batch: str, number: int, user_id: str) -> MessageKey:
    """Return the key of a page of concerns to a lead; `batch` identifies one delivery."""
    return _key(MessageKind.CONCERNS, phase_id, batch, number, user_id)


def concern_answer(phase_id: str, answer: str) -> MessageKey:
    """Return the key of a lead's answer to a concern, by the id under the delivered note."""
    return _key(MessageKind.CONCERN_ANSWER, phase_id, answer)


def decision(phase_id: str, decision_id: str) -> MessageKey:
    """Return the key of the leads' answer, in the announcement's thread."""
    return _key(MessageKind.DECISION, phase_id, decision_id)


def decision_asked(phase_id: str, decision_id: str, user_id: str) -> MessageKey:
    """Return the key of the message that asks a lead for a decision, where results don't."""
    return _key(MessageKind.DECISION_ASKED, phase_id, decision_id, user_id)


def expectation_reply(phase_id: str, reply: str, user_id: str) -> MessageKey:
    """Return the key of a member's reply to a lead; `reply` identifies one submitted form."""
    return _key(MessageKind.EXPECTATION_REPLY, phase_id, reply, user_id)


def extended(phase_id: str) -> MessageKey:
    return _key(MessageKind.EXTENDED, phase_id)


def goodbye(phase_id: str, user_id: str) -> MessageKey:
    return _key(MessageKind.GOODBYE, phase_id, user_id)


def history_picture(page: str, user_id: str) -> MessageKey:
    """Return the key of a picture that a person asked for; `page` identifies one open form."""
    return _key(MessageKind.HISTORY_PICTURE, page, user_id)


def hold_answer(phase_id: str, proposal_id: str) -> MessageKey:
    """Return the key of a lead's answer to a proposal."""
    return _key(MessageKind.HOLD_ANSWER, phase_id, proposal_id)


def hold_proposal(phase_id: str, proposal_id: str) -> MessageKey:
    """Return the key of a member's proposal to put something on hold."""
    return _key(MessageKind.HOLD_PROPOSAL, phase_id, proposal_id)


def home(user_id: str) -> MessageKey:
    return _key(MessageKind.HOME, user_id)


def installed(user_id: str) -> MessageKey:
    """Return the key of the message to a person who has installed the bot."""
    return _key(MessageKind.INSTALLED, user_id)


def lead_results(round_id: str, user_id: str) -> MessageKey:
    return _key(MessageKind.LEAD_RESULTS, round_id, user_id)


def late_thanks(phase_id: str, user_id: str) -> MessageKey:
    """Return the key of a line of thanks written after the member's goodbye."""
    return _key(MessageKind.LATE_THANKS, phase_id, user_id)


def announcement_missing(phase_id: str, user_id: str) -> MessageKey:
    """Return the key of a notice to a lead that the announcement was deleted."""
    return _key(MessageKind.ANNOUNCEMENT_MISSING, phase_id, user_id)


def mistake(phase_id: str, story: str) -> MessageKey:
    """Return the key of a mistake that a person shared; `story` identifies one submitted form."""
    return _key(MessageKind.MISTAKE, phase_id, story)


def nobody_leads(phase_id: str, user_id: str) -> MessageKey:
    """Return the key of a notice to a workspace admin that no lead can be reached any more."""
    return _key(MessageKind.NOBODY_LEADS, phase_id, user_id)


def nobody_reads(phase_id: str, user_id: str) -> MessageKey:
    """Return the key of a notice to a workspace admin about an ended phase.

    Nobody is left to read its results.
    """
    return _key(MessageKind.NOBODY_READS, phase_id, user_id)


def not_delivered(of: MessageKey, user_id: str) -> MessageKey:
    """Return the key of a notice to a lead that a message could not be sent.

    There is one notice for all pages of a message.
    """
    kind, about, *rest = of.message.split(":")
    which = rest[0] if kind in _REPORTED_ONE_BY_ONE else ""
    return _key(MessageKind.NOT_DELIVERED, kind, about, which, user_id)


def parked(phase_id: str, position: int, until: date, user_id: str) -> MessageKey:
    """Return the key of the message to the owner on the day until which an item was parked."""
    return _key(MessageKind.PARKED, phase_id, position, until, user_id)


def parked_unowned(phase_id: str, position: int, until: date) -> MessageKey:
    """Return the key of that message in the channel, where the owner cannot be reached."""
    return _key(MessageKind.PARKED_UNOWNED, phase_id, position, until)


def paused(phase_id: str, since: datetime, user_id: str) -> MessageKey:
    """Return the key of a notice to a lead, one for each pause."""
    return _key(MessageKind.PAUSED, phase_id, int(since.timestamp()), user_id)


def remind(round_id: str, user_id: str) -> MessageKey:
    return _key(MessageKind.REMIND, round_id, user_id)


def results(round_id: str) -> MessageKey:
    """Return the key of the results for the team."""
    return _key(MessageKind.RESULTS, round_id)


def talking_points(phase_id: str, day: date) -> MessageKey:
    """Return the key of the questions to the channel of a team too small to be asked one by one."""
    return _key(MessageKind.TALKING_POINTS, phase_id, day)


def undecided(phase_id: str, decision_id: str) -> MessageKey:
    """Return the key of the note in the thread that the leads haven't decided yet."""
    return _key(MessageKind.UNDECIDED, phase_id, decision_id)


def warning(phase_id: str, ends_on: date, user_id: str) -> MessageKey:
    """Return the key of an end warning. It has the day: an extended phase is asked about again."""
    return _key(MessageKind.WARN, phase_id, ends_on, user_id)


def wrap_up(phase_id: str, user_id: str) -> MessageKey:
    """Return the key of the question to a lead after the end."""
    return _key(MessageKind.WRAP_UP, phase_id, user_id)


def wrapped_up(phase_id: str) -> MessageKey:
    return _key(MessageKind.WRAPPED_UP, phase_id)


def derived(operation: str, of: MessageKey) -> MessageKey:
    """Return the key of an operation on a message; `operation` is the name of one of Derived."""
    return _key(Derived(operation), of)


def edit_of(key: MessageKey) -> MessageKey:
    return derived(Derived.EDIT, key)


def bookmark_of(key: MessageKey) -> MessageKey:
    return derived(Derived.BOOKMARK, key)


def unbookmark_of(key: MessageKey) -> MessageKey:
    """Return the key of the bookmark's removal, given the message's key."""
    return derived(Derived.UNBOOKMARK, bookmark_of(key))


def question_in_sql(round_: Table, person: Table) -> ColumnElement[str]:
    """Return `reflect` for a lead of the round, else `ask`, as an expression on their rows."""
    kinds = (f"{MessageKind.REFLECT}:", f"{MessageKind.ASK}:")
    kind = case((person.c.role == "lead", kinds[0]), else_=kinds[1])
    return kind + round_.c.round_id + ":" + person.c.user_id


def remind_in_sql(round_: Table, person: Table) -> ColumnElement[str]:
    """Return `remind` as an expression on their rows."""
    return literal(f"{MessageKind.REMIND}:") + round_.c.round_id + ":" + person.c.user_id


def _key(first: str, *parts: object) -> MessageKey:
    return MessageKey(":".join((first, *map(str, parts))))
