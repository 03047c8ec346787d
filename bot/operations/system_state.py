"""The current state, read from the database: what is late, what is waiting, and the senders.

Ages compare business time with real time where both are stored; unless the clock was moved, they
are the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda.claims import due
from bot.agenda.schedule import PARKED
from bot.db import schema
from bot.db.tenancy import across_workspaces
from bot.outbox.admin_queries import STUCK
from bot.outbox.enqueue import State
from bot.outbox.queue_heads import is_open, is_sendable, literal_states

_agenda, _leases, _messages = schema.agenda, schema.sender_leases, schema.messages
WHOLE_DATABASE = "the operator's figures cover every workspace"
ZERO = timedelta(0)
_IS_OPEN = is_open(_messages)
_IS_STUCK = _messages.c.state.in_(literal_states(STUCK))
_IS_NOT_HALTED = _messages.c.workspace_id.in_(
    select(_leases.c.workspace_id).where(_leases.c.halted.is_(None))
)


@dataclass(frozen=True, kw_only=True)
class WaitingMessages:
    """The messages of one state."""

    count: int
    oldest: timedelta  # time since it was due


@dataclass(frozen=True, kw_only=True)
class SenderState:
    """The sending of one workspace: by a sender, or halted."""

    workspace_id: str
    owner: str | None
    lease_left: timedelta
    halted_reason: str | None


async def agenda_lag(reader: AsyncConnection, now: datetime, real_now: datetime) -> timedelta:
    """Return how late the oldest agenda item is that is due and can be run."""
    oldest = await due(reader, now, real_now, 1)
    return max(ZERO, now - oldest[0].due_at) if oldest else ZERO


async def agenda_failing(reader: AsyncConnection) -> Mapping[str, int]:
    """Return the number of failed items that will be retried, by action."""
    rows = await reader.execute(
        across_workspaces(
            select(_agenda.c.action, func.count())
            .where(
                _agenda.c.retry_at.is_not(None), _agenda.c.retry_at < PARKED, _agenda.c.attempts > 0
            )
            .group_by(_agenda.c.action)
            .order_by(_agenda.c.action),
            WHOLE_DATABASE,
        )
    )
    return {row[0]: row[1] for row in rows}


async def outbox_lag(reader: AsyncConnection, now: datetime, real_now: datetime) -> timedelta:
    """Return how long a workspace has had messages to send, but no sender."""
    ready_at = case(
        (_messages.c.retry_at > _messages.c.not_before, _messages.c.retry_at),
        else_=_messages.c.not_before,
    )
    rows = await reader.execute(
        across_workspaces(
            select(_leases.c.lease_until, _leases.c.resume_at, func.min(ready_at))
            .join(_messages, _messages.c.workspace_id == _leases.c.workspace_id)
            .where(
                _leases.c.halted.is_(None),
                or_(_leases.c.owner.is_(None), _leases.c.lease_until < real_now),
                or_(_leases.c.resume_at.is_(None), _leases.c.resume_at <= real_now),
                is_sendable(now, real_now),
            )
            .group_by(_leases.c.workspace_id, _leases.c.lease_until, _leases.c.resume_at),
            WHOLE_DATABASE,
        )
    )
    waiting_since = [max(at for at in row if at is not None) for row in rows]
    return max(ZERO, now - min(waiting_since)) if waiting_since else ZERO


async def waiting_messages(
    reader: AsyncConnection, now: datetime
) -> Mapping[State, WaitingMessages]:
    """Return due messages that are not finished, by state; halted workspaces are left out."""
    by_state: dict[State, WaitingMessages] = {}
    for condition in (_IS_OPEN, _IS_STUCK):
        rows = await reader.execute(
            across_workspaces(
                select(_messages.c.state, func.count(), func.min(_messages.c.not_before))
                .where(condition, _messages.c.not_before <= now, _IS_NOT_HALTED)
                .group_by(_messages.c.state),
                WHOLE_DATABASE,
            )
        )
        by_state |= {
            State(row[0]): WaitingMessages(count=row[1], oldest=max(ZERO, now - row[2]))
            for row in rows
        }
    return by_state


async def failure_reasons(reader: AsyncConnection, state: State) -> Mapping[str, int]:
    """Count the reasons of messages in this state, most frequent first."""
    count = func.count()
    rows = await reader.execute(
        across_workspaces(
            select(_messages.c.error, count)
            .where(_IS_STUCK if state in STUCK else _IS_OPEN, _is_in_state(state))
            .group_by(_messages.c.error)
            .order_by(count.desc(), _messages.c.error),
            WHOLE_DATABASE,
        )
    )
    return {row[0] or "": row[1] for row in rows}


async def expired_reasons(reader: AsyncConnection, since: datetime) -> Mapping[str, int]:
    """Count the reasons of messages decided after `since` and given up, most frequent first.

    It reads all messages ever enqueued, so it is for use on demand, not every minute.
    """
    count = func.count()
    rows = await reader.execute(
        across_workspaces(
            select(_messages.c.error, count)
            .where(_is_in_state(State.EXPIRED), _messages.c.created_at >= since)
            .group_by(_messages.c.error)
            .order_by(count.desc(), _messages.c.error),
            WHOLE_DATABASE,
        )
    )
    return {row[0] or "": row[1] for row in rows}


async def halted_workspaces(reader: AsyncConnection) -> Mapping[str, int]:
    """Return the number of halted workspaces, by Slack's reason."""
    rows = await reader.execute(
        across_workspaces(
            select(_leases.c.halted, func.count())
            .where(_leases.c.halted.is_not(None))
            .group_by(_leases.c.halted),
            WHOLE_DATABASE,
        )
    )
    return {row[0]: row[1] for row in rows}


async def senders(reader: AsyncConnection, real_now: datetime) -> Sequence[SenderState]:
    """Return the workspaces with a sender, and the halted ones."""
    rows = await reader.execute(
        across_workspaces(
            select(_leases)
            .where(or_(_leases.c.halted.is_not(None), _leases.c.owner.is_not(None)))
            .order_by(_leases.c.workspace_id),
            WHOLE_DATABASE,
        )
    )
    return [
        SenderState(
            workspace_id=row.workspace_id,
            owner=row.owner,
            lease_left=(row.lease_until - real_now) if row.lease_until else ZERO,
            halted_reason=row.halted,
        )
        for row in rows
    ]


def _is_in_state(state: State) -> ColumnElement[bool]:
    return _messages.c.state == state
