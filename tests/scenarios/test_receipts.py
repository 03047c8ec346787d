"""Receipts are sent after the answer is saved and acknowledged, and are not lost on a stop."""

import asyncio
from functools import partial

import pytest
from sqlalchemy import select

from bot.clock import monotonic
from bot.db import schema
from bot.db.engine import Database
from bot.slack import background_tasks
from bot.slack.background_tasks import BackgroundTasks
from tests.harness import BEN, BotHarness
from tests.scenarios.test_rounds import ballot_count, round_open
from tests.taps import newest_message, shown_text

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
__all__ = ["round_open"]  # the fixture

SLOW_SECONDS = 0.5
VERY_SLOW_SECONDS = 1.5  # a receipt is given up after two


async def press(harness: BotHarness) -> None:
    """Tap for Ben, and wait for the acknowledgement only."""
    await harness.slack.as_user(BEN).click("rounds.tap.clarity.2")


def is_folded(harness: BotHarness) -> bool:
    return "Clear and doable ✓" in shown_text(newest_message(harness, BEN))


@on_sqlite
async def test_slow_receipt_does_not_delay_the_acknowledgement(round_open: BotHarness) -> None:
    round_open.slack.faults.fail_next("response_url", hang=VERY_SLOW_SECONDS)
    began = monotonic()

    await press(round_open)

    assert monotonic() - began < VERY_SLOW_SECONDS
    assert await ballot_count(round_open) == 1
    assert not is_folded(round_open)
    await round_open.settle()
    assert is_folded(round_open)


@on_sqlite
async def test_stop_waits_for_a_receipt_in_progress(round_open: BotHarness) -> None:
    round_open.slack.faults.fail_next("response_url", hang=SLOW_SECONDS)
    await press(round_open)

    await round_open.bot.stop()

    assert is_folded(round_open)


@on_sqlite
async def test_receipt_that_fails_during_the_stop_queues_an_edit(
    round_open: BotHarness, db: Database
) -> None:
    round_open.slack.faults.fail_next("response_url", hang=SLOW_SECONDS, status=500)
    await press(round_open)

    await round_open.bot.stop()

    async with db.reading() as reader:
        edits = await reader.scalars(
            select(schema.messages.c.target_key).where(schema.messages.c.operation == "update")
        )
        assert len([key for key in edits if key.endswith(BEN)]) == 1


async def test_stop_of_background_tasks_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background_tasks, "STOP_TIMEOUT_SECONDS", 0.05)
    tasks = BackgroundTasks()
    tasks.start(_run_forever())

    await asyncio.wait_for(tasks.stop(), 1)
    await asyncio.wait_for(tasks.wait_until_idle(), 1)


async def _run_forever() -> None:
    await asyncio.Event().wait()


async def test_of_works_with_one_key_only_the_newest_follows_the_one_under_way() -> None:
    tasks, done, may_end = BackgroundTasks(), [], asyncio.Event()

    async def work(name: str) -> None:
        if name == "first":
            await may_end.wait()
        done.append(name)

    for name in ("first", "second", "third"):
        tasks.start_newest("message", partial(work, name))
    tasks.start_newest("another", partial(work, "elsewhere"))
    await asyncio.sleep(0)
    may_end.set()
    await tasks.wait_until_idle()
    tasks.start_newest("message", partial(work, "later"))
    await tasks.wait_until_idle()

    assert done == ["elsewhere", "first", "third", "later"]
