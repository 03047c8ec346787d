"""Delivery is woken for what is to be said: many answers say nothing, and cost it nothing."""

from contextlib import suppress

import pytest

from bot.agenda import schedule
from bot.db.engine import Database, skip_delivery_wakeup
from bot.outbox import enqueue
from bot.outbox.keys import MessageKey
from bot.rounds import answering
from bot.services import Services
from bot.slack.content import content
from tests.harness import BEN, WORKSPACE
from tests.rounds.round_rows import NOW, ROUND
from tests.rounds.test_concurrent_answers import asked, here, levels

__all__ = ["asked"]  # the fixture


@pytest.fixture
def awaited(asked: Database) -> Database:
    """As delivery waits: for whatever is written from now on."""
    asked.changed.clear()
    return asked


async def test_answers_wake_nobody(awaited: Database, services: Services) -> None:
    await answering.answer(services, here(BEN), levels(3))
    await answering.skip(services, here(BEN))

    assert not awaited.changed.is_set()


async def test_an_answer_that_is_shown_elsewhere_wakes_delivery(
    awaited: Database, services: Services
) -> None:
    await answering.answer(services, here(BEN, message=None), levels(3))

    assert awaited.changed.is_set()


async def test_a_reminder_to_be_edited_wakes_delivery(
    awaited: Database, services: Services
) -> None:
    async with awaited.transaction() as tx:
        key = f"remind:{ROUND}:{BEN}"
        await enqueue.post(
            tx, WORKSPACE, key=MessageKey(key), to=BEN, content=content("!"), now=NOW
        )
    awaited.changed.clear()

    await answering.answer(services, here(BEN), levels(3))

    assert awaited.changed.is_set()


async def test_quiet_is_one_transaction_only(awaited: Database) -> None:
    async with awaited.transaction() as tx:
        skip_delivery_wakeup(tx)
    with suppress(ZeroDivisionError):
        async with awaited.transaction() as tx:
            skip_delivery_wakeup(tx)
            raise ZeroDivisionError
    assert not awaited.changed.is_set()

    async with awaited.transaction() as tx:
        await schedule.add(tx, WORKSPACE, action="remind", subject="2", due_at=NOW)

    assert awaited.changed.is_set()
