"""The messages that may go next in a workspace: the first open one of each queue.

A queue is what must stay in order: the posts of a conversation, the edits of a message, what is
pinned and bookmarked of it, a person's App Home. One queue that waits for Slack, or for somebody
to decide, holds up no other. What refers to a message that is on its way waits beside its queue,
as if it were not there yet.
"""

from collections.abc import Collection
from dataclasses import fields
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    FromClause,
    Integer,
    ScalarSelect,
    Select,
    and_,
    bindparam,
    case,
    false,
    func,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db import schema
from bot.outbox.enqueue import Operation, State
from bot.outbox.keys import MessageKey
from bot.outbox.queued_message import NOWHERE, QueuedMessage, SlackLocation
from bot.outbox.rate_limits import DIRECT, PROOF

T = TypeVar("T")

_messages = schema.messages
#: Not at their end.
OPEN = (State.PENDING, State.SENDING, State.UNKNOWN)


def literal_states(states: Collection[State]) -> BindParameter[list[str]]:
    """States as the indexes on them are written, so that the planner sees that they fit."""
    values = [state.value for state in states]
    return bindparam(None, values, expanding=True, literal_execute=True)


def is_open(messages: FromClause) -> ColumnElement[bool]:
    """That a message is not at its end, in the words of the index on these."""
    return messages.c.state.in_(literal_states(OPEN))


def is_sendable(now: Any, real: Any) -> ColumnElement[bool]:
    """That a message may be worked on: due at `now`, in business time, tried again at `real`.

    It is the first of its queue, and what it refers to is in Slack, or never will be.
    """
    earlier = _messages.alias("earlier")
    blocked = select(earlier.c.message_id).where(
        earlier.c.workspace_id == _messages.c.workspace_id,
        earlier.c.conversation == _messages.c.conversation,  # not needed, but has an index
        earlier.c.message_id < _messages.c.message_id,
        _queue(earlier) == _queue(_messages),
        _is_due(earlier, now),
    )
    return and_(_is_due(_messages, now), _may_be_tried(real), first_of(blocked).is_(None))


def first_of(found: Select[tuple[T]]) -> ScalarSelect[T]:
    """One of what is found, looked up for each row; null: nothing is.

    PostgreSQL makes a join of EXISTS. At ten on a Tuesday, with figures from when hardly anything
    was open, it took the wrong one, and a look for work took longer than any statement may.
    """
    return found.limit(1).scalar_subquery()


def limit_of(messages: FromClause) -> ColumnElement[str]:
    """The name of the limit that a message counts under."""
    to_person = messages.c.conversation.like("U%") | messages.c.conversation.like("W%")
    return case(
        (messages.c.state == State.UNKNOWN, PROOF),
        ((messages.c.operation == Operation.POST) & to_person, DIRECT),
        else_=messages.c.operation,
    )


async def heads(
    tx: AsyncConnection,
    workspace_id: str,
    *,
    now: datetime,
    real: datetime,
    barred: Collection[str],
    limit: int,
) -> list[QueuedMessage]:
    """The first open message of each queue that may be worked on now; channels first.

    `barred` names limits that are used up. Payloads are read by the claim: most of what is looked
    at among many has to wait.
    """
    given = {
        "workspace": workspace_id,
        "now": now,
        "real": real,
        "barred": list(barred),
        "most": limit,
    }
    return [_row(row) for row in (await tx.execute(_HEADS, given)).mappings()]


def _queue(messages: FromClause) -> ColumnElement[str]:
    """The name of what it keeps its order in: a conversation, or a key."""
    operation = messages.c.operation
    return case(
        (operation == Operation.POST, messages.c.conversation),
        (operation.in_((Operation.UPDATE, Operation.PUBLISH)), messages.c.key),
        else_=messages.c.target_key,
    )


def _is_due(messages: FromClause, now: Any) -> ColumnElement[bool]:
    target = _messages.alias("awaited")
    on_its_way = and_(target.c.ts.is_(None), target.c.state.in_(OPEN))
    # Looked up for each by its key: as a join, planners without figures take a worse index.
    awaited = select(on_its_way).where(
        target.c.workspace_id == messages.c.workspace_id, target.c.key == messages.c.target_key
    )
    waits = func.coalesce(awaited.scalar_subquery(), false())
    return and_(is_open(messages), messages.c.not_before <= now, ~waits)


def _may_be_tried(real: Any) -> ColumnElement[bool]:
    return or_(_messages.c.retry_at.is_(None), _messages.c.retry_at <= real)


def _heads(firsts_of: ColumnElement[str]) -> Select[Any]:
    pace, target = limit_of(_messages), _messages.alias("target")
    firsts = (
        select(func.min(_messages.c.message_id).label("message_id"))
        .where(_IN_WORKSPACE, _is_due(_messages, bindparam("now")))
        .group_by(firsts_of)
        .subquery()
    )
    return (
        select(
            *(column for column in _messages.c if column.name in _READ),
            _messages.c.target_key,
            pace.label("pace"),
            _queue(_messages).label("queue"),
            target.c.state.label("target_state"),
            target.c.channel.label("target_channel"),
            target.c.ts.label("target_ts"),
            target.c.file_id.label("target_file_id"),
        )
        .join(firsts, _messages.c.message_id == firsts.c.message_id)
        .outerjoin(
            target,
            and_(
                target.c.workspace_id == _messages.c.workspace_id,
                target.c.key == _messages.c.target_key,
            ),
        )
        .where(
            _IN_WORKSPACE,
            _messages.c.state != State.SENDING,
            _may_be_tried(bindparam("real")),
            pace.not_in(bindparam("barred", expanding=True)),
        )
        .order_by(pace == DIRECT, _messages.c.message_id)
        .limit(bindparam("most", type_=Integer))
    )


_READ = {field.name for field in fields(QueuedMessage)} - {"payload"}
_IN_WORKSPACE = _messages.c.workspace_id == bindparam("workspace")
_HEADS = _heads(_queue(_messages))  # made once: it is asked before every few calls


def _row(row: Any) -> QueuedMessage:
    copied = {name: row[name] for name in _READ if name != "target"}
    copied["key"] = MessageKey(copied["key"])
    copied["operation"] = Operation(copied["operation"])
    copied["state"] = State(copied["state"])
    return QueuedMessage(**copied, target=_target(row))


def _target(row: Any) -> SlackLocation | None:
    if row["target_key"] is None:
        return NOWHERE
    if row["target_state"] is None:
        return None
    if row["target_ts"] is None and row["target_state"] not in OPEN:
        return None
    return SlackLocation(
        channel=row["target_channel"], ts=row["target_ts"], file_id=row["target_file_id"]
    )
