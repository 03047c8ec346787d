"""Changes to queued messages when a conversation closes, reopens, moves or loses a message.

None of these calls Slack: a row is made available to delivery again, or kept from it.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import new_sortable_id
from bot.db import schema
from bot.db.upserts import ROWS_PER_STATEMENT, padded
from bot.outbox.enqueue import Operation, State
from bot.outbox.expiry_log import LOGGED_COLUMNS, record_expired
from bot.outbox.keys import MessageKey, derived, edit_of
from bot.outbox.queue_heads import OPEN
from bot.outbox.queued_message import SlackLocation
from bot.slack.content import Content

_messages = schema.messages


async def exists(tx: AsyncConnection, workspace_id: str, key: MessageKey) -> bool:
    """Return whether this message was ever enqueued."""
    message_id = await tx.scalar(select(_messages.c.message_id).where(_has_key(workspace_id, key)))
    return message_id is not None


async def has_failed(tx: AsyncConnection, workspace_id: str, key: MessageKey) -> bool:
    """Return whether Slack refused the message, so that it is nowhere in Slack."""
    state = await tx.scalar(select(_messages.c.state).where(_has_key(workspace_id, key)))
    return bool(state == State.FAILED)


async def failed_message(
    tx: AsyncConnection, workspace_id: str, message_id: str
) -> tuple[MessageKey, str] | None:
    """Return the key and the conversation of a message that Slack refused.

    Return None if its state has changed since.
    """
    rows = await tx.execute(
        select(_messages.c.key, _messages.c.conversation).where(
            _messages.c.workspace_id == workspace_id,
            _messages.c.message_id == message_id,
            _messages.c.state == State.FAILED,
        )
    )
    row = rows.first()
    return None if row is None else (MessageKey(row.key), row.conversation)


async def another_failed_alike(
    tx: AsyncConnection, workspace_id: str, *, other_than: str, operation: Operation, reason: str
) -> bool:
    """Return whether another message was refused in the same way before."""
    other = await tx.scalar(
        select(_messages.c.message_id)
        .where(
            _messages.c.workspace_id == workspace_id,
            _messages.c.state == State.FAILED,
            _messages.c.operation == operation,
            _messages.c.error == reason,
            _messages.c.message_id != other_than,
        )
        .limit(1)
    )
    return other is not None


async def may_be_delivered(tx: AsyncConnection, workspace_id: str, key: MessageKey) -> bool:
    """Return whether it is in Slack, or may be on its way there."""
    state = await tx.scalar(select(_messages.c.state).where(_has_key(workspace_id, key)))
    return state in (State.SENT, State.SENDING, State.UNKNOWN, State.HELD)


async def is_open(tx: AsyncConnection, workspace_id: str, key: MessageKey) -> bool:
    """Return whether it is still to be sent, or being sent."""
    state = await tx.scalar(select(_messages.c.state).where(_has_key(workspace_id, key)))
    return state in OPEN


async def location(tx: AsyncConnection, workspace_id: str, key: MessageKey) -> SlackLocation | None:
    """Return where the message is in Slack, and the file it shows; None: not known to be there."""
    rows = await tx.execute(
        select(_messages.c.channel, _messages.c.ts, _messages.c.file_id).where(
            _has_key(workspace_id, key), _messages.c.ts.is_not(None)
        )
    )
    row = rows.first()
    return (
        None if row is None else SlackLocation(channel=row.channel, ts=row.ts, file_id=row.file_id)
    )


async def readable_from(
    tx: AsyncConnection, workspace_id: str, keys: Iterable[MessageKey], now: datetime
) -> dict[MessageKey, datetime]:
    """Return from when messages could be read: `now` at the earliest if one is still to be sent."""
    rows = await tx.execute(
        select(
            _messages.c.key, _messages.c.state, _messages.c.not_before, _messages.c.sent_at
        ).where(_messages.c.workspace_id == workspace_id, _messages.c.key.in_(padded(keys)))
    )
    return {
        MessageKey(row.key): max(row.not_before, now)
        if row.state in OPEN
        else row.sent_at or row.not_before
        for row in rows
    }


async def reschedule_for_zone(
    tx: AsyncConnection,
    workspace_id: str,
    *,
    user_id: str,
    next_allowed_at: Callable[[datetime], datetime],
    now: datetime,
) -> None:
    """Move a person's waiting messages to hours that suit them in their current zone."""
    waiting = (
        (_messages.c.workspace_id == workspace_id)
        & (_messages.c.conversation == user_id)
        & (_messages.c.operation == Operation.POST)
        & (_messages.c.state == State.PENDING)
    )
    rows = await tx.execute(
        select(_messages.c.key, _messages.c.not_before).where(waiting, _messages.c.not_before > now)
    )
    for row in rows.all():
        await tx.execute(
            update(_messages)
            .where(waiting, _messages.c.key == row.key)
            .values(not_before=next_allowed_at(row.not_before))
        )


async def retry_failed(
    tx: AsyncConnection,
    workspace_id: str,
    *,
    conversation: str,
    reasons: Collection[str],
    now: datetime,
    operations: Collection[Operation] = tuple(Operation),
    kinds: Collection[str] | None = None,
) -> int:
    """Send what was refused in this conversation for one of these reasons, in its old order.

    All of it, including replies, follows what was reposted before. Messages that have expired
    meanwhile are not sent. `kinds` are first words of keys; None: any kind. Return the number of
    messages.
    """
    refused_keys = await tx.scalars(
        select(_messages.c.key)
        .where(
            _messages.c.workspace_id == workspace_id,
            _messages.c.conversation == conversation,
            _messages.c.state == State.FAILED,
            _messages.c.error.in_(reasons),
            _messages.c.operation.in_(operations),
        )
        .order_by(_messages.c.message_id)
    )
    keys = [key for key in refused_keys if kinds is None or MessageKey(key).kind in kinds]
    for key in keys:
        await tx.execute(
            update(_messages)
            .where(_has_key(workspace_id, MessageKey(key)))
            .values(
                message_id=new_sortable_id(),
                state=State.PENDING,
                attempts=0,
                retry_at=None,
                error=None,
                not_before=now,
            )
        )
    return len(keys)


async def mark_deleted(
    tx: AsyncConnection, workspace_id: str, *, key: MessageKey, reason: str
) -> bool:
    """Mark the message as deleted in Slack: it cannot be edited, pinned or replied to any more.

    Return whether it was thought to be there.
    """
    result = await tx.execute(
        update(_messages)
        .where(_has_key(workspace_id, key), _messages.c.ts.is_not(None))
        .values(state=State.EXPIRED, channel=None, ts=None, error=reason)
        .returning(*LOGGED_COLUMNS)
    )
    deleted = result.all()
    for message in deleted:
        record_expired(message, reason)
    return bool(deleted)


async def repost(
    tx: AsyncConnection, workspace_id: str, *, key: MessageKey, content: Content, now: datetime
) -> None:
    """Post as a new message what is not in Slack: it was refused, or deleted there."""
    await _reset(tx, workspace_id, key, content.payload, Operation.POST, now)
    await remove(tx, workspace_id, key=edit_of(key))


async def repin(
    tx: AsyncConnection,
    workspace_id: str,
    operation: Operation,
    *,
    of: MessageKey,
    payload: dict[str, Any],
    now: datetime,
) -> None:
    """Pin or bookmark the new message as the old one was."""
    await _reset(tx, workspace_id, derived(operation, of), payload, operation, now)


async def remove(tx: AsyncConnection, workspace_id: str, *, key: MessageKey) -> None:
    """Delete the message's row, so that it can be enqueued again."""
    await _delete_settled(tx, _has_key(workspace_id, key))


async def remove_edits(tx: AsyncConnection, workspace_id: str, *, of: Sequence[MessageKey]) -> None:
    """Delete the edits of these messages, and their revisions."""
    for start in range(0, len(of), ROWS_PER_STATEMENT):
        edits = padded(edit_of(key) for key in of[start : start + ROWS_PER_STATEMENT])
        await _delete_settled(
            tx, (_messages.c.workspace_id == workspace_id) & _messages.c.key.in_(edits)
        )


async def _delete_settled(tx: AsyncConnection, condition: Any) -> None:
    settled = _messages.c.state.not_in((State.SENDING, State.UNKNOWN))
    await tx.execute(delete(_messages).where(condition, settled))


async def change_conversation(
    tx: AsyncConnection, workspace_id: str, *, conversation: str, to: str
) -> None:
    """Give messages the conversation's new id, as Slack changed it."""
    for column in (_messages.c.conversation, _messages.c.channel):
        await tx.execute(
            update(_messages)
            .where(_messages.c.workspace_id == workspace_id, column == conversation)
            .values({column: to})
        )


async def _reset(
    tx: AsyncConnection,
    workspace_id: str,
    key: MessageKey,
    payload: dict[str, Any],
    operation: Operation,
    now: datetime,
) -> None:
    """Reset a message to be sent anew, unless it is open: it may be in Slack."""
    await tx.execute(
        update(_messages)
        .where(
            _has_key(workspace_id, key),
            _messages.c.operation == operation,
            _messages.c.state.not_in(OPEN),
        )
        .values(
            payload=payload,
            state=State.PENDING,
            message_id=new_sortable_id(),
            revision=_messages.c.revision + 1,
            not_before=now,
            created_at=now,
            attempts=0,
            first_try_at=None,
            retry_at=None,
            error=None,
            channel=None,
            ts=None,
            sent_at=None,
        )
    )


def _has_key(workspace_id: str, key: MessageKey) -> Any:
    return (_messages.c.workspace_id == workspace_id) & (_messages.c.key == key)
