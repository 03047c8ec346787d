"""Fixtures for the tests of results."""

import pytest

from bot.clock import AdjustableClock
from bot.db.engine import Database
from tests.harness import ANA, MEMBERS
from tests.results.steps import CLOSED
from tests.rounds.round_rows import a_person, a_phase


@pytest.fixture
async def phase(db: Database, clock: AdjustableClock) -> Database:
    """A phase, at the time when its first round closes."""
    clock.move_to(CLOSED)
    async with db.transaction() as tx:
        for user_id in (ANA, *MEMBERS):
            await a_person(tx, user_id)
        await a_phase(tx)
    return db
