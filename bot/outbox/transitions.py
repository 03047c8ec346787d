"""The state changes of a message: claimed before the call, concluded after it.

Each result names the fence of the claim it was made under. A sender that was thought dead and lost
its lease finds another fence, and can change nothing any more.
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
# Written out: a list cannot be bound where one statement updates many rows.
_IS_TRIED = or_(_state == State.SENDING, _state == State.UNKNOWN)
_IS_OPEN = or_(_state == State.PENDING, _IS_TRIED)

_target = _messages.alias("target")
#: Current thread: read in the claim itself, since the parent may be deleted at any time.
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


def _claim_parameters(result: SendResult) -> dict[str, Any]:
    row = result.row
    return {"b_workspace": row.workspace_id, "b_key": row.key, "b_fence": row.fence}


async def claim(
    tx: AsyncConnection, rows: Sequence[QueuedMessage], now: datetime
) -> list[QueuedMessage]:
    """Mark that these calls are about to be made. Return the rows with their current content."""
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
    claimed_rows = {row.message_id: row for row in claimed}
    return [
        replace(
            row,
            fence=current.fence,
            revision=current.revision,
            payload=current.payload or {},
            thread_ts=current.thread_ts,
        )
        for row in rows
        if (current := claimed_rows.get(row.message_id))
    ]


async def mark_sent(tx: AsyncConnection, sent: Sequence[SendResult], now: datetime) -> None:
    """Mark these as sent. A newer revision is sent next; else the payload is erased."""
    is_current = _messages.c.revision == bindparam("b_revision")
    statement = (
        update(_messages)
        .where(_MINE, _IS_TRIED)
        .values(
            state=case((is_current, State.SENT.value), else_=State.PENDING.value),
            payload=case((is_current, None), else_=_messages.c.payload),
            picture=None,
            channel=bindparam("b_channel"),
            ts=bindparam("b_ts"),
            sent_at=now,
            retry_at=None,
            error=None,
        )
    )
    await tx.execute(
        statement,
        [
            {
                **_claim_parameters(result),
                "b_revision": result.row.revision,
                "b_channel": result.location.channel,
                "b_ts": result.location.ts,
            }
            for result in sent
        ],
    )


async def store_unsent(tx: AsyncConnection, results: Sequence[SendResult], real: datetime) -> None:
    """Store results other than sent: the state says which, `retry_at` when to try or look again.

    If the message was edited meanwhile, a refusal of the old content does not make it failed.
    """
    is_current = _messages.c.revision == bindparam("b_revision")
    statement = (
        update(_messages)
        .where(_MINE, _IS_OPEN)
        .values(
            state=case((is_current, bindparam("b_state")), else_=bindparam("b_if_newer")),
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
        statement,
        [
            {
                **_claim_parameters(result),
                "b_revision": result.row.revision,
                "b_state": result.state.value,
                "b_if_newer": _state_if_edited(result.state).value,
                "b_error": (result.reason or "")[:255] or None,
                "b_retry_at": None
                if result.wait_seconds is None
                else real + timedelta(seconds=result.wait_seconds),
                "b_tried": result.attempts_change,
                "b_looked": result.lookup_attempts_change,
                "b_drop": result.drop_picture,
                "b_file_id": result.file_id,
            }
            for result in results
        ],
    )


def _state_if_edited(state: State) -> State:
    return State.PENDING if state is State.FAILED else state


async def expire(tx: AsyncConnection, row: QueuedMessage, reason: str) -> None:
    """Expire a message that is no longer worth sending and is not in Slack."""
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
    """Send the message later: at `until` (business time), or not at all if it expires before.

    Messages that refer to it wait as long, so that they do not count as late meanwhile.
    """
    is_message = _messages.c.key == row.key
    refers_to_it = (_messages.c.target_key == row.key) & (_messages.c.not_before < until)
    await tx.execute(
        update(_messages)
        .where(_messages.c.workspace_id == row.workspace_id, is_message | (refers_to_it & _IS_OPEN))
        .values(not_before=until)
    )


async def confirm(
    tx: AsyncConnection, workspace_id: str, message_id: str, place: SlackLocation, now: datetime
) -> bool:
    """Record where a message is, as Slack reported in our own metadata event."""
    result = await tx.execute(
        update(_messages)
        .where(
            _messages.c.workspace_id == workspace_id,
            _messages.c.message_id == message_id,
            or_(
                _state.in_((State.SENDING, State.UNKNOWN, State.HELD)),
                # looked up without success, and about to be sent again
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
    return bool(result.rowcount)
