"""Saying something: a row in the caller's transaction, under a key that names it once.

A key is the natural name of one message (`keys.MessageKey`). Saying it again changes
nothing; editing it changes what is shown, and the latest edit wins.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import new_sortable_id
from bot.db import schema
from bot.db.upserts import Row, insert_if_new, padded, put_all_if_new
from bot.outbox.expiry_log import NAMES, note_expired
from bot.outbox.keys import MessageKey, bookmark_of, derived, edit_of, home
from bot.slack.content import Blocks, Content

_messages = schema.messages
CANCELLED = "no longer needed"


class Operation(StrEnum):
    """What is done in Slack."""

    POST = "post"
    UPDATE = "update"
    PIN = "pin"
    UNPIN = "unpin"
    BOOKMARK = "bookmark"
    UNBOOKMARK = "unbookmark"
    PUBLISH = "publish"


class State(StrEnum):
    """Where a message is on its way."""

    PENDING = "pending"  # to be sent when it is due
    SENDING = "sending"  # a call may be under way
    SENT = "sent"  # known to be in Slack
    UNKNOWN = "unknown"  # may be in Slack; to be proven before it is sent again
    HELD = "held"  # no proof can be had: an admin decides
    FAILED = "failed"  # Slack will never take it
    EXPIRED = "expired"  # it no longer made sense


async def say(
    tx: AsyncConnection,
    workspace_id: str,
    *,
    key: MessageKey,
    to: str,
    content: Content,
    now: datetime,
    thread_of: MessageKey | None = None,
    expires_at: datetime | None = None,
) -> None:
    """Post a message to a channel, or to a person as a direct message.

    `thread_of` is the key of the message to reply to. After `expires_at` it is not sent any more.
    """
    post = _post(key, to, content)
    await _put(tx, workspace_id, now=now, **post, target_key=thread_of, expires_at=expires_at)


async def say_all(
    tx: AsyncConnection,
    workspace_id: str,
    posts: Iterable[tuple[MessageKey, str, Content]],
    *,
    now: datetime,
    expires_at: datetime | None = None,
) -> None:
    """Post many messages, each under its key, to its conversation; in this order."""
    rows = [{**_row(workspace_id, now), **_post(*post), "expires_at": expires_at} for post in posts]
    if rows:
        await _need_lane(tx, workspace_id)
        await put_all_if_new(tx, _messages, rows)


async def edit(
    tx: AsyncConnection, workspace_id: str, *, of: MessageKey, content: Content, now: datetime
) -> None:
    """Change what a message shows, once it is in Slack; an edit still waiting is replaced.

    One that is to be sent later than `now` is then sent as it reads now, with its own picture.
    """
    payload = {"text": content.text, "blocks": content.blocks}
    if await _rewritten(tx, workspace_id, of, payload, now):
        return
    to = await _conversation_of(tx, workspace_id, of)
    if to is None:
        return
    await _replace(tx, workspace_id, edit_of(of), Operation.UPDATE, to, payload, now, of)


async def publish(
    tx: AsyncConnection, workspace_id: str, *, user_id: str, view: dict[str, Any], now: datetime
) -> None:
    """Show a person's App Home; a view still waiting is replaced."""
    await _replace(tx, workspace_id, home(user_id), Operation.PUBLISH, user_id, view, now)


async def pin(tx: AsyncConnection, workspace_id: str, *, of: MessageKey, now: datetime) -> None:
    await _beside(tx, workspace_id, Operation.PIN, of, {}, now)


async def unpin(tx: AsyncConnection, workspace_id: str, *, of: MessageKey, now: datetime) -> None:
    await _beside(tx, workspace_id, Operation.UNPIN, of, {}, now)


async def bookmark(
    tx: AsyncConnection, workspace_id: str, *, of: MessageKey, title: str, emoji: str, now: datetime
) -> None:
    """Add a link to the message to its channel's bookmarks."""
    payload = {"title": title, "emoji": emoji}
    await _beside(tx, workspace_id, Operation.BOOKMARK, of, payload, now)


async def unbookmark(
    tx: AsyncConnection, workspace_id: str, *, of: MessageKey, now: datetime
) -> None:
    await _beside(tx, workspace_id, Operation.UNBOOKMARK, bookmark_of(of), {}, now)


async def cancel(tx: AsyncConnection, workspace_id: str, *, keys: Collection[MessageKey]) -> None:
    """Do not send these any more. One that may be in Slack is looked up, and not sent again."""
    this = (_messages.c.workspace_id == workspace_id) & _messages.c.key.in_(padded(keys))
    cancelled = await tx.execute(
        update(_messages)
        .where(this, _messages.c.state == State.PENDING)
        .values(state=State.EXPIRED, payload=None, picture=None, error=CANCELLED)
        .returning(*NAMES)
    )
    for message in cancelled:
        note_expired(message, CANCELLED)
    await tx.execute(
        update(_messages)
        .where(this, _messages.c.state.in_((State.SENDING, State.UNKNOWN)))
        .values(expires_at=_messages.c.created_at)
    )


async def place_of(
    tx: AsyncConnection, workspace_id: str, key: MessageKey
) -> tuple[str, str] | None:
    """Channel and ts of a message that is in Slack; None where it is not known to be."""
    row = (
        await tx.execute(
            select(_messages.c.channel, _messages.c.ts).where(
                _messages.c.workspace_id == workspace_id,
                _messages.c.key == key,
                _messages.c.ts.is_not(None),
            )
        )
    ).first()
    return None if row is None else (row.channel, row.ts)


async def key_at(
    tx: AsyncConnection, workspace_id: str, *, channel: str, ts: str
) -> MessageKey | None:
    """The key of our message at this place in Slack: which message was pressed in."""
    key: str | None = await tx.scalar(
        select(_messages.c.key).where(
            _messages.c.workspace_id == workspace_id,
            _messages.c.channel == channel,
            _messages.c.ts == ts,
            _messages.c.operation == Operation.POST,
        )
    )
    return None if key is None else MessageKey(key)


async def _conversation_of(tx: AsyncConnection, workspace_id: str, key: MessageKey) -> str | None:
    mine = (_messages.c.workspace_id == workspace_id) & (_messages.c.key == key)
    to: str | None = await tx.scalar(select(_messages.c.conversation).where(mine))
    return to


async def _rewritten(
    tx: AsyncConnection, workspace_id: str, key: MessageKey, payload: dict[str, Any], now: datetime
) -> bool:
    done = await tx.execute(
        update(_messages)
        .where(
            _messages.c.workspace_id == workspace_id,
            _messages.c.key == key,
            _messages.c.operation == Operation.POST,
            _messages.c.state == State.PENDING,
            _messages.c.not_before > now,
            _messages.c.first_try_at.is_(None),  # else it may be in Slack as it was
        )
        .values(payload=payload, revision=_messages.c.revision + 1)
    )
    return bool(done.rowcount)


async def _beside(
    tx: AsyncConnection,
    workspace_id: str,
    operation: Operation,
    of: MessageKey,
    payload: dict[str, Any],
    now: datetime,
) -> None:
    to = await _conversation_of(tx, workspace_id, of)
    if to is None:
        return
    await _put(
        tx,
        workspace_id,
        key=derived(operation, of),
        operation=operation,
        conversation=to,
        target_key=of,
        payload=payload,
        now=now,
    )


async def _put(tx: AsyncConnection, workspace_id: str, *, now: datetime, **values: Any) -> bool:
    await _need_lane(tx, workspace_id)
    return await insert_if_new(tx, _messages, **_row(workspace_id, now), **values)


async def _need_lane(tx: AsyncConnection, workspace_id: str) -> None:
    # Looked for first: an insert would wait for the lane's sender to commit its turn.
    lanes = schema.sender_leases
    here = select(lanes.c.workspace_id).where(lanes.c.workspace_id == workspace_id)
    if await tx.scalar(here) is None:
        await insert_if_new(tx, lanes, workspace_id=workspace_id)


def _row(workspace_id: str, now: datetime) -> Row:
    """What every new message begins with."""
    return {
        "workspace_id": workspace_id,
        "message_id": new_sortable_id(),
        "state": State.PENDING,
        "not_before": now,
        "created_at": now,
    }


def _post(key: MessageKey, to: str, content: Content) -> Row:
    picture = content.picture
    return {
        "key": key,
        "operation": Operation.POST,
        "conversation": to,
        "payload": {"text": content.text, "blocks": content.blocks},
        "picture": None
        if picture is None
        else {"facts": picture.facts, "alt_text": picture.alt_text, "title": picture.title},
    }


async def _replace(
    tx: AsyncConnection,
    workspace_id: str,
    key: MessageKey,
    operation: Operation,
    conversation: str,
    payload: Blocks | dict[str, Any],
    now: datetime,
    target_key: MessageKey | None = None,
) -> None:
    fresh = await _put(
        tx,
        workspace_id,
        key=key,
        operation=operation,
        conversation=conversation,
        target_key=target_key,
        payload=payload,
        now=now,
    )
    if fresh:
        return
    # A call under way finds at its end that the revision moved on, and the row is sent again.
    mine = (_messages.c.workspace_id == workspace_id) & (_messages.c.key == key)
    await tx.execute(
        update(_messages)
        .where(mine)
        .values(payload=payload, revision=_messages.c.revision + 1, not_before=now)
    )
    await tx.execute(
        update(_messages)
        .where(mine, _messages.c.state != State.SENDING)
        .values(
            state=State.PENDING,
            message_id=new_sortable_id(),
            created_at=now,
            attempts=0,
            first_try_at=None,
            retry_at=None,
            error=None,
        )
    )
