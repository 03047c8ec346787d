"""The messages that may go next in a workspace: the first open one of each queue.

A queue is what must stay in order: the posts of a conversation, the edits of a message, its pins
and bookmarks, a person's App Home. A queue that waits for Slack, or for a decision, holds up no
other. A message that refers to one not sent yet waits outside its queue, and does not block it.
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
from bot.outbox.rate_limits import DIRECT, LOOKUP

T = TypeVar("T")

_messages = schema.messages
#: States of messages that delivery still works on.
OPEN = (State.PENDING, State.SENDING, State.UNKNOWN)


def literal_states(states: Collection[State]) -> BindParameter[list[str]]:
    """Return states as written in the indexes, so that the planner recognises the match."""
    values = [state.value for state in states]
    return bindparam(None, values, expanding=True, literal_execute=True)


def is_open(messages: FromClause) -> ColumnElement[bool]:
    """Return the condition that a message is open, as written in the indexes."""
    return messages.c.state.in_(literal_states(OPEN))


def is_sendable(now: Any, real: Any) -> ColumnElement[bool]:
    """Return the condition that a message may be processed.

    It is due at `now` (business time), may be retried at `real` (real time), and is the first of
    its queue; the message it refers to is in Slack, or never will be.
    """
    earlier = _messages.alias("earlier")
    blocked = select(earlier.c.message_id).where(
        earlier.c.workspace_id == _messages.c.workspace_id,
        earlier.c.conversation == _messages.c.conversation,  # not needed, but has an index
        earlier.c.message_id < _messages.c.message_id,
        _queue(earlier) == _queue(_messages),
        _is_due(earlier, now),
    )
    return and_(_is_due(_messages, now), _may_be_retried(real), first_of(blocked).is_(None))


def first_of(query: Select[tuple[T]]) -> ScalarSelect[T]:
    """Return a subquery for one of the rows found, evaluated for each outer row; null if none.

    PostgreSQL turns EXISTS into a join. At ten on a Tuesday, with statistics from when hardly
    anything was open, it chose the wrong one, and a query for work took longer than any statement
    may.
    """
    return query.limit(1).scalar_subquery()


def rate_limit_of(messages: FromClause) -> ColumnElement[str]:
    """Return the name of the rate limit that a message counts towards."""
    to_person = messages.c.conversation.like("U%") | messages.c.conversation.like("W%")
    return case(
        (messages.c.state == State.UNKNOWN, LOOKUP),
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
    """Return the first open message of each queue that may be processed now; channels first.

    `barred` names rate limits that are used up. Payloads are read by the claim: in a large queue,
    most messages looked at here have to wait.
    """
    parameters = {
        "workspace": workspace_id,
        "now": now,
        "real": real,
        "barred": list(barred),
        "most": limit,
    }
    return [_queued_message(row) for row in (await tx.execute(_HEADS, parameters)).mappings()]


def _queue(messages: FromClause) -> ColumnElement[str]:
    """Return the name of a message's queue: a conversation, or a key."""
    operation = messages.c.operation
    return case(
        (operation == Operation.POST, messages.c.conversation),
        (operation.in_((Operation.UPDATE, Operation.PUBLISH)), messages.c.key),
        else_=messages.c.target_key,
    )


def _is_due(messages: FromClause, now: Any) -> ColumnElement[bool]:
    target = _messages.alias("awaited")
    is_in_transit = and_(target.c.ts.is_(None), target.c.state.in_(OPEN))
    # A subquery by key: as a join, planners without statistics choose a worse index.
    awaited = select(is_in_transit).where(
        target.c.workspace_id == messages.c.workspace_id, target.c.key == messages.c.target_key
    )
    waits_for_target = func.coalesce(awaited.scalar_subquery(), false())
    return and_(is_open(messages), messages.c.not_before <= now, ~waits_for_target)


def _may_be_retried(real: Any) -> ColumnElement[bool]:
    return or_(_messages.c.retry_at.is_(None), _messages.c.retry_at <= real)


def _heads(queue: ColumnElement[str]) -> Select[Any]:
    rate_limit, target = rate_limit_of(_messages), _messages.alias("target")
    first_messages = (
        select(func.min(_messages.c.message_id).label("message_id"))
        .where(_IN_WORKSPACE, _is_due(_messages, bindparam("now")))
        .group_by(queue)
        .subquery()
    )
    return (
        select(
            *(column for column in _messages.c if column.name in _READ_COLUMNS),
            _messages.c.target_key,
            rate_limit.label("rate_limit"),
            _queue(_messages).label("queue"),
            target.c.state.label("target_state"),
            target.c.channel.label("target_channel"),
            target.c.ts.label("target_ts"),
            target.c.file_id.label("target_file_id"),
        )
        .join(first_messages, _messages.c.message_id == first_messages.c.message_id)
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
            _may_be_retried(bindparam("real")),
            rate_limit.not_in(bindparam("barred", expanding=True)),
        )
        .order_by(rate_limit == DIRECT, _messages.c.message_id)
        .limit(bindparam("most", type_=Integer))
    )


_READ_COLUMNS = {field.name for field in fields(QueuedMessage)} - {"payload"}
_IN_WORKSPACE = _messages.c.workspace_id == bindparam("workspace")
_HEADS = _heads(_queue(_messages))  # built once: it is run before every few calls


def _queued_message(row: Any) -> QueuedMessage:
    values = {name: row[name] for name in _READ_COLUMNS if name != "target"}
    values["key"] = MessageKey(values["key"])
    values["operation"] = Operation(values["operation"])
    values["state"] = State(values["state"])
    return QueuedMessage(**values, target=_target(row))


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
