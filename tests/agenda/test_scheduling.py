"""Scheduling an item that is already scheduled, claimed or parked."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.agenda import schedule
from bot.agenda.claims import claim, due, park
from bot.clock import real_now
from bot.db.engine import Database
from tests.harness import WORKSPACE

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
LATER = NOW + timedelta(days=1)


@pytest.fixture
async def scheduled(db: Database) -> Database:
    async with db.transaction() as tx:
        await schedule.add(tx, WORKSPACE, action="act", subject="one", due_at=NOW)
    return db


async def schedule_again(db: Database) -> None:
    async with db.transaction() as tx:
        await schedule.add_or_lock(tx, WORKSPACE, action="act", subject="one", due_at=LATER)


async def due_now(db: Database) -> list[datetime]:
    async with db.reading() as reader:
        return [item.due_at for item in await due(reader, NOW, real_now(), 10)]


async def test_scheduling_a_claimed_item_again_releases_the_claim(scheduled: Database) -> None:
    """The lock aborts a run in progress, so the item must be available to run again."""
    async with scheduled.transaction() as tx:
        assert await claim(tx, NOW, real_now(), 10)
    assert await due_now(scheduled) == []

    await schedule_again(scheduled)

    assert await due_now(scheduled) == [NOW]  # the first due time is kept


async def test_scheduling_a_parked_item_again_keeps_it_parked(scheduled: Database) -> None:
    async with scheduled.transaction() as tx:
        await park(tx, WORKSPACE)

    await schedule_again(scheduled)

    assert await due_now(scheduled) == []
