"""Receipts are sent after the answer is saved and acknowledged, and are not lost on a stop."""

import asyncio

import pytest
from sqlalchemy import select

from bot.clock import monotonic
from bot.db import schema
from bot.db.engine import Database
from bot.slack import background_tasks
from bot.slack.background_tasks import BackgroundTasks
from tests.harness import BEN, BotHarness
from tests.scenarios.test_rounds import ballot_count, latest_dm, round_open, values_by_block

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
__all__ = ["round_open"]  # the fixture

SLOW_SECONDS = 0.5
VERY_SLOW_SECONDS = 1.5  # a receipt is given up after two


async def press_send(harness: BotHarness) -> None:
    """Send Ben's answer and wait for its acknowledgement only."""
    values = values_by_block(latest_dm(harness, BEN)["blocks"], clarity="2")
    await harness.slack.as_user(BEN).click("rounds.send", values=values)


@on_sqlite
async def test_slow_receipt_does_not_delay_the_acknowledgement(round_open: BotHarness) -> None:
    round_open.slack.faults.fail_next("response_url", hang=VERY_SLOW_SECONDS)
    began = monotonic()

    await press_send(round_open)

    assert monotonic() - began < VERY_SLOW_SECONDS
    assert await ballot_count(round_open) == 1
    assert latest_dm(round_open, BEN)["text"].startswith("Three questions")
    await round_open.settle()
    assert latest_dm(round_open, BEN)["text"].startswith("Received.")


@on_sqlite
async def test_stop_waits_for_a_receipt_in_progress(round_open: BotHarness) -> None:
    round_open.slack.faults.fail_next("response_url", hang=SLOW_SECONDS)
    await press_send(round_open)

    await round_open.bot.stop()

    assert latest_dm(round_open, BEN)["text"].startswith("Received.")


@on_sqlite
async def test_receipt_that_fails_during_the_stop_queues_an_edit(
    round_open: BotHarness, db: Database
) -> None:
    round_open.slack.faults.fail_next("response_url", hang=SLOW_SECONDS, status=500)
    await press_send(round_open)

    await round_open.bot.stop()

    async with db.reading() as reader:
        edits = await reader.scalars(
            select(schema.messages.c.target_key).where(schema.messages.c.operation == "update")
        )
        assert [key for key in edits if key.endswith(BEN)] != []


async def test_stop_of_background_tasks_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background_tasks, "STOP_TIMEOUT_SECONDS", 0.05)
    tasks = BackgroundTasks()
    tasks.start(_run_forever())

    await asyncio.wait_for(tasks.stop(), 1)
    await asyncio.wait_for(tasks.wait_until_idle(), 1)


async def _run_forever() -> None:
    await asyncio.Event().wait()
