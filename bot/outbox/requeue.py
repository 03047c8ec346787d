"""Changes to queued messages when a conversation closes, opens again, moves or loses a message.

None of these calls Slack: a row goes back to where delivery finds it, or is kept from it.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import new_sortable_id
from bot.db import schema
from bot.db.upserts import AT_ONCE, padded
from bot.outbox.enqueue import Operation, State
from bot.outbox.expiry_log import NAMES, note_expired
from bot.outbox.keys import MessageKey, derived, edit_of
from bot.outbox.queue_heads import OPEN
from bot.slack.content import Content

_messages = schema.messages


async def exists(tx: AsyncConnection, workspace_id: str, key: MessageKey) -> bool:
    """Whether this was ever decided to be said."""
    found = await tx.scalar(select(_messages.c.message_id).where(_this(workspace_id, key)))
    return found is not None


async def was_refused(tx: AsyncConnection, workspace_id: str, key: MessageKey) -> bool:
    """Whether Slack would not take it, so that it stands nowhere."""
    state = await tx.scalar(select(_messages.c.state).where(_this(workspace_id, key)))
    return bool(state == State.FAILED)


async def refused(
    tx: AsyncConnection, workspace_id: str, message_id: str
) -> tuple[MessageKey, str] | None:
    """The key and the conversation of a message that Slack would not take.

    None where it was changed since.
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


async def others_refused(
    tx: AsyncConnection, workspace_id: str, *, but: str, operation: Operation, reason: str
) -> bool:
    """Whether another message than this one was refused in the same way before."""
    found = await tx.scalar(
        select(_messages.c.message_id)
        .where(
            _messages.c.workspace_id == workspace_id,
            _messages.c.state == State.FAILED,
            _messages.c.operation == operation,
            _messages.c.error == reason,
            _messages.c.message_id != but,
        )
        .limit(1)
    )
    return found is not None


async def is_delivered(tx: AsyncConnection, workspace_id: str, key: MessageKey) -> bool:
    """Whether it is in Slack, or may be on its way there."""
    state = await tx.scalar(select(_messages.c.state).where(_this(workspace_id, key)))
    return state in (State.SENT, State.SENDING, State.UNKNOWN, State.HELD)


async def is_waiting(tx: AsyncConnection, workspace_id: str, key: MessageKey) -> bool:
    """Whether it is still to be sent, or being sent."""
    state = await tx.scalar(select(_messages.c.state).where(_this(workspace_id, key)))
    return state in OPEN


async def readable_from(
    tx: AsyncConnection, workspace_id: str, keys: Iterable[MessageKey], now: datetime
) -> dict[MessageKey, datetime]:
    """From when messages could be read: `now` at the earliest where one is still on its way."""
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
    """Let what waits to be said to somebody wait for an hour that suits them where they are now."""
    waits = (
        (_messages.c.workspace_id == workspace_id)
        & (_messages.c.conversation == user_id)
        & (_messages.c.operation == Operation.POST)
        & (_messages.c.state == State.PENDING)
    )
    rows = await tx.execute(
        select(_messages.c.key, _messages.c.not_before).where(waits, _messages.c.not_before > now)
    )
    for row in rows.all():
        await tx.execute(
            update(_messages)
            .where(waits, _messages.c.key == row.key)
            .values(not_before=next_allowed_at(row.not_before))
        )


async def retry(
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

    All of it comes after what was posted anew before: also what replies to that. What has expired
    meanwhile stays unsaid. `kinds` are first words of keys; None: whatever it is. Returns how many
    messages it is.
    """
    refused = await tx.scalars(
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
    keys = [key for key in refused if kinds is None or MessageKey(key).kind in kinds]
    for key in keys:
        await tx.execute(
            update(_messages)
            .where(_this(workspace_id, MessageKey(key)))
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
    """The message was deleted in Slack: nothing can be edited, pinned or replied to any more.

    Returns whether it was thought to be there.
    """
    done = await tx.execute(
        update(_messages)
        .where(_this(workspace_id, key), _messages.c.ts.is_not(None))
        .values(state=State.EXPIRED, channel=None, ts=None, error=reason)
        .returning(*NAMES)
    )
    found = done.all()
    for message in found:
        note_expired(message, reason)
    return bool(found)


async def repost(
    tx: AsyncConnection, workspace_id: str, *, key: MessageKey, content: Content, now: datetime
) -> None:
    """Say once more, as a new message, what is not in Slack: it was refused, or deleted there."""
    await _renew(
        tx, workspace_id, key, {"text": content.text, "blocks": content.blocks}, Operation.POST, now
    )
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
    await _renew(tx, workspace_id, derived(operation, of), payload, operation, now)


async def remove(tx: AsyncConnection, workspace_id: str, *, key: MessageKey) -> None:
    """Forget that this was ever decided, so that it can be decided again."""
    await _drop(tx, _this(workspace_id, key))


async def remove_edits(tx: AsyncConnection, workspace_id: str, *, of: Sequence[MessageKey]) -> None:
    """Forget that these messages were ever edited, and how often."""
    for start in range(0, len(of), AT_ONCE):
        edits = padded(edit_of(key) for key in of[start : start + AT_ONCE])
        await _drop(tx, (_messages.c.workspace_id == workspace_id) & _messages.c.key.in_(edits))


async def _drop(tx: AsyncConnection, these: Any) -> None:
    settled = _messages.c.state.not_in((State.SENDING, State.UNKNOWN))
    await tx.execute(delete(_messages).where(these, settled))


async def change_conversation(
    tx: AsyncConnection, workspace_id: str, *, conversation: str, to: str
) -> None:
    """Slack gave the conversation another id: what was said there is found under it."""
    for column in (_messages.c.conversation, _messages.c.channel):
        await tx.execute(
            update(_messages)
            .where(_messages.c.workspace_id == workspace_id, column == conversation)
            .values({column: to})
        )


async def _renew(
    tx: AsyncConnection,
    workspace_id: str,
    key: MessageKey,
    payload: dict[str, Any],
    operation: Operation,
    now: datetime,
) -> None:
    """What is on its way is left alone: it may be in Slack."""
    await tx.execute(
        update(_messages)
        .where(
            _this(workspace_id, key),
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


def _this(workspace_id: str, key: MessageKey) -> Any:
    return (_messages.c.workspace_id == workspace_id) & (_messages.c.key == key)
