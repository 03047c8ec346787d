"""A tick costs what is due, not what exists: no query of it reads the whole agenda."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, text

from bot.agenda.claims import due
from bot.agenda.schedule import AgendaItem, run_item
from bot.agenda.ticker import BATCH, Ticker
from bot.clock import AdjustableClock, real_now
from bot.db.engine import Database
from tests.conftest import MONDAY

PHASES = 20_000
PER_PHASE = 5  # what a running phase usually has before it: 100,000 rows
FILL = """
WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < :rows - 1)
INSERT INTO agenda (workspace_id, action, subject, due_at, attempts, retry_at)
SELECT 'T' || (n / 1000), 'act' || (n % 5), 'phase' || n,
       CASE WHEN n % 1000 < 1 THEN :due WHEN n % 1000 < 3 THEN :stuck ELSE :later END,
       0, CASE WHEN n % 1000 BETWEEN 1 AND 2 THEN :wait END
FROM numbers
"""


async def fill(db: Database) -> None:
    """100 things are due, 200 failed and wait, and the rest is to come."""
    offset = "" if db.is_sqlite else "+00:00"
    values = {
        "rows": PHASES * PER_PHASE,
        "due": f"2026-11-23 08:00:00.000000{offset}",
        "stuck": f"2026-11-23 07:00:00.000000{offset}",
        "later": f"2027-03-01 00:00:00.000000{offset}",
        "wait": f"2099-01-01 00:00:00.000000{offset}",
    }
    statement = FILL
    if not db.is_sqlite:
        for name in ("due", "stuck", "later", "wait"):
            statement = statement.replace(f":{name}", f"CAST(:{name} AS timestamptz)")
    async with db.transaction() as tx:
        await tx.execute(text(statement), values)
        await tx.execute(text("ANALYZE agenda"))


async def plans(db: Database, statements: list[tuple[str, Any]]) -> list[str]:
    """How the engine reads the agenda for each of these."""
    explain = "EXPLAIN QUERY PLAN " if db.is_sqlite else "EXPLAIN "
    found = []
    async with db.transaction() as tx:
        for statement, values in statements:
            rows = await tx.exec_driver_sql(explain + statement, values)
            found.append("\n".join(str(row[-1]) for row in rows))
    return found


@pytest.fixture
async def full(db: Database) -> Database:
    await fill(db)
    return db


async def test_a_tick_reads_no_more_than_is_due(full: Database, clock: AdjustableClock) -> None:
    statements: list[tuple[str, Any]] = []

    def remember(_c: object, _cur: object, statement: str, values: Any, *_: object) -> None:
        if "agenda" in statement:
            statements.append((statement, values))

    async def act(item: AgendaItem) -> None:
        async with run_item(full, item):
            pass

    ticker = Ticker(full, clock, {f"act{number}": act for number in range(5)})
    event.listen(full.engine.sync_engine, "before_cursor_execute", remember)
    try:
        assert await ticker.tick() == PHASES * PER_PHASE // 1000
    finally:
        event.remove(full.engine.sync_engine, "before_cursor_execute", remember)

    once = {statement: values for statement, values in statements}
    for plan in await plans(full, list(once.items())):
        assert "Seq Scan on agenda" not in plan, plan
        assert "SCAN agenda" not in plan, plan
        assert "TEMP B-TREE" not in plan, plan  # nothing is sorted
        assert "Sort" not in plan, plan
    assert len(once) <= 8


async def test_a_batch_is_the_oldest_of_what_is_due(full: Database) -> None:
    async with full.reading() as reader:
        items = await due(reader, MONDAY, real_now(), BATCH)
        more = await due(reader, MONDAY + timedelta(days=365), real_now(), 2 * BATCH)

    assert len(items) == BATCH
    assert {item.due_at for item in items} == {MONDAY - timedelta(hours=1)}
    assert more[:BATCH] == items
