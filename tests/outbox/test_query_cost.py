"""Rows that outbox queries read while PostgreSQL's statistics are out of date.

A database in use for a year holds a million sent messages, and its statistics say that hardly any
message is pending. Then a weekly round asks everyone at once.
"""

from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from typing import TypeAlias

import pytest
from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import AdjustableClock
from bot.db import schema
from bot.db.engine import Database
from bot.db.upserts import insert_all_if_new
from bot.operations import system_state
from bot.outbox import sender_leases
from bot.outbox.queue_heads import heads

WORKSPACES, PEOPLE, WEEKS = 10, 100, 5
PENDING = WORKSPACES * PEOPLE
#: Rows read per pending message: itself and its target, and each again as a queue head.
READS_PER_MESSAGE = 4

Query: TypeAlias = Callable[[AsyncConnection, AdjustableClock], Awaitable[object]]

QUERIES: dict[str, Query] = {
    "leases with work": lambda reader, clock: sender_leases.workspaces_with_work(
        reader, clock.now(), 64
    ),
    "counts": lambda reader, _: sender_leases.message_counts(reader),
    "bulk sends": lambda reader, clock: sender_leases.due_counts(
        reader, clock.now(), PEOPLE // 2, ["T1"]
    ),
    "heads": lambda reader, clock: heads(
        reader, "T1", now=clock.now(), real=clock.now(), barred=(), limit=128
    ),
    "lag": lambda reader, clock: system_state.outbox_lag(reader, clock.now(), clock.now()),
    "waiting": lambda reader, clock: system_state.waiting_messages(reader, clock.now()),
}


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
async def test_outbox_queries_read_pending_rows_and_little_else(
    db: Database, clock: AdjustableClock, query: Query
) -> None:
    await insert_questions(db, clock, range(WEEKS), "sent")
    async with db.engine.connect() as connection:
        autocommit = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await autocommit.execute(text("ANALYZE"))
    await insert_questions(db, clock, [WEEKS], "pending")
    clock.advance(timedelta(seconds=1))

    async with db.reading() as reader:
        assert await query(reader, clock)
        rows = await reader.scalar(_ROWS_READ)

    assert 0 < rows <= READS_PER_MESSAGE * (PEOPLE if query is QUERIES["heads"] else PENDING)


_ROWS_READ = text(
    "SELECT coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)"
    " FROM pg_stat_xact_user_tables WHERE relname = 'messages'"
)


async def insert_questions(
    db: Database, clock: AdjustableClock, weeks: Iterable[int], state: str
) -> None:
    rows = [
        {
            "workspace_id": f"T{workspace}",
            "message_id": f"{week}x{person}",
            "key": f"ask:{week}:{person}",
            "operation": "post",
            "target_key": f"ask:{week - 1}:{person}" if week else None,
            "conversation": f"U{person}",
            "state": state,
            "not_before": clock.now(),
            "created_at": clock.now(),
        }
        for week in weeks
        for workspace in range(WORKSPACES)
        for person in range(PEOPLE)
    ]
    async with db.transaction() as tx:
        lease = [{"workspace_id": f"T{workspace}"} for workspace in range(WORKSPACES)]
        await insert_all_if_new(tx, schema.sender_leases, lease)
        await tx.execute(insert(schema.messages), rows)
