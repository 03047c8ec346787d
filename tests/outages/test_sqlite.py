"""SQLite with a full disk, kill -9 at random moments, and a second process on its file."""

import asyncio
import json
import resource
import sqlite3
import sys
from collections import Counter
from pathlib import Path

import pytest

from bot.clock import Clock, monotonic
from bot.db.engine import Database
from bot.db.file_lock import WAIT_SECONDS
from tests import forked_bot
from tests.conftest import running_fake_slack
from tests.databases import copy_of
from tests.harness import KEY_RING
from tests.outages.bot_process import environment, open_round, started_bot
from tests.outages.load import NO_ANSWER, NOT_SAVED, SAVED, Crowd, Member
from tests.outages.outage import ACK_SECONDS_UNDER_LOAD, add_members

KILLS = 15
SPACE_BYTES = 64 * 1024


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1])
async def test_acknowledged_writes_survive_kill_9(tmp_path: Path, seed: int) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.outages.kill_loop"),
        *(str(tmp_path / "imbalance.db"), str(KILLS), str(seed)),
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()

    counted = json.loads(output.splitlines()[-1])
    assert counted["problems"] == []
    assert counted["kills"] == KILLS
    assert counted["acknowledged"] > 5 * KILLS
    assert counted["closed"] > 0


async def test_full_disk_is_reported_and_saving_resumes_when_there_is_space(
    sqlite_template: Path, tmp_path: Path
) -> None:
    """A file size limit makes real writes of a real process fail."""
    file = tmp_path / "imbalance.db"
    url = copy_of(sqlite_template, file)
    db = Database(url, KEY_RING)
    members = tuple(f"U1M{number:03}" for number in range(12))
    await open_round(db, members)
    async with (
        running_fake_slack(Clock()) as slack,
        started_bot(tmp_path, environment(url, slack)) as bot,
    ):
        add_members(slack, members)
        crowd = Crowd(slack=slack, members=[Member(user_id=one) for one in members])
        answering = asyncio.create_task(crowd.answer_until_stopped())
        await asyncio.sleep(0.5)
        limit_files(
            bot.process.pid, file.with_name("imbalance.db-wal").stat().st_size + SPACE_BYTES
        )
        await wait_for_outcome(crowd, NOT_SAVED)
        limit_files(bot.process.pid, resource.RLIM_INFINITY)
        before = crowd.counts()[SAVED]
        await wait_for_outcome(crowd, SAVED, more_than=before + 20)
        crowd.stop()
        await answering
        assert bot.is_alive

    assert await crowd.misled(db) == []
    assert crowd.counts()[NO_ANSWER] == 0
    assert crowd.slowest() < ACK_SECONDS_UNDER_LOAD
    await db.close()
    with sqlite3.connect(file) as plain:
        assert plain.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    plain.close()


def limit_files(pid: int, size: int) -> None:
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))


async def wait_for_outcome(crowd: Crowd, meaning: str, *, more_than: int = 0) -> None:
    """Wait until more than this number of attempts had this outcome."""
    counted: Counter[str] = Counter()
    async with asyncio.timeout(40):
        while counted[meaning] <= more_than:
            await asyncio.sleep(0.05)
            counted = crowd.counts()


@pytest.mark.slow
async def test_second_process_waits_and_then_refuses_to_start(
    sqlite_template: Path, tmp_path: Path
) -> None:
    url = copy_of(sqlite_template, tmp_path / "imbalance.db")
    async with running_fake_slack(Clock()) as slack:
        environ = environment(url, slack)
        async with started_bot(tmp_path, environ) as first:
            began = monotonic()
            second = await forked_bot.run(["run"], environ)
            took = monotonic() - began
            assert first.is_alive

    assert second.code == 1
    assert WAIT_SECONDS <= took < WAIT_SECONDS + 20
    assert "It was not started twice: SQLite serves one." in second.err
    assert "imbalance.db" in second.err
