"""The writes of a message's way: claimed before the call, concluded after it.

Whoever concludes names the fence of the claim it acted under. A sender that was thought dead and
lost its lease finds another fence, and can change nothing any more.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Boolean, bindparam, case, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db import schema
from bot.db.upserts import padded
from bot.outbox.enqueue import Operation, State
from bot.outbox.queued_message import QueuedMessage, SendResult, SlackLocation

_messages = schema.messages
_MINE = (
    (_messages.c.workspace_id == bindparam("b_workspace"))
    & (_messages.c.key == bindparam("b_key"))
    & (_messages.c.fence == bindparam("b_fence"))
)
_DROP = bindparam("b_drop", type_=Boolean)
_state = _messages.c.state
# Spelled out: a list cannot be bound where many rows are updated by one statement.
_TRIED = or_(_state == State.SENDING, _state == State.UNKNOWN)
_OPEN = or_(_state == State.PENDING, _TRIED)

_target = _messages.alias("target")
#: Where the message replied to is now: in the claim itself, since it may be deleted any time.
_THREAD = func.coalesce(
    select(_target.c.ts)
    .where(
        _target.c.workspace_id == _messages.c.workspace_id,
        _target.c.key == _messages.c.target_key,
    )
    .correlate(_messages)
    .scalar_subquery(),
    "",
)


def _named(finding: SendResult) -> dict[str, Any]:
    row = finding.row
    return {"b_workspace": row.workspace_id, "b_key": row.key, "b_fence": row.fence}


async def claim(
    tx: AsyncConnection, rows: Sequence[QueuedMessage], now: datetime
) -> list[QueuedMessage]:
    """Mark that these calls are about to be made. Returns them as they read now."""
    if not rows:
        return []
    claimed = await tx.execute(
        update(_messages)
        .where(
            _messages.c.workspace_id == rows[0].workspace_id,
            _messages.c.message_id.in_(padded(row.message_id for row in rows)),
            _messages.c.state == State.PENDING,
        )
        .values(
            state=State.SENDING,
            attempts=_messages.c.attempts + 1,
            fence=_messages.c.fence + 1,
            first_try_at=func.coalesce(_messages.c.first_try_at, now),
            thread_ts=case((_messages.c.operation == Operation.POST, _THREAD)),
        )
        .returning(
            _messages.c.message_id,
            _messages.c.fence,
            _messages.c.revision,
            _messages.c.payload,
            _messages.c.thread_ts,
        )
    )
    mine = {row.message_id: row for row in claimed}
    return [
        replace(
            row,
            fence=found.fence,
            revision=found.revision,
            payload=found.payload or {},
            thread_ts=found.thread_ts,
        )
        for row in rows
        if (found := mine.get(row.message_id))
    ]


async def conclude(tx: AsyncConnection, sent: Sequence[SendResult], now: datetime) -> None:
    """These are in Slack. A newer revision goes out next; else the payload is erased."""
    newest = _messages.c.revision == bindparam("b_revision")
    done = (
        update(_messages)
        .where(_MINE, _TRIED)
        .values(
            state=case((newest, State.SENT.value), else_=State.PENDING.value),
            payload=case((newest, None), else_=_messages.c.payload),
            picture=None,
            channel=bindparam("b_channel"),
            ts=bindparam("b_ts"),
            sent_at=now,
            retry_at=None,
            error=None,
        )
    )
    await tx.execute(
        done,
        [
            {
                **_named(finding),
                "b_revision": finding.row.revision,
                "b_channel": finding.place.channel,
                "b_ts": finding.place.ts,
            }
            for finding in sent
        ],
    )


async def put_back(tx: AsyncConnection, findings: Sequence[SendResult], real: datetime) -> None:
    """Not said, or not known to be: the state says which, `retry_at` when to look again.

    Where it reads otherwise by now, a no to what it was is not the last word.
    """
    newest = _messages.c.revision == bindparam("b_revision")
    back = (
        update(_messages)
        .where(_MINE, _OPEN)
        .values(
            state=case((newest, bindparam("b_state")), else_=bindparam("b_if_newer")),
            error=bindparam("b_error"),
            retry_at=bindparam("b_retry_at"),
            attempts=_messages.c.attempts + bindparam("b_tried"),
            lookup_attempts=_messages.c.lookup_attempts + bindparam("b_looked"),
            file_id=case(
                (_DROP, None),
                else_=func.coalesce(
                    bindparam("b_file_id", type_=_messages.c.file_id.type), _messages.c.file_id
                ),
            ),
            picture=case((_DROP, None), else_=_messages.c.picture),
        )
    )
    await tx.execute(
        back,
        [
            {
                **_named(finding),
                "b_revision": finding.row.revision,
                "b_state": finding.state.value,
                "b_if_newer": _if_newer(finding.state).value,
                "b_error": (finding.reason or "")[:255] or None,
                "b_retry_at": None
                if finding.wait is None
                else real + timedelta(seconds=finding.wait),
                "b_tried": finding.tried,
                "b_looked": finding.looked,
                "b_drop": finding.drop_picture,
                "b_file_id": finding.file_id,
            }
            for finding in findings
        ],
    )


def _if_newer(state: State) -> State:
    return State.PENDING if state is State.FAILED else state


async def expire(tx: AsyncConnection, row: QueuedMessage, reason: str) -> None:
    """It no longer makes sense to say it, and it is not in Slack."""
    await tx.execute(
        update(_messages)
        .where(
            _messages.c.workspace_id == row.workspace_id,
            _messages.c.key == row.key,
            _state == State.PENDING,
        )
        .values(state=State.EXPIRED, payload=None, picture=None, error=reason)
    )


async def postpone(tx: AsyncConnection, row: QueuedMessage, until: datetime) -> None:
    """Say it later: at `until` (business time), or not at all where it is too late by then.

    What refers to it waits as long: it is not late, and nobody looks for it meanwhile.
    """
    itself = _messages.c.key == row.key
    refers = (_messages.c.target_key == row.key) & (_messages.c.not_before < until)
    await tx.execute(
        update(_messages)
        .where(_messages.c.workspace_id == row.workspace_id, itself | (refers & _OPEN))
        .values(not_before=until)
    )


async def confirm(
    tx: AsyncConnection, workspace_id: str, message_id: str, place: SlackLocation, now: datetime
) -> bool:
    """Slack itself told us, by our own metadata event, where a message is."""
    done = await tx.execute(
        update(_messages)
        .where(
            _messages.c.workspace_id == workspace_id,
            _messages.c.message_id == message_id,
            or_(
                _state.in_((State.SENDING, State.UNKNOWN, State.HELD)),
                # looked for in vain, and about to be sent again
                (_state == State.PENDING) & _messages.c.first_try_at.is_not(None),
            ),
        )
        .values(
            state=State.SENT,
            payload=None,
            picture=None,
            channel=place.channel,
            ts=place.ts,
            sent_at=now,
            retry_at=None,
            error=None,
        )
    )
    return bool(done.rowcount)
