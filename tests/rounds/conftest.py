"""Fixtures for the tests of rounds."""

import pytest

from bot.db.engine import Database
from bot.rounds.lifecycle import plan_rounds
from tests.harness import OWNER, WORKSPACE
from tests.rounds.round_rows import NOW, ZONES, a_person, a_phase, the_phase


@pytest.fixture
async def phase(db: Database) -> Database:
    """A phase that has just started, with its rounds planned."""
    async with db.transaction() as tx:
        for user_id in ZONES:
            await a_person(tx, user_id)
        await a_person(tx, OWNER, is_admin=True)
        await a_phase(tx)
        await plan_rounds(tx, WORKSPACE, await the_phase(tx), NOW)
    return db
