"""Steps from closing a round to showing its results, and reads of the rows they leave."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select

from bot.agenda.schedule import AgendaItem
from bot.db import schema
from bot.db.engine import Database
from bot.results.lifecycle import show_results, store_results
from bot.services import Services
from tests.harness import KEYS, WORKSPACE
from tests.results.result_rows import HIGH, LOW, MIXED, Closing, a_closed_round
from tests.rounds.round_rows import the_phase

#: Thursday afternoon in Lisbon; the team sees the results on Friday at ten.
CLOSED = datetime(2026, 11, 26, 16, 0, tzinfo=UTC)
FRIDAY = datetime(2026, 11, 27, 10, 0, tzinfo=UTC)
COMMENTS = ("The importer is late & nobody says so", "Thanks for Tuesday")
ALL = {"clarity": LOW, "trust": HIGH, "ego": MIXED}


async def close(
    db: Database, round_id: str = "r1", *, number: int = 1, now: datetime = CLOSED, **more: Any
) -> Closing:
    """Close a round with these counts, as `bot.rounds` does."""
    counts, comments = more.pop("counts", ALL), more.pop("comments", ())
    async with db.transaction() as tx:
        closing = await a_closed_round(
            tx, round_id, number=number, is_enough=counts is not None, **more
        )
        phase = await the_phase(tx)
        await store_results(tx, KEYS, WORKSPACE, phase, closing, counts, comments, now=now)
    return closing


async def figures(db: Database, round_id: str = "r1") -> dict[str, Any]:
    levels = schema.question_levels
    async with db.reading() as reader:
        rows = await reader.execute(select(levels).where(levels.c.round_id == round_id))
        return {row.key: row for row in rows}


async def count(db: Database, table: Any) -> int:
    async with db.reading() as reader:
        return await reader.scalar(select(func.count()).select_from(table)) or 0


async def show(services: Services, round_id: str = "r1", due_at: datetime = FRIDAY) -> None:
    item = AgendaItem(
        workspace_id=WORKSPACE, action="show_results", subject=round_id, due_at=due_at
    )
    await show_results(services, item)
