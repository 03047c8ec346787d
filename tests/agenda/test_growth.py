"""A tick costs what is due, not what exists: none of its queries reads the whole agenda."""

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
PER_PHASE = 5  # items that a running phase usually has ahead: 100,000 rows in all
FILL = """
WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < :rows - 1)
INSERT INTO agenda (workspace_id, action, subject, due_at, attempts, retry_at)
SELECT 'T' || (n / 1000), 'act' || (n % 5), 'phase' || n,
       CASE WHEN n % 1000 < 1 THEN :due WHEN n % 1000 < 3 THEN :stuck ELSE :later END,
       0, CASE WHEN n % 1000 BETWEEN 1 AND 2 THEN :wait END
FROM numbers
"""


async def fill(db: Database) -> None:
    """100 items are due, 200 failed and wait for a retry, and the rest lie in the future."""
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
    """The engine's query plan for each statement."""
    explain = "EXPLAIN QUERY PLAN " if db.is_sqlite else "EXPLAIN "
    found = []
    async with db.transaction() as tx:
        for statement, values in statements:
            rows = await tx.exec_driver_sql(explain + statement, values)
            found.append("\n".join(str(row[-1]) for row in rows))
    return found


@pytest.fixture
async def full_agenda(db: Database) -> Database:
    await fill(db)
    return db


async def test_tick_reads_the_agenda_by_index_without_sorting(
    full_agenda: Database, clock: AdjustableClock
) -> None:
    statements: list[tuple[str, Any]] = []

    def remember(_c: object, _cur: object, statement: str, values: Any, *_: object) -> None:
        if "agenda" in statement:
            statements.append((statement, values))

    async def act(item: AgendaItem) -> None:
        async with run_item(full_agenda, item):
            pass

    ticker = Ticker(full_agenda, clock, {f"act{number}": act for number in range(5)})
    event.listen(full_agenda.engine.sync_engine, "before_cursor_execute", remember)
    try:
        assert await ticker.tick() == PHASES * PER_PHASE // 1000
    finally:
        event.remove(full_agenda.engine.sync_engine, "before_cursor_execute", remember)

    once = {statement: values for statement, values in statements}
    for plan in await plans(full_agenda, list(once.items())):
        assert "Seq Scan on agenda" not in plan, plan
        assert "SCAN agenda" not in plan, plan
        assert "TEMP B-TREE" not in plan, plan  # nothing is sorted
        assert "Sort" not in plan, plan
    assert len(once) <= 8


async def test_batch_holds_the_oldest_due_items(full_agenda: Database) -> None:
    async with full_agenda.reading() as reader:
        items = await due(reader, MONDAY, real_now(), BATCH)
        more = await due(reader, MONDAY + timedelta(days=365), real_now(), 2 * BATCH)

    assert len(items) == BATCH
    assert {item.due_at for item in items} == {MONDAY - timedelta(hours=1)}
    assert more[:BATCH] == items
