"""Claims on due actions, taken in batches so that replicas do not contend for each row.

A claim is a `retry_at` a little later: who dies with it leaves the item to the others after that.
It is no lock. An item that takes longer may be begun twice, and `strike_off` lets one through.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda.schedule import PARKED, AgendaItem, item_from_row
from bot.db import schema

_agenda = schema.agenda
_KEY = (_agenda.c.workspace_id, _agenda.c.action, _agenda.c.subject)

#: Real time until others may take what a process claimed and did not do.
CLAIMED_FOR = timedelta(seconds=20)

# One index each (`schema.agenda`). Asked together, as one condition, they would use neither.
_FRESH = (_agenda.c.retry_at.is_(None), (_agenda.c.due_at, *_KEY))


def _again(real: datetime) -> tuple[ColumnElement[bool], tuple[Any, ...]]:
    return (_agenda.c.retry_at <= real, (_agenda.c.retry_at, *_KEY))


async def due(
    reader: AsyncConnection, now: datetime, real: datetime, limit: int
) -> list[AgendaItem]:
    """What is due at `now`, oldest first, without what failed and waits for its next try."""
    found: list[AgendaItem] = []
    for condition, order in (_FRESH, _again(real)):
        rows = await reader.execute(_due(now, condition, order, limit, _agenda))
        found += [item_from_row(row) for row in rows]
    return sorted(found, key=_oldest_first)[:limit]


async def claim(tx: AsyncConnection, now: datetime, real: datetime, limit: int) -> list[AgendaItem]:
    """Take what is due at `now` and not claimed by others, oldest first."""
    found: list[AgendaItem] = []
    for condition, order in (_FRESH, _again(real)):
        first = _due(now, condition, order, limit - len(found), *_KEY)
        mine = first.with_for_update(skip_locked=True).cte("mine")
        rows = await tx.execute(
            update(_agenda)
            .where(tuple_(*_KEY).in_(select(mine)))
            .values(retry_at=real + CLAIMED_FOR)
            .returning(_agenda)
        )
        found += [item_from_row(row) for row in rows]
        if len(found) == limit:
            break
    return sorted(found, key=_oldest_first)


async def release(tx: AsyncConnection, items: Sequence[AgendaItem]) -> None:
    """Let others do at once what was claimed and not begun."""
    keys = [(item.workspace_id, item.action, item.subject) for item in items]
    mine = tuple_(*_KEY).in_(keys)
    await tx.execute(update(_agenda).where(mine, _agenda.c.retry_at < PARKED).values(retry_at=None))


async def reschedule_failed(tx: AsyncConnection, item: AgendaItem, retry_at: datetime) -> None:
    """Try again at `retry_at` (real time)."""
    await tx.execute(
        update(_agenda)
        .where(
            _agenda.c.workspace_id == item.workspace_id,
            _agenda.c.action == item.action,
            _agenda.c.subject == item.subject,
            _agenda.c.due_at == item.due_at,  # who moved it meanwhile wants it then
            or_(_agenda.c.retry_at.is_(None), _agenda.c.retry_at < PARKED),
        )
        .values(attempts=_agenda.c.attempts + 1, retry_at=retry_at)
    )


async def park(tx: AsyncConnection, workspace_id: str) -> None:
    """Do nothing of this workspace, and do not even look at it, until `unpark`."""
    await tx.execute(
        update(_agenda).where(_agenda.c.workspace_id == workspace_id).values(retry_at=PARKED)
    )


async def unpark(tx: AsyncConnection, workspace_id: str) -> None:
    """Do what became due meanwhile, as after any downtime."""
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
