"""One sender at a time for a workspace, so that its order and its limits are kept wherever it
runs. A lane is leased for 15 s and renewed; a dead sender's lane is free after that.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BindParameter, bindparam, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db import schema
from bot.outbox.outbox import Operation, State

LEASE = timedelta(seconds=15)
RENEW_EVERY_SECONDS = 5.0


def _written_out(*states: State) -> BindParameter[list[str]]:
    values = [state.value for state in states]
    return bindparam(None, values, expanding=True, literal_execute=True)


_lanes = schema.lanes
_messages = schema.messages
# Written out and not bound: only so may the planner use the index on open messages alone.
_OPEN = _messages.c.state.in_(_written_out(State.PENDING, State.SENDING, State.UNKNOWN))
_STUCK = _messages.c.state.in_(_written_out(State.HELD, State.FAILED))


@dataclass(frozen=True, kw_only=True)
class Row:
    """One message as its sender sees it."""

    workspace_id: str
    message_id: str
    key: str
    operation: Operation
    conversation: str
    target_key: str | None
    payload: dict[str, Any]
    picture: dict[str, Any] | None
    file_id: str | None
    revision: int
    state: State
    expires_at: datetime | None
    attempts: int
    first_try_at: datetime | None


async def counts(reader: AsyncConnection) -> dict[str, int]:
    """How many messages are in each state that is no good end (yet)."""
    found = {state.value: 0 for state in State if state not in (State.SENT, State.EXPIRED)}
    for some in (_OPEN, _STUCK):
        rows = await reader.execute(
            select(_messages.c.state, func.count()).where(some).group_by(_messages.c.state)
        )
        found |= {row[0]: row[1] for row in rows}
    return found


async def with_work(reader: AsyncConnection, now: datetime, real: datetime) -> list[str]:
    """The workspaces that have something to send or to prove."""
    rows = await reader.scalars(
        select(_messages.c.workspace_id).where(_is_due(now, real)).distinct()
    )
    return list(rows)


async def lease(tx: AsyncConnection, workspace_id: str, owner: str, real: datetime) -> bool:
    """Take the lane, if it is free, ours, or its owner is silent."""
    taken = await tx.execute(
        update(_lanes)
        .where(
            _lanes.c.workspace_id == workspace_id,
            or_(_lanes.c.owner.is_(None), _lanes.c.owner == owner, _lanes.c.lease_until < real),
        )
        .values(owner=owner, lease_until=real + LEASE)
    )
    return bool(taken.rowcount)


async def release(tx: AsyncConnection, workspace_id: str, owner: str) -> None:
    await tx.execute(
        update(_lanes)
        .where(_lanes.c.workspace_id == workspace_id, _lanes.c.owner == owner)
        .values(owner=None, lease_until=None)
    )


async def doubt_interrupted(tx: AsyncConnection, workspace_id: str, look_at: datetime) -> int:
    """What an earlier sender left under way may be in Slack or not: look at `look_at`.

    What can be repeated without harm is simply sent again.
    """
    interrupted = (_messages.c.workspace_id == workspace_id) & (_messages.c.state == State.SENDING)
    await tx.execute(
        update(_messages)
        .where(interrupted, _messages.c.operation != Operation.POST)
        .values(state=State.PENDING)
    )
    doubted = await tx.execute(
        update(_messages).where(interrupted).values(state=State.UNKNOWN, retry_at=look_at)
    )
    return doubted.rowcount


async def heads(
    reader: AsyncConnection, workspace_id: str, now: datetime, real: datetime, limit: int
) -> list[Row]:
    """The first open message of each conversation that may be worked on now.

    A later message of the same conversation waits for it, so order is kept; an unknown one
    blocks only its own conversation.
    """
    place = func.row_number().over(
        partition_by=_messages.c.conversation, order_by=_messages.c.message_id
    )
    open_ones = (
        select(_messages, place.label("place"))
        .where(
            _messages.c.workspace_id == workspace_id,
            _OPEN,
            _messages.c.not_before <= now,
        )
        .subquery()
    )
    rows = await reader.execute(
        select(open_ones)
        .where(
            open_ones.c.place == 1,
            open_ones.c.state != State.SENDING,
            or_(open_ones.c.retry_at.is_(None), open_ones.c.retry_at <= real),
        )
        .order_by(open_ones.c.message_id)
        .limit(limit)
    )
    return [_row(row) for row in rows.mappings()]


def _is_due(now: datetime, real: datetime) -> Any:
    return (
        _OPEN
        & (_messages.c.not_before <= now)
        & or_(_messages.c.retry_at.is_(None), _messages.c.retry_at <= real)
    )


def _row(row: Any) -> Row:
    values = {name: row[name] for name in Row.__dataclass_fields__}
    values["operation"] = Operation(values["operation"])
    values["state"] = State(values["state"])
    values["payload"] = values["payload"] or {}
    return Row(**values)
