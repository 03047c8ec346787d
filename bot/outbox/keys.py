"""Keys of messages: built and parsed here only.

A key is stored as text: the kind of the message, then what tells it from others of its kind, joined
by colons, such as "ask:ROUND:USER". What is done to a message besides posting it has a key of its
own, the operation before the message's key, such as "pin:announcement:PHASE".
"""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, Table, case, literal


class MessageKind(StrEnum):
    """Every kind of message, and a person's App Home."""

    ALONE = "alone"
    ANNOUNCEMENT = "announcement"
    ASK = "ask"
    CLOSING = "closing"
    COMMENTS = "comments"
    CONCERNS = "concerns"
    EXTENDED = "extended"
    GOODBYE = "goodbye"
    HOME = "home"
    LEAD_RESULTS = "lead_results"
    LINE = "line"
    MISSING = "missing"
    NOBODY_LEADS = "nobody_leads"
    NOBODY_READS = "nobody_reads"
    NOT_SAID = "not_said"
    PAUSED = "paused"
    REFLECT = "reflect"
    REMIND = "remind"
    RESULTS = "results"
    TALKING_POINTS = "talking_points"
    WARN = "warn"
    WRAP_UP = "wrap_up"
    WRAPPED_UP = "wrapped_up"


class Derived(StrEnum):
    """What is done to a message besides posting it. All but edits are named as operations are."""

    EDIT = "edit"
    PIN = "pin"
    UNPIN = "unpin"
    BOOKMARK = "bookmark"
    UNBOOKMARK = "unbookmark"


_DERIVED = frozenset(Derived)
_PHASE, _ROUND, _PERSON, _ABOUT = "phase", "round", "person", "about"
#: The names of what follows the kind in a key. After NOT_SAID come parts of another message's key:
#: its kind, the phase or round that it is about, and which of several it is, if leads are told of
#: each.
_FIELDS: Mapping[str, tuple[str, ...]] = {
    MessageKind.ALONE: (_PHASE, "unreachable", _PERSON),
    MessageKind.ANNOUNCEMENT: (_PHASE,),
    MessageKind.ASK: (_ROUND, _PERSON),
    MessageKind.CLOSING: (_PHASE,),
    MessageKind.COMMENTS: (_ROUND, "to", "number"),
    MessageKind.CONCERNS: (_PHASE, "batch", "number", _PERSON),
    MessageKind.EXTENDED: (_PHASE,),
    MessageKind.GOODBYE: (_PHASE, _PERSON),
    MessageKind.HOME: (_PERSON,),
    MessageKind.LEAD_RESULTS: (_ROUND, _PERSON),
    MessageKind.LINE: (_PHASE, _PERSON),
    MessageKind.MISSING: (_PHASE, _PERSON),
    MessageKind.NOBODY_LEADS: (_PHASE, _PERSON),
    MessageKind.NOBODY_READS: (_PHASE, _PERSON),
    MessageKind.NOT_SAID: (_ABOUT, "id", "which", _PERSON),
    MessageKind.PAUSED: (_PHASE, "since", _PERSON),
    MessageKind.REFLECT: (_ROUND, _PERSON),
    MessageKind.REMIND: (_ROUND, _PERSON),
    MessageKind.RESULTS: (_ROUND,),
    MessageKind.TALKING_POINTS: (_PHASE, "day"),
    MessageKind.WARN: (_PHASE, "ends_on", _PERSON),
    MessageKind.WRAP_UP: (_PHASE, _PERSON),
    MessageKind.WRAPPED_UP: (_PHASE,),
}
#: Of these there are several in a phase, and leads are told of each that could not be said.
_TOLD_OF_EACH = (MessageKind.CONCERNS, MessageKind.GOODBYE, MessageKind.LINE)


class MessageKey(str):
    """The key of one message, or of an edit or a mark of it.

    It is a string, so the database takes it as it is. `MessageKey(text)` parses what was stored; a
    key of a kind that this version does not know has no fields.
    """

    __slots__ = ()

    @property
    def message(self) -> "MessageKey":
        """The key of the message that an edit or a pin belongs to; any other key as it is."""
        first, _, rest = self.partition(":")
        return MessageKey(rest).message if first in _DERIVED else self

    @property
    def kind(self) -> str:
        """A MessageKind, or a word of another version; of an edit or pin, that of its message."""
        return self.message.partition(":")[0]

    @property
    def fields(self) -> dict[str, str]:
        """What follows the kind, by name."""
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
        """Whom it is said to, or whose App Home it is."""
        return self.fields.get(_PERSON)

    @property
    def log_fields(self) -> dict[str, str]:
        """What a line of the log says of it. bot.log takes people out of the key."""
        about = {name: value for name, value in self.fields.items() if name in (_PHASE, _ROUND)}
        return {"key": self, **about}


def alone(phase_id: str, unreachable_id: str, user_id: str) -> MessageKey:
    """To a lead: another lead cannot be reached any more."""
    return _key(MessageKind.ALONE, phase_id, unreachable_id, user_id)


def announcement(phase_id: str) -> MessageKey:
    return _key(MessageKind.ANNOUNCEMENT, phase_id)


def ask(round_id: str, user_id: str) -> MessageKey:
    """The questions to a member."""
    return _key(MessageKind.ASK, round_id, user_id)


def reflect(round_id: str, user_id: str) -> MessageKey:
    """The questions to a lead."""
    return _key(MessageKind.REFLECT, round_id, user_id)


def closing(phase_id: str) -> MessageKey:
    return _key(MessageKind.CLOSING, phase_id)


def comments(round_id: str, to: str, number: int) -> MessageKey:
    """A page of comments, to a lead or to the channel."""
    return _key(MessageKind.COMMENTS, round_id, to, number)


def concerns(phase_id: str, batch: str, number: int, user_id: str) -> MessageKey:
    """A page of notes to a lead. `batch` tells the notes of one delivery from others."""
    return _key(MessageKind.CONCERNS, phase_id, batch, number, user_id)


def extended(phase_id: str) -> MessageKey:
    return _key(MessageKind.EXTENDED, phase_id)


def goodbye(phase_id: str, user_id: str) -> MessageKey:
    return _key(MessageKind.GOODBYE, phase_id, user_id)


def home(user_id: str) -> MessageKey:
    return _key(MessageKind.HOME, user_id)


def lead_results(round_id: str, user_id: str) -> MessageKey:
    return _key(MessageKind.LEAD_RESULTS, round_id, user_id)


def line(phase_id: str, user_id: str) -> MessageKey:
    """A line of thanks that was written after the member's goodbye."""
    return _key(MessageKind.LINE, phase_id, user_id)


def missing(phase_id: str, user_id: str) -> MessageKey:
    """To a lead: the announcement was deleted."""
    return _key(MessageKind.MISSING, phase_id, user_id)


def nobody_leads(phase_id: str, user_id: str) -> MessageKey:
    """To a workspace admin: no lead can be reached any more."""
    return _key(MessageKind.NOBODY_LEADS, phase_id, user_id)


def nobody_reads(phase_id: str, user_id: str) -> MessageKey:
    """To a workspace admin: a phase that has ended has nobody left who reads what it brought."""
    return _key(MessageKind.NOBODY_READS, phase_id, user_id)


def not_said(of: MessageKey, user_id: str) -> MessageKey:
    """To a lead: another message could not be said; once for all its pages."""
    kind, about, *rest = of.message.split(":")
    which = rest[0] if kind in _TOLD_OF_EACH else ""
    return _key(MessageKind.NOT_SAID, kind, about, which, user_id)


def paused(phase_id: str, since: datetime, user_id: str) -> MessageKey:
    """To a lead, once for each pause."""
    return _key(MessageKind.PAUSED, phase_id, int(since.timestamp()), user_id)


def remind(round_id: str, user_id: str) -> MessageKey:
    return _key(MessageKind.REMIND, round_id, user_id)


def results(round_id: str) -> MessageKey:
    """The results for the team."""
    return _key(MessageKind.RESULTS, round_id)


def talking_points(phase_id: str, day: date) -> MessageKey:
    """The questions to the channel of a team too small to be asked one by one."""
    return _key(MessageKind.TALKING_POINTS, phase_id, day)


def warning(phase_id: str, ends_on: date, user_id: str) -> MessageKey:
    """With the day: an extended phase is asked about again before its new end."""
    return _key(MessageKind.WARN, phase_id, ends_on, user_id)


def wrap_up(phase_id: str, user_id: str) -> MessageKey:
    """The question to a lead, after the end."""
    return _key(MessageKind.WRAP_UP, phase_id, user_id)


def wrapped_up(phase_id: str) -> MessageKey:
    return _key(MessageKind.WRAPPED_UP, phase_id)


def derived(operation: str, of: MessageKey) -> MessageKey:
    """What an operation does to a message; `operation` is the name of one of Derived."""
    return _key(Derived(operation), of)


def edit_of(key: MessageKey) -> MessageKey:
    return derived(Derived.EDIT, key)


def bookmark_of(key: MessageKey) -> MessageKey:
    return derived(Derived.BOOKMARK, key)


def unbookmark_of(key: MessageKey) -> MessageKey:
    """Of the message, whose bookmark is taken back."""
    return derived(Derived.UNBOOKMARK, bookmark_of(key))


def question_in_sql(round_: Table, person: Table) -> ColumnElement[str]:
    """`reflect` for a lead of the round, else `ask`, as an expression on their rows."""
    kinds = (f"{MessageKind.REFLECT}:", f"{MessageKind.ASK}:")
    kind = case((person.c.role == "lead", kinds[0]), else_=kinds[1])
    return kind + round_.c.round_id + ":" + person.c.user_id


def remind_in_sql(round_: Table, person: Table) -> ColumnElement[str]:
    """`remind` as an expression on their rows."""
    return literal(f"{MessageKind.REMIND}:") + round_.c.round_id + ":" + person.c.user_id


def _key(first: str, *parts: object) -> MessageKey:
    return MessageKey(":".join((first, *map(str, parts))))
