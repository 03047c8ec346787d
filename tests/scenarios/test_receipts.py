"""An answer is acknowledged once it is kept; what shows it follows, and is not forgotten."""

import asyncio

import pytest
from sqlalchemy import select

from bot.clock import monotonic
from bot.db import schema
from bot.db.engine import Database
from bot.slack import background_tasks
from bot.slack.background_tasks import BackgroundTasks
from tests.harness import BEN, BotHarness
from tests.scenarios.test_rounds import asked, ballots_left, chosen, message_of

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
__all__ = ["asked"]  # the fixture

SLOW_SECONDS = 0.5
VERY_SLOW_SECONDS = 1.5  # a receipt is given up after two


async def press_send(harness: BotHarness) -> None:
    """Ben's answer, acknowledged; he waits for nothing else."""
    values = chosen(message_of(harness, BEN)["blocks"], clarity="2")
    await harness.slack.as_user(BEN).click("rounds.send", values=values)


@on_sqlite
async def test_a_slow_receipt_delays_no_acknowledgement(asked: BotHarness) -> None:
    asked.slack.faults.fail_next("response_url", hang=VERY_SLOW_SECONDS)
    began = monotonic()

    await press_send(asked)

    assert monotonic() - began < VERY_SLOW_SECONDS
    assert await ballots_left(asked) == 1
    assert message_of(asked, BEN)["text"].startswith("Three questions")
    await asked.settle()
    assert message_of(asked, BEN)["text"].startswith("Received.")


@on_sqlite
async def test_a_receipt_under_way_is_waited_for_at_the_stop(asked: BotHarness) -> None:
    asked.slack.faults.fail_next("response_url", hang=SLOW_SECONDS)
    await press_send(asked)

    await asked.bot.stop()

    assert message_of(asked, BEN)["text"].startswith("Received.")


@on_sqlite
async def test_an_edit_is_noted_for_what_fails_at_the_stop(asked: BotHarness, db: Database) -> None:
    asked.slack.faults.fail_next("response_url", hang=SLOW_SECONDS, status=500)
    await press_send(asked)

    await asked.bot.stop()

    async with db.reading() as reader:
        edits = await reader.scalars(
            select(schema.messages.c.target_key).where(schema.messages.c.operation == "update")
        )
        assert [key for key in edits if key.endswith(BEN)] != []


async def test_the_stop_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background_tasks, "LONGEST_SECONDS", 0.05)
    after = BackgroundTasks()
    after.start(_for_ever())

    await asyncio.wait_for(after.stop(), 1)
    await asyncio.wait_for(after.done(), 1)


async def _for_ever() -> None:
    await asyncio.Event().wait()
