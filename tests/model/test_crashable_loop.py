"""Killing the bot's tasks leaves nothing that another test would trip over."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from tests.model import crashable_loop
from tests.model.crashable_loop import CrashableTasks, abandoned_connections


@pytest.mark.filterwarnings("error:The garbage collector is trying to clean up")
@pytest.mark.parametrize("turns", range(0, 60, 4))
async def test_tasks_killed_twice_during_a_transaction_leave_no_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, turns: int
) -> None:
    monkeypatch.setattr(crashable_loop, "ROLLBACK_SECONDS", 0.0002)  # cancelled as they roll back
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'some.db'}")
    tasks = CrashableTasks(asyncio.get_running_loop())

    async def work() -> None:
        async with engine.begin() as tx:
            await tx.execute(text("SELECT 1"))
            await asyncio.sleep(60)

    with abandoned_connections():
        tasks.start(work())
        for _ in range(turns):
            await asyncio.sleep(0.0005)
        await tasks.kill()
        await engine.dispose()
