"""One sender at a time for a workspace, so that its order and its limits are kept wherever it
runs. A lane is leased for 15 s and renewed; a dead sender's lane is free after that.
"""

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Integer,
    Select,
    and_,
    bindparam,
    case,
    exists,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import real_now
from bot.db import schema
from bot.outbox.outbox import Operation, State
from bot.outbox.pace import DIRECT, PROOF
from bot.outbox.row import NOWHERE, Place, Row

LEASE = timedelta(seconds=15)
RENEW_EVERY_SECONDS = 5.0
_FINAL_WITHOUT_PLACE = (State.HELD, State.FAILED, State.EXPIRED)


def _written_out(*states: State) -> BindParameter[list[str]]:
    values = [state.value for state in states]
    return bindparam(None, values, expanding=True, literal_execute=True)


_lanes = schema.lanes
_messages = schema.messages
# Written out and not bound: only so may the planner use the index on open messages alone.
_OPEN = _messages.c.state.in_(_written_out(State.PENDING, State.SENDING, State.UNKNOWN))
_STUCK = _messages.c.state.in_(_written_out(State.HELD, State.FAILED))


@dataclass(frozen=True, kw_only=True)
class Lease:
    """The right to send for a workspace."""

    pace: dict[str, Any] | None  # what was used of Slack's limits


async def real_time(connection: AsyncConnection) -> datetime:
    """The time that all senders share: PostgreSQL's clock; with SQLite there is one machine."""
    if connection.dialect.name == "sqlite":
        return real_now()
    now: datetime = (await connection.execute(select(func.clock_timestamp()))).scalar_one()
    return now


async def counts(reader: AsyncConnection) -> dict[str, int]:
    """How many messages are in each state that is no good end (yet)."""
    found = {state.value: 0 for state in State if state not in (State.SENT, State.EXPIRED)}
    for some in (_OPEN, _STUCK):
        rows = await reader.execute(
            select(_messages.c.state, func.count()).where(some).group_by(_messages.c.state)
        )
        found |= {row[0]: row[1] for row in rows}
    return found


async def with_work(reader: AsyncConnection, now: datetime, limit: int) -> dict[str, bool]:
    """Workspaces that have something to send or to prove, and nobody who does it.

    Each with whether somebody did, and fell silent.
    """
    real = await real_time(reader)
    due = exists().where(
        _messages.c.workspace_id == _lanes.c.workspace_id,
        _OPEN,
        _messages.c.not_before <= now,
        or_(_messages.c.retry_at.is_(None), _messages.c.retry_at <= real),
    )
    rows = await reader.execute(
        select(_lanes.c.workspace_id, _lanes.c.owner.is_not(None))
        .where(
            _lanes.c.halted.is_(None),
            or_(_lanes.c.owner.is_(None), _lanes.c.lease_until < real),
            or_(_lanes.c.resume_at.is_(None), _lanes.c.resume_at <= real),
            due,
        )
        .order_by(_lanes.c.resume_at)
        .limit(limit)
    )
    return {row[0]: bool(row[1]) for row in rows}


async def take(tx: AsyncConnection, workspace_id: str, owner: str, real: datetime) -> Lease | None:
    """Take the lane, if it is free or its owner is silent, and nobody else takes it now."""
    free = or_(_lanes.c.owner.is_(None), _lanes.c.lease_until < real)
    here = select(_lanes.c.workspace_id).where(
        _lanes.c.workspace_id == workspace_id, _lanes.c.halted.is_(None), free
    )
    return await _leased(
        tx, _lanes.c.workspace_id.in_(here.with_for_update(skip_locked=True)), owner, real
    )


async def renew(tx: AsyncConnection, workspace_id: str, owner: str, real: datetime) -> Lease | None:
    """Keep the lane, if it is ours still."""
    ours = and_(_lanes.c.workspace_id == workspace_id, _lanes.c.owner == owner)
    return await _leased(tx, ours & _lanes.c.halted.is_(None), owner, real)


async def _leased(
    tx: AsyncConnection, which: ColumnElement[bool], owner: str, real: datetime
) -> Lease | None:
    values = {"owner": owner, "lease_until": real + LEASE}
    row = (
        await tx.execute(update(_lanes).where(which).values(values).returning(_lanes.c.pace))
    ).first()
    return None if row is None else Lease(pace=row.pace)


async def save(tx: AsyncConnection, workspace_id: str, pace: dict[str, Any] | None) -> None:
    """Keep what was used of Slack's limits, for whoever sends next."""
    await tx.execute(update(_lanes).where(_lanes.c.workspace_id == workspace_id).values(pace=pace))


async def release(
    tx: AsyncConnection, workspace_id: str, owner: str, resume_at: datetime | None = None
) -> None:
    """Give the lane back; nobody need look at it before `resume_at` (real time)."""
    await tx.execute(
        update(_lanes)
        .where(_lanes.c.workspace_id == workspace_id, _lanes.c.owner == owner)
        .values(owner=None, lease_until=None, resume_at=resume_at)
    )


async def halt(tx: AsyncConnection, workspace_id: str, reason: str) -> None:
    """Send nothing for this workspace until `resume`: its token is no good."""
    await tx.execute(
        update(_lanes).where(_lanes.c.workspace_id == workspace_id).values(halted=reason[:64])
    )


async def resume(tx: AsyncConnection, workspace_id: str) -> None:
    """Send for this workspace again; what waited is sent, or expires, as it says."""
    await tx.execute(
        update(_lanes).where(_lanes.c.workspace_id == workspace_id).values(halted=None)
    )


async def doubt_interrupted(tx: AsyncConnection, workspace_id: str, look_at: datetime) -> int:
    """What an earlier sender left under way may be in Slack or not: look at `look_at`.

    What can be repeated without harm is simply sent again.
    """
    interrupted = (_messages.c.workspace_id == workspace_id) & (_messages.c.state == State.SENDING)
    await tx.execute(
        update(_messages)
        .where(interrupted, _OPEN, _messages.c.operation != Operation.POST)
        .values(state=State.PENDING)
    )
    doubted = await tx.execute(
        update(_messages).where(interrupted, _OPEN).values(state=State.UNKNOWN, retry_at=look_at)
    )
    return doubted.rowcount


async def heads(
    tx: AsyncConnection,
    workspace_id: str,
    *,
    now: datetime,
    real: datetime,
    barred: Collection[str],
    limit: int,
) -> list[Row]:
    """The first open message of each conversation that may be worked on now; channels first.

    A later message of the same conversation waits for it, so order is kept; an unknown one
    blocks only its own conversation. `barred` names limits that are used up. Payloads are read by
    the claim: most of what is looked at among many has to wait.
    """
    given = {
        "workspace": workspace_id,
        "now": now,
        "real": real,
        "barred": list(barred),
        "most": limit,
    }
    return [_row(row) for row in (await tx.execute(_HEADS, given)).mappings()]


async def next_due(reader: AsyncConnection, now: datetime) -> datetime | None:
    """When the next message that waits for its hour is to be said; None where none does."""
    earliest: datetime | None = await reader.scalar(
        select(func.min(_messages.c.not_before)).where(_OPEN, _messages.c.not_before > now)
    )
    return earliest


async def many_waiting(reader: AsyncConnection, now: datetime, many: int) -> dict[str, int]:
    """How many messages are due and not at their end, of workspaces with more than `many`."""
    waiting = func.count()
    rows = await reader.execute(
        select(_messages.c.workspace_id, waiting)
        .where(_OPEN, _messages.c.not_before <= now)
        .group_by(_messages.c.workspace_id)
        .having(waiting > many)
    )
    return {row[0]: row[1] for row in rows}


def _heads(firsts_of: ColumnElement[str]) -> Select[Any]:
    pace, target = _pace(), _messages.alias("target")
    firsts = (  # the first open message of each
        select(func.min(_messages.c.message_id).label("message_id"))
        .where(_IN_WORKSPACE, _OPEN, _messages.c.not_before <= bindparam("now"))
        .group_by(firsts_of)
        .subquery()
    )
    return (
        select(
            *(column for column in _messages.c if column.name in _READ),
            _messages.c.target_key,
            pace.label("pace"),
            target.c.state.label("target_state"),
            target.c.channel.label("target_channel"),
            target.c.ts.label("target_ts"),
            target.c.file_id.label("target_file_id"),
        )
        .join(firsts, _messages.c.message_id == firsts.c.message_id)
        .outerjoin(
            target,
            and_(
                target.c.workspace_id == _messages.c.workspace_id,
                target.c.key == _messages.c.target_key,
            ),
        )
        .where(
            _IN_WORKSPACE,
            _messages.c.state != State.SENDING,
            or_(_messages.c.retry_at.is_(None), _messages.c.retry_at <= bindparam("real")),
            pace.not_in(bindparam("barred", expanding=True)),
        )
        .order_by(pace == DIRECT, _messages.c.message_id)
        .limit(bindparam("most", type_=Integer))
    )


def _pace() -> ColumnElement[str]:
    """The name of the limit that a message counts under."""
    to_person = _messages.c.conversation.like("U%") | _messages.c.conversation.like("W%")
    return case(
        (_messages.c.state == State.UNKNOWN, PROOF),
        ((_messages.c.operation == Operation.POST) & to_person, DIRECT),
        else_=_messages.c.operation,
    )


_READ = {field.name for field in fields(Row)} - {"payload"}
_IN_WORKSPACE = _messages.c.workspace_id == bindparam("workspace")
_HEADS = _heads(_messages.c.conversation)  # made once: it is asked before every few calls


def _row(row: Any) -> Row:
    copied = {name: row[name] for name in _READ if name != "target"}
    copied["operation"] = Operation(copied["operation"])
    copied["state"] = State(copied["state"])
    return Row(**copied, target=_target(row))


def _target(row: Any) -> Place | None:
    if row["target_key"] is None:
        return NOWHERE
    if row["target_state"] is None:
        return None
    if row["target_ts"] is None and row["target_state"] in _FINAL_WITHOUT_PLACE:
        return None
    return Place(channel=row["target_channel"], ts=row["target_ts"], file_id=row["target_file_id"])
