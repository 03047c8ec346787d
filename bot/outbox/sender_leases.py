"""Leases of workspaces: one sender at a time, which keeps the workspace's order and rate limits.

A lease lasts 15 s and is renewed; a dead sender's lease is free after that.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BindParameter, Integer, bindparam, case, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import real_now
from bot.db import schema
from bot.db.tenancy import across_workspaces
from bot.db.upserts import padded, upsert
from bot.outbox.enqueue import Operation, State
from bot.outbox.queue_heads import first_of, is_open, is_sendable, literal_states, rate_limit_of

LEASE_DURATION = timedelta(seconds=15)
RENEW_EVERY_SECONDS = 5.0

_leases = schema.sender_leases
_messages = schema.messages
_OPEN = is_open(_messages)
_STUCK = _messages.c.state.in_(literal_states((State.HELD, State.FAILED)))

# Built once: they are part of every turn.
_IN_WORKSPACE = _leases.c.workspace_id == bindparam("b_workspace")
_OURS = _IN_WORKSPACE & (_leases.c.owner == bindparam("b_owner"))
_RENEW = (
    update(_leases)
    .where(_OURS, _leases.c.halted.is_(None))
    .values(lease_until=bindparam("b_until"))
    .returning(_leases.c.rate_usage)
)
_SAVE = update(_leases).where(_IN_WORKSPACE).values(rate_usage=bindparam("b_usage"))
_RELEASE = (
    update(_leases)
    .where(_OURS)
    .values(owner=None, lease_until=None, resume_at=bindparam("b_resume_at"))
)
_NOW: BindParameter[datetime] = bindparam("now")
_REAL: BindParameter[datetime] = bindparam("real")
_IS_FREE = or_(_leases.c.owner.is_(None), _leases.c.lease_until < _REAL)
_WORK = select(_messages.c.message_id).where(
    _messages.c.workspace_id == _leases.c.workspace_id, is_sendable(_NOW, _REAL)
)
_WITH_WORK = (
    select(_leases.c.workspace_id, _leases.c.owner.is_not(None))
    .where(
        _leases.c.halted.is_(None),
        _IS_FREE,
        or_(_leases.c.resume_at.is_(None), _leases.c.resume_at <= _REAL),
        first_of(_WORK).is_not(None),
    )
    .order_by(_leases.c.resume_at.nulls_first())
    .limit(bindparam("most", type_=Integer))
)
_TAKEABLE = (
    select(_leases.c.workspace_id)
    .where(_IN_WORKSPACE, _leases.c.halted.is_(None), _IS_FREE)
    .with_for_update(skip_locked=True)
)
_TAKE = (
    update(_leases)
    .where(_leases.c.workspace_id.in_(_TAKEABLE))
    .values(owner=bindparam("b_owner"), lease_until=bindparam("b_until"))
    .returning(_leases.c.rate_usage)
)


@dataclass(frozen=True, kw_only=True)
class Lease:
    """The right to send for a workspace."""

    rate_usage: dict[str, Any] | None  # usage of Slack's rate limits


async def real_time(connection: AsyncConnection) -> datetime:
    """Return the time that all senders share.

    It is PostgreSQL's clock; with SQLite there is only one machine.
    """
    if connection.dialect.name == "sqlite":
        return real_now()
    now: datetime = (await connection.execute(select(func.clock_timestamp()))).scalar_one()
    return now


WHOLE_QUEUE = "a replica looks for work in every workspace"


async def message_counts(reader: AsyncConnection) -> dict[str, int]:
    """Return the number of messages in each state, except sent and expired."""
    totals = {state.value: 0 for state in State if state not in (State.SENT, State.EXPIRED)}
    for condition in (_OPEN, _STUCK):
        rows = await reader.execute(
            across_workspaces(
                select(_messages.c.state, func.count())
                .where(condition)
                .group_by(_messages.c.state),
                WHOLE_QUEUE,
            )
        )
        totals |= {row[0]: row[1] for row in rows}
    return totals


async def workspaces_with_work(
    reader: AsyncConnection, now: datetime, limit: int
) -> dict[str, bool]:
    """Return workspaces that have something to send or to look up, and no sender.

    Each comes with whether it had a sender that fell silent.
    """
    parameters = {"now": now, "real": await real_time(reader), "most": limit}
    rows = await reader.execute(across_workspaces(_WITH_WORK, WHOLE_QUEUE), parameters)
    return {row[0]: bool(row[1]) for row in rows}


async def take(tx: AsyncConnection, workspace_id: str, owner: str, real: datetime) -> Lease | None:
    """Take the lease, if it is free or has run out, and nobody else is taking it."""
    parameters = {
        "b_workspace": workspace_id,
        "b_owner": owner,
        "real": real,
        "b_until": real + LEASE_DURATION,
    }
    return _lease((await tx.execute(_TAKE, parameters)).first())


async def renew(tx: AsyncConnection, workspace_id: str, owner: str, real: datetime) -> Lease | None:
    """Renew the lease, if it is still ours."""
    parameters = {"b_workspace": workspace_id, "b_owner": owner, "b_until": real + LEASE_DURATION}
    return _lease((await tx.execute(_RENEW, parameters)).first())


def _lease(row: Any) -> Lease | None:
    return None if row is None else Lease(rate_usage=row.rate_usage)


async def save(tx: AsyncConnection, workspace_id: str, rate_usage: dict[str, Any] | None) -> None:
    """Store the usage of Slack's rate limits for the next sender."""
    await tx.execute(_SAVE, {"b_workspace": workspace_id, "b_usage": rate_usage})


async def release(
    tx: AsyncConnection, workspace_id: str, owner: str, resume_at: datetime | None = None
) -> None:
    """Release the lease; it need not be taken again before `resume_at` (real time)."""
    parameters = {"b_workspace": workspace_id, "b_owner": owner, "b_resume_at": resume_at}
    await tx.execute(_RELEASE, parameters)


async def halt(tx: AsyncConnection, workspace_id: str, reason: str) -> None:
    """Send nothing for this workspace until `resume`: its token is invalid."""
    await tx.execute(
        update(_leases).where(_leases.c.workspace_id == workspace_id).values(halted=reason[:64])
    )


async def resume(tx: AsyncConnection, workspace_id: str) -> None:
    """Send for this workspace again; waiting messages are sent, or expire, as they say."""
    await upsert(tx, _leases, {"workspace_id": workspace_id}, halted=None)


async def mark_interrupted_unknown(
    tx: AsyncConnection, workspace_id: str, look_at: datetime
) -> int:
    """Mark posts that an earlier sender left under way as unknown, to be looked up at `look_at`.

    Operations that can be repeated without harm are simply sent again.
    """
    interrupted = (_messages.c.workspace_id == workspace_id) & (_messages.c.state == State.SENDING)
    is_post = _messages.c.operation == Operation.POST
    states = await tx.scalars(
        update(_messages)
        .where(interrupted, _OPEN)
        .values(
            state=case((is_post, State.UNKNOWN.value), else_=State.PENDING.value),
            retry_at=case((is_post, look_at), else_=_messages.c.retry_at),
        )
        .returning(_messages.c.state)
    )
    return sum(state == State.UNKNOWN for state in states)


async def next_due(reader: AsyncConnection, now: datetime) -> datetime | None:
    """Return when the next message scheduled for later is to be sent, or None."""
    earliest: datetime | None = await reader.scalar(
        across_workspaces(
            select(func.min(_messages.c.not_before)).where(_OPEN, _messages.c.not_before > now),
            WHOLE_QUEUE,
        )
    )
    return earliest


async def due_counts(
    reader: AsyncConnection, now: datetime, more_than: int, also_include: Collection[str] = ()
) -> dict[str, dict[str, int]]:
    """Return the number of open messages that are due, by workspace and by rate limit.

    Covers workspaces with more than `many`, and those in `besides`.
    """
    # In one pass: with PostgreSQL's statistics from before a bulk send, a second pass over the
    # results of the first became one pass for each message.
    limit = rate_limit_of(_messages).label("limit")
    in_workspace = func.sum(func.count()).over(partition_by=_messages.c.workspace_id)
    grouped = (
        select(_messages.c.workspace_id, limit, func.count().label("count"))
        .add_columns(in_workspace.label("in_workspace"))
        .where(_OPEN, _messages.c.not_before <= now)
        .group_by(_messages.c.workspace_id, limit)
        .subquery()
    )
    is_named = grouped.c.workspace_id.in_(padded(also_include))
    rows = await reader.execute(
        across_workspaces(
            select(grouped.c.workspace_id, grouped.c.limit, grouped.c.count).where(
                or_(grouped.c.in_workspace > more_than, is_named)
            ),
            WHOLE_QUEUE,
        )
    )
    by_workspace: dict[str, dict[str, int]] = {}
    for workspace_id, name, count in rows:
        by_workspace.setdefault(workspace_id, {})[name] = count
    return by_workspace


async def rate_usage_of(reader: AsyncConnection, workspaces: Collection[str]) -> dict[str, Any]:
    """Return the usage of Slack's rate limits in these workspaces, for `RateLimits.resume`."""
    rows = await reader.execute(
        across_workspaces(
            select(_leases.c.workspace_id, _leases.c.rate_usage).where(
                _leases.c.workspace_id.in_(padded(workspaces))
            ),
            WHOLE_QUEUE,
        )
    )
    return {row.workspace_id: row.rate_usage for row in rows}
