"""Noting what is to be done while it is noted already, or being done."""

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
async def noted(db: Database) -> Database:
    async with db.transaction() as tx:
        await schedule.add(tx, WORKSPACE, action="act", subject="one", due_at=NOW)
    return db


async def note_again(db: Database) -> None:
    async with db.transaction() as tx:
        await schedule.add_or_lock(tx, WORKSPACE, action="act", subject="one", due_at=LATER)


async def due_now(db: Database) -> list[datetime]:
    async with db.reading() as reader:
        return [item.due_at for item in await due(reader, NOW, real_now(), 10)]


async def test_what_was_claimed_and_is_noted_again_is_free_again(noted: Database) -> None:
    """Another carries it out in the same batch as what notes it: it left off, and comes back."""
    async with noted.transaction() as tx:
        assert await claim(tx, NOW, real_now(), 10)
    assert await due_now(noted) == []

    await note_again(noted)

    assert await due_now(noted) == [NOW]  # as it was noted first


async def test_what_is_parked_stays_parked(noted: Database) -> None:
    async with noted.transaction() as tx:
        await park(tx, WORKSPACE)

    await note_again(noted)

    assert await due_now(noted) == []
