"""Commands whose reader stops early, and a playground that runs already."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.__main__ import PLAYGROUND
from bot.db.file_lock import exclusive_lock
from tests.docs.reading import ROOT


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("arguments", ["doctor", "outbox list --json", "audit"])
async def test_command_ends_quietly_if_nobody_reads_its_output(
    database_url: str, arguments: str
) -> None:
    """`true` closes the pipe before anything is written."""
    shell = f"({sys.executable} -m bot {arguments}; echo $? >&2) | true"
    environ = {**os.environ, "DATABASE_URL": database_url, "METRICS_PORT": "0"}
    process = await asyncio.create_subprocess_shell(
        shell, env=environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )

    _, errors = await process.communicate()
    assert errors.decode() == "141\n"


@pytest.fixture
async def running_playground(tmp_path: Path) -> AsyncIterator[Path]:
    """A folder in which a playground holds its lock."""
    database = tmp_path / PLAYGROUND / "imbalance.db"
    async with exclusive_lock(f"sqlite:///{database}"):
        (database.parent / "slack.json").write_text("{}")
        yield tmp_path


async def test_second_playground_says_at_once_that_one_runs_and_resets_nothing(
    running_playground: Path,
) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "playground", "--no-open", "--port", "0", "--reset"),
        cwd=running_playground,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None

    line = (await process.stderr.readline()).decode()  # long before it gives up
    assert line.startswith("Another process of Imbalance uses data/playground/imbalance.db. Waiti")
    assert process.returncode is None
    process.kill()
    await process.wait()
    assert (running_playground / PLAYGROUND / "slack.json").exists()
