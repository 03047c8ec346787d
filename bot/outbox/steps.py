"""The short transactions of one message's way: claimed before the call, concluded after it."""

from datetime import datetime
from typing import Any

from sqlalchemy import case, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db import schema
from bot.outbox.calls import NOWHERE, Place
from bot.outbox.lanes import Row
from bot.outbox.outbox import State

_messages = schema.messages
_FINAL_WITHOUT_PLACE = (State.HELD, State.FAILED, State.EXPIRED)


def _this(row: Row) -> Any:
    return (_messages.c.workspace_id == row.workspace_id) & (_messages.c.key == row.key)


def _there(place: Place, now: datetime) -> dict[str, Any]:
    """What is known of a message that is in Slack."""
    return {
        "picture": None,
        "channel": place.channel,
        "ts": place.ts,
        "sent_at": now,
        "retry_at": None,
        "error": None,
    }


async def claim(tx: AsyncConnection, row: Row, now: datetime) -> int | None:
    """Mark that a call is about to be made. Returns its fence; None if the row moved on."""
    claimed = await tx.execute(
        update(_messages)
        .where(_this(row), _messages.c.state == State.PENDING, _messages.c.revision == row.revision)
        .values(
            state=State.SENDING,
            attempts=_messages.c.attempts + 1,
            fence=_messages.c.fence + 1,
            first_try_at=func.coalesce(_messages.c.first_try_at, now),
        )
        .returning(_messages.c.fence)
    )
    fence: int | None = claimed.scalar()
    return fence


async def conclude(
    tx: AsyncConnection, row: Row, place: Place, now: datetime, fence: int | None = None
) -> bool:
    """It is known to be in Slack. A newer revision goes out next; else the payload is erased.

    With a fence, only the sender that made that very claim may say so.
    """
    newest = _messages.c.revision == row.revision
    condition = [_this(row), _messages.c.state.in_((State.SENDING, State.UNKNOWN))]
    if fence is not None:
        condition.append(_messages.c.fence == fence)
    done = await tx.execute(
        update(_messages)
        .where(*condition)
        .values(
            state=case((newest, State.SENT.value), else_=State.PENDING.value),
            payload=case((newest, None), else_=_messages.c.payload),
            **_there(place, now),
        )
    )
    return bool(done.rowcount)


async def confirm(
    tx: AsyncConnection, workspace_id: str, message_id: str, place: Place, now: datetime
) -> bool:
    """Slack itself told us, by our own metadata event, where a message is."""
    done = await tx.execute(
        update(_messages)
        .where(
            _messages.c.workspace_id == workspace_id,
            _messages.c.message_id == message_id,
            _messages.c.state.in_((State.SENDING, State.UNKNOWN, State.HELD)),
        )
        .values(state=State.SENT, payload=None, **_there(place, now))
    )
    return bool(done.rowcount)


async def put_back(
    tx: AsyncConnection, row: Row, state: State, *, error: str, retry_at: datetime | None
) -> None:
    """Not said, or not known to be: the state says which, `retry_at` (real time) when to look."""
    await tx.execute(
        update(_messages)
        .where(_this(row), _messages.c.state.in_((State.SENDING, State.UNKNOWN, State.PENDING)))
        .values(state=state, error=error[:255], retry_at=retry_at)
    )


async def expire(tx: AsyncConnection, row: Row, reason: str) -> None:
    """It no longer makes sense to say it."""
    await tx.execute(
        update(_messages)
        .where(_this(row))
        .values(state=State.EXPIRED, payload=None, picture=None, error=reason)
    )


async def keep_file(tx: AsyncConnection, row: Row, file_id: str) -> None:
    """The picture is uploaded; a later try need not upload it again."""
    await tx.execute(update(_messages).where(_this(row)).values(file_id=file_id))


async def count_try(tx: AsyncConnection, row: Row) -> None:
    """A try at the picture; the message itself was not tried yet."""
    await tx.execute(update(_messages).where(_this(row)).values(attempts=_messages.c.attempts + 1))


async def drop_picture(tx: AsyncConnection, row: Row) -> None:
    """Say it without its picture."""
    await tx.execute(update(_messages).where(_this(row)).values(picture=None, file_id=None))


async def target_of(reader: AsyncConnection, row: Row) -> Place | None:
    """Where the message it refers to is; NOWHERE if there is none; None if it never will be."""
    if row.target_key is None:
        return NOWHERE
    target = (
        await reader.execute(
            select(
                _messages.c.state, _messages.c.channel, _messages.c.ts, _messages.c.file_id
            ).where(_messages.c.workspace_id == row.workspace_id, _messages.c.key == row.target_key)
        )
    ).first()
    if target is None or (target.ts is None and target.state in _FINAL_WITHOUT_PLACE):
        return None
    return Place(channel=target.channel, ts=target.ts, file_id=target.file_id)
