"""Messages that did not arrive, for operators and admins, and their decisions about them.

Nothing here calls Slack, and nothing shows a text.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, Select, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db import schema
from bot.metrics import deliveries
from bot.outbox.enqueue import Operation, State
from bot.outbox.keys import MessageKey
from bot.outbox.queue_heads import literal_states
from bot.outbox.queued_message import SlackLocation
from bot.outbox.transitions import confirm

_messages = schema.messages
_lanes = schema.sender_leases
#: Said again by who decides so. Any other state has a way of its own.
STUCK = (State.HELD, State.FAILED)
#: Given up by who decides so; a call under way cannot be taken back.
DROPPABLE = (State.PENDING, State.UNKNOWN, *STUCK)
#: May be in Slack, so it may be found there.
IN_DOUBT = (State.HELD, State.UNKNOWN)
#: Nobody need decide about these.
OVER = (State.SENT, State.EXPIRED)
DROPPED = "dropped by a person"


@dataclass(frozen=True, kw_only=True)
class ListedMessage:
    """One message as who decides about it sees it."""

    workspace_id: str
    message_id: str
    key: MessageKey = field(repr=False)  # may name people: for our own use, never shown
    operation: Operation
    state: State
    conversation: str  # a channel's id, or a person's
    decided_at: datetime
    not_before: datetime
    expires_at: datetime | None
    first_try_at: datetime | None
    attempts: int
    reason: str | None  # Slack's word for it, or ours

    @property
    def kind(self) -> str:
        """The first word of its key, such as "ask"; of an edit or pin, that of its message."""
        return self.key.kind

    @property
    def to_person(self) -> bool:
        return self.conversation.startswith(("U", "W"))

    def is_too_late(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now


async def list_messages(
    reader: AsyncConnection,
    states: Collection[State],
    *,
    limit: int,
    workspace_id: str | None = None,
) -> tuple[ListedMessage, ...]:
    """Messages in these states, of every workspace where none is named.

    Those decided first in front, of what is over those decided last.
    """
    by = _messages.c.message_id
    order = by.desc() if set(states) <= set(OVER) else by
    wanted = _some(states, workspace_id).order_by(order).limit(limit)
    return tuple(_listed(row) for row in (await reader.execute(wanted)).mappings())


async def count(
    reader: AsyncConnection, states: Collection[State], workspace_id: str | None = None
) -> int:
    """How many messages are in these states."""
    some = _some(states, workspace_id).subquery()
    return await reader.scalar(select(func.count()).select_from(some)) or 0


async def find_message(
    tx: AsyncConnection, message_ids: Collection[str]
) -> Mapping[str, ListedMessage]:
    """These messages, in whatever workspace and state they are; unknown ids are left out."""
    rows = await tx.execute(select(_messages).where(_messages.c.message_id.in_(message_ids)))
    return {row["message_id"]: _listed(row) for row in rows.mappings()}


async def one(tx: AsyncConnection, workspace_id: str, message_id: str) -> ListedMessage | None:
    """This message, if the workspace has it."""
    rows = await tx.execute(select(_messages).where(_this(workspace_id, message_id)))
    row = rows.mappings().first()
    return None if row is None else _listed(row)


@dataclass(frozen=True, kw_only=True)
class Unconfirmed:
    """A message that may be in Slack, and is not known to be."""

    key: MessageKey
    conversation: str
    state: State


async def unconfirmed(
    tx: AsyncConnection, workspace_id: str, message_id: str
) -> Unconfirmed | None:
    """This message, unless it is known to be in Slack already, or not to be sent."""
    rows = await tx.execute(
        select(_messages.c.key, _messages.c.conversation, _messages.c.state).where(
            _this(workspace_id, message_id),
            _messages.c.state.not_in((State.SENT, State.FAILED, State.EXPIRED)),
        )
    )
    row = rows.first()
    if row is None:
        return None
    key, state = MessageKey(row.key), State(row.state)
    return Unconfirmed(key=key, conversation=row.conversation, state=state)


async def halted_because(reader: AsyncConnection, workspace_id: str) -> str | None:
    """Why nothing is sent for this workspace; None: it is."""
    halted: str | None = await reader.scalar(
        select(_lanes.c.halted).where(_lanes.c.workspace_id == workspace_id)
    )
    return halted


async def post_again(tx: AsyncConnection, workspace_id: str, message_id: str) -> bool:
    """Send once more what is held or failed; one that did arrive is then seen twice.

    It keeps its place in the order and the time it was for, so a late direct message waits for
    its reader's day. Returns whether it was still held or failed.
    """
    done = await tx.execute(
        update(_messages)
        .where(_this(workspace_id, message_id), _messages.c.state.in_(STUCK))
        .values(
            state=State.PENDING,
            attempts=0,
            lookup_attempts=0,
            fence=_messages.c.fence + 1,
            retry_at=None,
            error=None,
        )
    )
    return bool(done.rowcount)


async def is_there(
    tx: AsyncConnection, workspace_id: str, message_id: str, place: SlackLocation, now: datetime
) -> bool:
    """Somebody saw it in Slack, at this place: it is sent, and can be edited and pinned again.

    Returns whether that was still in doubt.
    """
    seen = await one(tx, workspace_id, message_id)
    if seen is None or seen.state not in IN_DOUBT:
        return False
    return await confirm(tx, workspace_id, message_id, place, now)


async def drop(tx: AsyncConnection, workspace_id: str, message_id: str) -> bool:
    """Never say it, and look for it no more. Returns whether it could still be dropped.

    It is counted here and not logged: each decision has its line in the audit.
    """
    done = await tx.execute(
        update(_messages)
        .where(_this(workspace_id, message_id), _messages.c.state.in_(DROPPABLE))
        .values(state=State.EXPIRED, payload=None, picture=None, retry_at=None, error=DROPPED)
        .returning(_messages.c.operation)
    )
    operation = done.scalar()
    if operation is not None:
        deliveries.labels(operation, State.EXPIRED).inc()
    return operation is not None


def _this(workspace_id: str, message_id: str) -> Any:
    return (_messages.c.workspace_id == workspace_id) & (_messages.c.message_id == message_id)


def _some(states: Collection[State], workspace_id: str | None) -> Select[Any]:
    some = select(_messages).where(_messages.c.state.in_(literal_states(states)))
    if set(states) <= set(STUCK):  # in the words of the index on them, so that it is used
        some = some.where(_messages.c.state.in_(literal_states(STUCK)))
    return some if workspace_id is None else some.where(_messages.c.workspace_id == workspace_id)


def _listed(row: RowMapping) -> ListedMessage:
    return ListedMessage(
        workspace_id=row["workspace_id"],
        message_id=row["message_id"],
        key=MessageKey(row["key"]),
        operation=Operation(row["operation"]),
        state=State(row["state"]),
        conversation=row["conversation"],
        decided_at=row["created_at"],
        not_before=row["not_before"],
        expires_at=row["expires_at"],
        first_try_at=row["first_try_at"],
        attempts=row["attempts"],
        reason=row["error"],
    )
