"""Closing the database waits for work under way, but not for work that hangs."""

import asyncio
from typing import Any

import pytest

from bot.db import engine
from bot.db.engine import Database
from bot.db.request_deadline import finish_in_background


async def slow_work(done: list[str]) -> None:
    await asyncio.sleep(0.05)
    done.append("work")


async def test_close_waits_for_abandoned_work(db: Database) -> None:
    done: list[str] = []
    finish_in_background(asyncio.create_task(slow_work(done)))

    await db.close()

    assert done == ["work"]


async def test_close_waits_for_a_group_commit_under_way(db: Database) -> None:
    done: list[str] = []

    async def work(_tx: object, _given: object, items: Any) -> Any:
        await slow_work(done)
        return [None for _ in items]

    submitted = asyncio.create_task(db.group_commit(work, "").submit("one"))
    await asyncio.sleep(0)

    await db.close()

    assert done == ["work"]
    await submitted


async def test_close_gives_up_on_work_that_hangs(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "CLOSING_SECONDS", 0.01)
    hanging = asyncio.create_task(asyncio.Event().wait())
    finish_in_background(hanging)

    async with asyncio.timeout(5):
        await db.close()

    hanging.cancel()
