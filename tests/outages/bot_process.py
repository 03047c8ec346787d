"""The bot as a real process, with a round open for many members."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from bot.clock import real_now
from bot.db.engine import Database
from bot.keys import KeyRing
from bot.playground.server import FakeSlack
from bot.rounds import ballots
from bot.settings import encode_key
from tests.conftest import KEY
from tests.harness import WORKSPACE
from tests.rounds.round_rows import ROUND, a_person, a_phase, a_round

STOP_SECONDS = 15


@dataclass(kw_only=True)
class Running:
    """One process of the bot, and what it wrote to standard error."""

    process: asyncio.subprocess.Process
    log: Path

    @property
    def is_alive(self) -> bool:
        return self.process.returncode is None

    def lines(self) -> list[str]:
        return self.log.read_text().splitlines()

    def said(self, event: str) -> int:
        return sum(f'"event": "{event}"' in line for line in self.lines())

    async def until_said(self, event: str, seconds: float = 60) -> None:
        """Wait for a log line. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while not self.said(event):  # noqa: ASYNC110 (another process writes it)
                await asyncio.sleep(0.05)


def environment(url: str, slack: FakeSlack, **more: str) -> dict[str, str]:
    """The settings of a process that talks to this fake Slack."""
    return {
        **os.environ,
        "DATABASE_URL": url,
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "SLACK_SIGNING_SECRET": slack.signing_secret,
        "SLACK_API_URL": slack.api_url,
        "IMBALANCE_KEYS": encode_key(KEY),
        "TICK_SECONDS": "0.5",
        "METRICS_PORT": "0",
        "LOG_FORMAT": "json",
        **more,
    }


@asynccontextmanager
async def running(
    folder: Path, environ: dict[str, str], *arguments: str, name: str = "bot"
) -> AsyncIterator[Running]:
    """`python -m bot run`, until the block ends."""
    log = folder / f"{name}.log"
    with log.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", "run", *arguments, env=environ, stderr=file
        )
    bot = Running(process=process, log=log)
    try:
        await bot.until_said("started")
        yield bot
    finally:
        await stopped(process)


async def stopped(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()


async def open_round(db: Database, members: tuple[str, ...]) -> None:
    """A phase with a round that is open now, as the real clock goes."""
    now = real_now()
    today, last_day = now.date(), (now + timedelta(days=25)).date()
    async with db.transaction() as tx:
        await a_phase(
            tx,
            members=members,
            started_at=now,
            starts_on=today,
            ends_on=last_day,
            first_ends_on=last_day,
        )
        await a_round(tx, members=members, opened_at=now, closes_at=now + timedelta(days=2))
        await ballots.create_secret(tx, KeyRing([KEY]), WORKSPACE, ROUND)
        for member in members:
            await a_person(tx, member)
