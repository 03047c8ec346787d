"""The present state, read from the database: what is late, what waits, who sends.

Ages compare business time with real time where both are written; with a clock that nobody moved
they are the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda.claims import due
from bot.agenda.schedule import PARKED
from bot.db import schema
from bot.outbox.admin_queries import STUCK
from bot.outbox.enqueue import State
from bot.outbox.queue_heads import is_open, is_sendable, literal_states

_agenda, _lanes, _messages = schema.agenda, schema.sender_leases, schema.messages
NOTHING = timedelta(0)
_UNDER_WAY = is_open(_messages)
_STUCK = _messages.c.state.in_(literal_states(STUCK))
_SENDS = _messages.c.workspace_id.in_(
    select(_lanes.c.workspace_id).where(_lanes.c.halted.is_(None))
)


@dataclass(frozen=True, kw_only=True)
class WaitingMessages:
    """The messages of one state."""

    count: int
    oldest: timedelta  # since it was to be said


@dataclass(frozen=True, kw_only=True)
class SenderState:
    """One workspace's sending, where somebody does it or nobody may."""

    workspace_id: str
    owner: str | None
    lease_left: timedelta
    halted: str | None


async def agenda_lag(reader: AsyncConnection, now: datetime, real: datetime) -> timedelta:
    """How late the oldest thing is that is due and could be done."""
    oldest = await due(reader, now, real, 1)
    return max(NOTHING, now - oldest[0].due_at) if oldest else NOTHING


async def agenda_failing(reader: AsyncConnection) -> Mapping[str, int]:
    """What was due, failed, and is tried again; how many, by action."""
    rows = await reader.execute(
        select(_agenda.c.action, func.count())
        .where(_agenda.c.retry_at.is_not(None), _agenda.c.retry_at < PARKED, _agenda.c.attempts > 0)
        .group_by(_agenda.c.action)
        .order_by(_agenda.c.action)
    )
    return {row[0]: row[1] for row in rows}


async def outbox_lag(reader: AsyncConnection, now: datetime, real: datetime) -> timedelta:
    """How long a workspace has had something to send, and nobody who sends it."""
    ready_at = case(
        (_messages.c.retry_at > _messages.c.not_before, _messages.c.retry_at),
        else_=_messages.c.not_before,
    )
    rows = await reader.execute(
        select(_lanes.c.lease_until, _lanes.c.resume_at, func.min(ready_at))
        .join(_messages, _messages.c.workspace_id == _lanes.c.workspace_id)
        .where(
            _lanes.c.halted.is_(None),
            or_(_lanes.c.owner.is_(None), _lanes.c.lease_until < real),
            or_(_lanes.c.resume_at.is_(None), _lanes.c.resume_at <= real),
            is_sendable(now, real),
        )
        .group_by(_lanes.c.workspace_id, _lanes.c.lease_until, _lanes.c.resume_at)
    )
    since = [max(at for at in row if at is not None) for row in rows]
    return max(NOTHING, now - min(since)) if since else NOTHING


async def waiting(reader: AsyncConnection, now: datetime) -> Mapping[State, WaitingMessages]:
    """Messages that are due and not at a good end, by state; without halted workspaces."""
    found: dict[State, WaitingMessages] = {}
    for some in (_UNDER_WAY, _STUCK):
        rows = await reader.execute(
            select(_messages.c.state, func.count(), func.min(_messages.c.not_before))
            .where(some, _messages.c.not_before <= now, _SENDS)
            .group_by(_messages.c.state)
        )
        found |= {
            State(row[0]): WaitingMessages(count=row[1], oldest=max(NOTHING, now - row[2]))
            for row in rows
        }
    return found


async def reasons(reader: AsyncConnection, state: State) -> Mapping[str, int]:
    """Why messages are in this state; how many, the commonest first."""
    count = func.count()
    rows = await reader.execute(
        select(_messages.c.error, count)
        .where(_STUCK if state in STUCK else _UNDER_WAY, _is(state))
        .group_by(_messages.c.error)
        .order_by(count.desc(), _messages.c.error)
    )
    return {row[0] or "": row[1] for row in rows}


async def given_up(reader: AsyncConnection, since: datetime) -> Mapping[str, int]:
    """Why messages decided since then are not said any more; how many, the commonest first.

    It reads all that was ever said: for who asks, not for every minute.
    """
    count = func.count()
    rows = await reader.execute(
        select(_messages.c.error, count)
        .where(_is(State.EXPIRED), _messages.c.created_at >= since)
        .group_by(_messages.c.error)
        .order_by(count.desc(), _messages.c.error)
    )
    return {row[0] or "": row[1] for row in rows}


async def halted(reader: AsyncConnection) -> Mapping[str, int]:
    """Workspaces that nothing is sent for; how many, by Slack's reason."""
    rows = await reader.execute(
        select(_lanes.c.halted, func.count())
        .where(_lanes.c.halted.is_not(None))
        .group_by(_lanes.c.halted)
    )
    return {row[0]: row[1] for row in rows}


async def senders(reader: AsyncConnection, real: datetime) -> Sequence[SenderState]:
    """Workspaces that somebody sends for, and those that nothing is sent for."""
    rows = await reader.execute(
        select(_lanes)
        .where(or_(_lanes.c.halted.is_not(None), _lanes.c.owner.is_not(None)))
        .order_by(_lanes.c.workspace_id)
    )
    return [
        SenderState(
            workspace_id=row.workspace_id,
            owner=row.owner,
            lease_left=(row.lease_until - real) if row.lease_until else NOTHING,
            halted=row.halted,
        )
        for row in rows
    ]


def _is(state: State) -> ColumnElement[bool]:
    return _messages.c.state == state
