"""Undelivered messages, and the decisions of operators and admins about them.

Nothing here calls Slack, and nothing shows a message's text.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, Select, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db import schema
from bot.db.tenancy import across_workspaces
from bot.metrics import deliveries
from bot.outbox.enqueue import Operation, State
from bot.outbox.keys import MessageKey
from bot.outbox.queue_heads import literal_states
from bot.outbox.queued_message import SlackLocation
from bot.outbox.transitions import confirm
from bot.slack.ids import is_person

_messages = schema.messages
_leases = schema.sender_leases
OPERATOR_LISTS = "an operator lists the messages of one workspace, or of all"
#: States of messages that an admin may have sent again. Other states resolve themselves.
STUCK = (State.HELD, State.FAILED)
#: States of messages that an admin may drop; a call under way cannot be taken back.
DROPPABLE = (State.PENDING, State.UNKNOWN, *STUCK)
#: States of messages that may be in Slack, and so may be found there.
IN_DOUBT = (State.HELD, State.UNKNOWN)
#: States that need no decision.
SETTLED = (State.SENT, State.EXPIRED)
DROPPED = "dropped by a person"


@dataclass(frozen=True, kw_only=True)
class ListedMessage:
    """One message as an admin sees it."""

    workspace_id: str
    message_id: str
    key: MessageKey = field(repr=False)  # may name people: for internal use, never shown
    operation: Operation
    state: State
    conversation: str  # a channel's id, or a person's
    enqueued_at: datetime
    not_before: datetime
    expires_at: datetime | None
    first_try_at: datetime | None
    attempts: int
    reason: str | None  # Slack's name for the error, or ours

    @property
    def kind(self) -> str:
        """Return the first word of its key, such as "ask"; of an edit or pin, its message's."""
        return self.key.kind

    @property
    def to_person(self) -> bool:
        return is_person(self.conversation)

    def is_too_late(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now


async def list_messages(
    reader: AsyncConnection,
    states: Collection[State],
    *,
    limit: int,
    workspace_id: str | None = None,
) -> tuple[ListedMessage, ...]:
    """Return messages in these states, of all workspaces if none is named.

    The oldest come first; of sent and expired messages, the newest.
    """
    message_id = _messages.c.message_id
    order = message_id.desc() if set(states) <= set(SETTLED) else message_id
    query = _select_messages(states, workspace_id).order_by(order).limit(limit)
    query = across_workspaces(query, OPERATOR_LISTS)
    return tuple(_listed_message(row) for row in (await reader.execute(query)).mappings())


async def count(
    reader: AsyncConnection, states: Collection[State], workspace_id: str | None = None
) -> int:
    """Return the number of messages in these states."""
    messages = _select_messages(states, workspace_id).subquery()
    number = across_workspaces(select(func.count()).select_from(messages), OPERATOR_LISTS)
    return await reader.scalar(number) or 0


async def find_messages(
    tx: AsyncConnection, message_ids: Collection[str]
) -> Mapping[str, ListedMessage]:
    """Return these messages, whatever their workspace and state; unknown ids are left out."""
    named = select(_messages).where(_messages.c.message_id.in_(message_ids))
    rows = await tx.execute(across_workspaces(named, "an operator names messages by id alone"))
    return {row["message_id"]: _listed_message(row) for row in rows.mappings()}


async def get_message(
    tx: AsyncConnection, workspace_id: str, message_id: str
) -> ListedMessage | None:
    """Return this message, if the workspace has it."""
    rows = await tx.execute(select(_messages).where(_is_message(workspace_id, message_id)))
    row = rows.mappings().first()
    return None if row is None else _listed_message(row)


@dataclass(frozen=True, kw_only=True)
class Unconfirmed:
    """A message that may be in Slack, but is not known to be."""

    key: MessageKey
    conversation: str
    state: State


async def unconfirmed(
    tx: AsyncConnection, workspace_id: str, message_id: str
) -> Unconfirmed | None:
    """Return this message, unless it is known to be in Slack, or not to be sent any more."""
    rows = await tx.execute(
        select(_messages.c.key, _messages.c.conversation, _messages.c.state).where(
            _is_message(workspace_id, message_id),
            _messages.c.state.not_in((State.SENT, State.FAILED, State.EXPIRED)),
        )
    )
    row = rows.first()
    if row is None:
        return None
    key, state = MessageKey(row.key), State(row.state)
    return Unconfirmed(key=key, conversation=row.conversation, state=state)


async def halt_reason(reader: AsyncConnection, workspace_id: str) -> str | None:
    """Return why nothing is sent for this workspace, or None if it is not halted."""
    halted: str | None = await reader.scalar(
        select(_leases.c.halted).where(_leases.c.workspace_id == workspace_id)
    )
    return halted


async def post_again(tx: AsyncConnection, workspace_id: str, message_id: str) -> bool:
    """Send a held or failed message again; if it had arrived after all, it is then seen twice.

    It keeps its place in the queue and the time it was for, so a late direct message waits for its
    reader's hours. Return whether it was still held or failed.
    """
    result = await tx.execute(
        update(_messages)
        .where(_is_message(workspace_id, message_id), _messages.c.state.in_(STUCK))
        .values(
            state=State.PENDING,
            attempts=0,
            lookup_attempts=0,
            fence=_messages.c.fence + 1,
            retry_at=None,
            error=None,
        )
    )
    return bool(result.rowcount)


async def mark_seen_in_slack(
    tx: AsyncConnection, workspace_id: str, message_id: str, place: SlackLocation, now: datetime
) -> bool:
    """Mark a message as sent, since somebody saw it in Slack; it can be edited and pinned again.

    Return whether that was still in doubt.
    """
    message = await get_message(tx, workspace_id, message_id)
    if message is None or message.state not in IN_DOUBT:
        return False
    return await confirm(tx, workspace_id, message_id, place, now)


async def drop(tx: AsyncConnection, workspace_id: str, message_id: str) -> bool:
    """Give up a message and stop looking for it. Return whether it could still be dropped.

    The drop is counted here and not logged: each decision is recorded in the audit.
    """
    result = await tx.execute(
        update(_messages)
        .where(_is_message(workspace_id, message_id), _messages.c.state.in_(DROPPABLE))
        .values(state=State.EXPIRED, payload=None, picture=None, retry_at=None, error=DROPPED)
        .returning(_messages.c.operation)
    )
    operation = result.scalar()
    if operation is not None:
        deliveries.labels(operation, State.EXPIRED).inc()
    return operation is not None


def _is_message(workspace_id: str, message_id: str) -> Any:
    return (_messages.c.workspace_id == workspace_id) & (_messages.c.message_id == message_id)


def _select_messages(states: Collection[State], workspace_id: str | None) -> Select[Any]:
    query = select(_messages).where(_messages.c.state.in_(literal_states(states)))
    if set(states) <= set(STUCK):  # repeated as in the index, so that it is used
        query = query.where(_messages.c.state.in_(literal_states(STUCK)))
    return query if workspace_id is None else query.where(_messages.c.workspace_id == workspace_id)


def _listed_message(row: RowMapping) -> ListedMessage:
    return ListedMessage(
        workspace_id=row["workspace_id"],
        message_id=row["message_id"],
        key=MessageKey(row["key"]),
        operation=Operation(row["operation"]),
        state=State(row["state"]),
        conversation=row["conversation"],
        enqueued_at=row["created_at"],
        not_before=row["not_before"],
        expires_at=row["expires_at"],
        first_try_at=row["first_try_at"],
        attempts=row["attempts"],
        reason=row["error"],
    )
