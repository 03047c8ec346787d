"""Claims on due agenda items, taken in batches so that replicas do not contend for each row.

A claim sets `retry_at` to a short time ahead: if the claiming process dies, others may take the
item after that. A claim is no lock. A slow item may be started twice; `complete_or_abort` lets only
one of the runs commit.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda.schedule import PARKED, AgendaItem, item_from_row
from bot.db import schema
from bot.db.tenancy import across_workspaces

_agenda = schema.agenda
_KEY_COLUMNS = (_agenda.c.workspace_id, _agenda.c.action, _agenda.c.subject)

#: Real time after which other processes may take a claimed item that was not run.
CLAIM_DURATION = timedelta(seconds=20)

# Each has its own index (`schema.agenda`). Combined in one condition, neither would be used.
DUE_ANYWHERE = "one ticker claims the due actions of every workspace"
_FRESH = (_agenda.c.retry_at.is_(None), (_agenda.c.due_at, *_KEY_COLUMNS))


def _retryable(real: datetime) -> tuple[ColumnElement[bool], tuple[Any, ...]]:
    return (_agenda.c.retry_at <= real, (_agenda.c.retry_at, *_KEY_COLUMNS))


async def due(
    reader: AsyncConnection, now: datetime, real: datetime, limit: int
) -> list[AgendaItem]:
    """Return the items due at `now`, oldest first, except failed ones not to be retried yet."""
    items: list[AgendaItem] = []
    for condition, order in (_FRESH, _retryable(real)):
        rows = await reader.execute(
            across_workspaces(_due(now, condition, order, limit, _agenda), DUE_ANYWHERE)
        )
        items += [item_from_row(row) for row in rows]
    return sorted(items, key=_oldest_first)[:limit]


async def claim(tx: AsyncConnection, now: datetime, real: datetime, limit: int) -> list[AgendaItem]:
    """Claim the items due at `now` that nobody else has claimed, oldest first."""
    items: list[AgendaItem] = []
    for condition, order in (_FRESH, _retryable(real)):
        candidates = _due(now, condition, order, limit - len(items), *_KEY_COLUMNS)
        claimable = candidates.with_for_update(skip_locked=True).cte("claimable")
        rows = await tx.execute(
            across_workspaces(
                update(_agenda)
                .where(tuple_(*_KEY_COLUMNS).in_(select(claimable)))
                .values(retry_at=real + CLAIM_DURATION)
                .returning(_agenda),
                DUE_ANYWHERE,
            )
        )
        items += [item_from_row(row) for row in rows]
        if len(items) == limit:
            break
    return sorted(items, key=_oldest_first)


async def release(tx: AsyncConnection, items: Sequence[AgendaItem]) -> None:
    """Make items that were claimed but not started available to others at once."""
    keys = [(item.workspace_id, item.action, item.subject) for item in items]
    claimed = tuple_(*_KEY_COLUMNS).in_(keys)
    released = update(_agenda).where(claimed, _agenda.c.retry_at < PARKED).values(retry_at=None)
    await tx.execute(across_workspaces(released, "the items of one claim, by their whole keys"))


async def reschedule_failed(tx: AsyncConnection, item: AgendaItem, retry_at: datetime) -> None:
    """Retry the item at `retry_at` (real time)."""
    await tx.execute(
        update(_agenda)
        .where(
            _agenda.c.workspace_id == item.workspace_id,
            _agenda.c.action == item.action,
            _agenda.c.subject == item.subject,
            _agenda.c.due_at == item.due_at,  # if it was rescheduled meanwhile, the new time stands
            or_(_agenda.c.retry_at.is_(None), _agenda.c.retry_at < PARKED),
        )
        .values(attempts=_agenda.c.attempts + 1, retry_at=retry_at)
    )


async def park(tx: AsyncConnection, workspace_id: str) -> None:
    """Exclude this workspace's items from every query for due items, until `unpark`."""
    await tx.execute(
        update(_agenda).where(_agenda.c.workspace_id == workspace_id).values(retry_at=PARKED)
    )


async def unpark(tx: AsyncConnection, workspace_id: str) -> None:
    """Run what became due meanwhile, as after any downtime."""
    await tx.execute(
        update(_agenda)
        .where(_agenda.c.workspace_id == workspace_id, _agenda.c.retry_at == PARKED)
        .values(retry_at=None, attempts=0)
    )


def _due(
    now: datetime, condition: ColumnElement[bool], order: Sequence[Any], limit: int, *columns: Any
) -> Select[Any]:
    return select(*columns).where(_agenda.c.due_at <= now, condition).order_by(*order).limit(limit)


def _oldest_first(item: AgendaItem) -> tuple[datetime, str, str, str]:
    return item.due_at, item.workspace_id, item.action, item.subject
