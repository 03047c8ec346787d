"""Wakeup of delivery: answers whose edits are due later must not wake it."""

from contextlib import suppress

import pytest

from bot.agenda import schedule
from bot.db.engine import Database, skip_delivery_wakeup
from bot.services import Services
from tests.harness import BEN, WORKSPACE
from tests.rounds.answers import answer, skip
from tests.rounds.round_rows import NOW
from tests.rounds.test_concurrent_answers import asked, by, same_level

__all__ = ["asked"]  # the fixture


@pytest.fixture
def waiting(asked: Database) -> Database:
    """Clear the flag that delivery waits on, as it does before it waits."""
    asked.changed.clear()
    return asked


async def test_answers_in_a_message_do_not_wake_delivery(
    waiting: Database, services: Services
) -> None:
    await answer(services, by(BEN), same_level(3))
    await skip(services, by(BEN))

    assert not waiting.changed.is_set()


async def test_answer_outside_the_message_wakes_delivery(
    waiting: Database, services: Services
) -> None:
    await answer(services, by(BEN, message=None), same_level(3))

    assert waiting.changed.is_set()


async def test_skip_delivery_wakeup_applies_to_one_transaction_only(waiting: Database) -> None:
    async with waiting.transaction() as tx:
        skip_delivery_wakeup(tx)
    with suppress(ZeroDivisionError):
        async with waiting.transaction() as tx:
            skip_delivery_wakeup(tx)
            raise ZeroDivisionError
    assert not waiting.changed.is_set()

    async with waiting.transaction() as tx:
        await schedule.add(tx, WORKSPACE, action="remind", subject="2", due_at=NOW)

    assert waiting.changed.is_set()
