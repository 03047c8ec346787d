"""Enqueueing: a message is a row in the caller's transaction, with a key that makes it unique.

A key is the natural name of one message (`keys.MessageKey`). Enqueueing it again changes nothing;
editing it changes what is shown, and the latest edit wins.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, case, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import new_sortable_id
from bot.db import schema
from bot.db.upserts import (
    Row,
    insert_all_if_new,
    insert_from,
    insert_if_new,
    insert_or_change,
    insert_or_change_all,
    padded,
)
from bot.outbox.expiry_log import LOGGED_COLUMNS, record_expired
from bot.outbox.keys import MessageKey, bookmark_of, derived, edit_of, home
from bot.outbox.sealed_content import SealedContent
from bot.slack.content import Content

_messages = schema.messages
_KEY = ("workspace_id", "key")
CANCELLED = "no longer needed"


class Operation(StrEnum):
    """The operations on Slack."""

    POST = "post"
    UPDATE = "update"
    PIN = "pin"
    UNPIN = "unpin"
    BOOKMARK = "bookmark"
    UNBOOKMARK = "unbookmark"
    PUBLISH = "publish"


class State(StrEnum):
    """The states of delivery of a message."""

    PENDING = "pending"  # to be sent when due
    SENDING = "sending"  # a call may be under way
    SENT = "sent"  # known to be in Slack
    UNKNOWN = "unknown"  # may be in Slack; to be looked up before it is sent again
    HELD = "held"  # cannot be looked up: an admin decides
    FAILED = "failed"  # Slack will never accept it
    EXPIRED = "expired"  # no longer worth sending


async def post(
    tx: AsyncConnection,
    workspace_id: str,
    *,
    key: MessageKey,
    to: str,
    content: Content | SealedContent,
    now: datetime,
    thread_of: MessageKey | None = None,
    expires_at: datetime | None = None,
) -> None:
    """Enqueue a message to a channel, or to a person as a direct message.

    `thread_of` is the key of the message to reply to. After `expires_at` it is not sent any more.
    """
    row = {**_row(workspace_id, now), **_post(key, to, content)}
    await insert_if_new(tx, _messages, **row, target_key=thread_of, expires_at=expires_at)


async def post_all(
    tx: AsyncConnection,
    workspace_id: str,
    posts: Iterable[tuple[MessageKey, str, Content]],
    *,
    now: datetime,
    expires_at: datetime | None = None,
) -> None:
    """Enqueue many messages in this order, each with its key, conversation and content."""
    rows = [{**_row(workspace_id, now), **_post(*post), "expires_at": expires_at} for post in posts]
    await insert_all_if_new(tx, _messages, rows)


async def edit(
    tx: AsyncConnection,
    workspace_id: str,
    *,
    of: MessageKey,
    content: Content | SealedContent,
    now: datetime,
) -> None:
    """Change what a message shows, once it is in Slack; an edit still waiting is replaced.

    A message that is itself to be sent later than `now` is rewritten instead; it keeps its picture.
    """
    payload = content.payload
    if await _rewrite_pending(tx, workspace_id, of, payload, now):
        return
    row = _operation(workspace_id, Operation.UPDATE, of, payload, now)
    changes = {"payload": payload, **_replacement(now)}
    await insert_from(tx, _messages, [(row, _conversation(workspace_id, of))], changes, _KEY)


@dataclass(frozen=True, kw_only=True)
class SentMessageEdit:
    """The new content of a message that was enqueued in this conversation and is in Slack."""

    workspace_id: str
    of: MessageKey
    conversation: str
    content: Content


async def edit_sent(
    tx: AsyncConnection, edits: Iterable[SentMessageEdit], *, now: datetime, not_before: datetime
) -> None:
    """Change what many messages show, in one statement; an edit still waiting is replaced.

    The change is made at `not_before`; by then a later one may have replaced it.
    """
    rows = [
        {
            **_operation(
                change.workspace_id, Operation.UPDATE, change.of, change.content.payload, now
            ),
            "conversation": change.conversation,
            "not_before": not_before,
        }
        for change in edits
    ]
    await insert_or_change_all(tx, _messages, rows, _superseded_by, _KEY)


async def publish(
    tx: AsyncConnection, workspace_id: str, *, user_id: str, view: dict[str, Any], now: datetime
) -> None:
    """Show a person's App Home; a view still waiting is replaced."""
    row = {
        **_row(workspace_id, now),
        "key": home(user_id),
        "operation": Operation.PUBLISH,
        "conversation": user_id,
        "payload": view,
    }
    await insert_or_change(tx, _messages, row, {"payload": view, **_replacement(now)}, _KEY)


async def lock_published(tx: AsyncConnection, workspace_id: str, *, user_id: str) -> None:
    """Lock a person's App Home: what is read from now on is newer than any view already waiting."""
    is_home = (_messages.c.workspace_id == workspace_id) & (_messages.c.key == home(user_id))
    await tx.execute(select(_messages.c.message_id).where(is_home).with_for_update())


async def pin(tx: AsyncConnection, workspace_id: str, *, of: MessageKey, now: datetime) -> None:
    await _add_operation(tx, workspace_id, Operation.PIN, of, {}, now)


async def bookmark(
    tx: AsyncConnection, workspace_id: str, *, of: MessageKey, title: str, emoji: str, now: datetime
) -> None:
    """Add a link to the message to its channel's bookmarks."""
    payload = {"title": title, "emoji": emoji}
    await _add_operation(tx, workspace_id, Operation.BOOKMARK, of, payload, now)


async def unbookmark(
    tx: AsyncConnection, workspace_id: str, *, of: MessageKey, now: datetime
) -> None:
    await _add_operation(tx, workspace_id, Operation.UNBOOKMARK, bookmark_of(of), {}, now)


async def unpin_and_unbookmark(
    tx: AsyncConnection, workspace_id: str, *, of: MessageKey, now: datetime
) -> None:
    """Remove the message's pin and its bookmark."""
    parts = [
        (_operation(workspace_id, operation, target, {}, now), _conversation(workspace_id, target))
        for operation, target in ((Operation.UNPIN, of), (Operation.UNBOOKMARK, bookmark_of(of)))
    ]
    await insert_from(tx, _messages, parts)


async def cancel(tx: AsyncConnection, workspace_id: str, *, keys: Collection[MessageKey]) -> None:
    """Stop sending these. One that may be in Slack is looked up, and not sent again."""
    is_pending = _messages.c.state == State.PENDING
    changed = await tx.execute(
        update(_messages)
        .where(
            _messages.c.workspace_id == workspace_id,
            _messages.c.key.in_(padded(keys)),
            _messages.c.state.in_((State.PENDING, State.SENDING, State.UNKNOWN)),
        )
        .values(
            state=case((is_pending, State.EXPIRED.value), else_=_messages.c.state),
            payload=case((is_pending, None), else_=_messages.c.payload),
            picture=case((is_pending, None), else_=_messages.c.picture),
            error=case((is_pending, CANCELLED), else_=_messages.c.error),
            expires_at=case((is_pending, _messages.c.expires_at), else_=_messages.c.created_at),
        )
        .returning(_messages.c.state, *LOGGED_COLUMNS)
    )
    for message in changed:
        if message.state == State.EXPIRED:
            record_expired(message, CANCELLED)


async def key_at(
    tx: AsyncConnection, workspace_id: str, *, channel: str, ts: str
) -> MessageKey | None:
    """Return the key of our message at this place in Slack, such as the one of a pressed button."""
    key: str | None = await tx.scalar(
        select(_messages.c.key).where(
            _messages.c.workspace_id == workspace_id,
            _messages.c.channel == channel,
            _messages.c.ts == ts,
            _messages.c.operation == Operation.POST,
        )
    )
    return None if key is None else MessageKey(key)


async def _rewrite_pending(
    tx: AsyncConnection, workspace_id: str, key: MessageKey, payload: dict[str, Any], now: datetime
) -> bool:
    result = await tx.execute(
        update(_messages)
        .where(
            _messages.c.workspace_id == workspace_id,
            _messages.c.key == key,
            _messages.c.operation == Operation.POST,
            _messages.c.state == State.PENDING,
            _messages.c.not_before > now,
            _messages.c.first_try_at.is_(None),  # otherwise the old text may be in Slack already
        )
        .values(payload=payload, revision=_messages.c.revision + 1)
    )
    return bool(result.rowcount)


async def _add_operation(
    tx: AsyncConnection,
    workspace_id: str,
    operation: Operation,
    of: MessageKey,
    payload: dict[str, Any],
    now: datetime,
) -> None:
    """Enqueue an operation on a message, once; do nothing if there is no such message."""
    row = _operation(workspace_id, operation, of, payload, now)
    await insert_from(tx, _messages, [(row, _conversation(workspace_id, of))])


def _operation(
    workspace_id: str, operation: Operation, of: MessageKey, payload: dict[str, Any], now: datetime
) -> Row:
    key = edit_of(of) if operation is Operation.UPDATE else derived(operation, of)
    fields = {"key": key, "operation": operation, "target_key": of, "payload": payload}
    return {**_row(workspace_id, now), **fields}


def _conversation(workspace_id: str, key: MessageKey) -> Select[tuple[str]]:
    is_message = (_messages.c.workspace_id == workspace_id) & (_messages.c.key == key)
    return select(_messages.c.conversation).where(is_message)


def _row(workspace_id: str, now: datetime) -> Row:
    """Return the columns that every new message starts with."""
    return {
        "workspace_id": workspace_id,
        "message_id": new_sortable_id(),
        "state": State.PENDING,
        "not_before": now,
        "created_at": now,
    }


def _post(key: MessageKey, to: str, content: Content | SealedContent) -> Row:
    picture = content.picture
    return {
        "key": key,
        "operation": Operation.POST,
        "conversation": to,
        "payload": content.payload,
        "picture": None
        if picture is None
        else {"facts": picture.facts, "alt_text": picture.alt_text, "title": picture.title},
    }


def _replacement(now: datetime) -> Row:
    """Return the changes to an existing edit or view, as expressions on its row."""
    return {"not_before": now, **_reset_by({"message_id": new_sortable_id(), "created_at": now})}


def _superseded_by(new: Mapping[str, Any]) -> Row:
    """Return the changes to an existing edit, from the columns of the one that replaces it.

    An edit that waits for a time keeps it, if that is the later one.
    """
    is_waiting = (_messages.c.state == State.PENDING) & (_messages.c.not_before > new["not_before"])
    return {
        "payload": new["payload"],
        "not_before": case((is_waiting, _messages.c.not_before), else_=new["not_before"]),
        **_reset_by({name: new[name] for name in ("message_id", "created_at")}),
    }


def _reset_by(new: Row) -> Row:
    """Return the changes that have a row sent anew.

    A call under way finds at its end that the revision has changed, and the row is sent again.
    """
    is_sending = _messages.c.state == State.SENDING
    reset = {
        "state": State.PENDING,
        "attempts": 0,
        "first_try_at": None,
        "retry_at": None,
        "error": None,
        **new,
    }
    return {
        "revision": _messages.c.revision + 1,
        **{
            name: case((is_sending, _messages.c[name]), else_=_expression(name, value))
            for name, value in reset.items()
        },
    }


def _expression(column: str, value: Any) -> Any:
    return value if isinstance(value, ColumnElement) else literal(value, _messages.c[column].type)
