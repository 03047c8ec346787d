"""The bot as a real process, and an open round for its members."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from bot.clock import real_now
from bot.db.engine import Database
from bot.playground.server import FakeSlack
from bot.rounds import ballots
from bot.settings import encode_key
from tests import forked_bot
from tests.forked_bot import ForkedBot
from tests.harness import KEY, KEYS, WORKSPACE
from tests.rounds.round_rows import ROUND, a_person, a_phase, a_round

STOP_SECONDS = 15


@dataclass(kw_only=True)
class BotProcess:
    """One process of the bot, and the log file with its standard error."""

    process: ForkedBot
    log: Path

    @property
    def is_alive(self) -> bool:
        return self.process.returncode is None

    def lines(self) -> list[str]:
        return self.log.read_text().splitlines()

    def count_events(self, event: str) -> int:
        return sum(f'"event": "{event}"' in line for line in self.lines())

    async def wait_for_event(self, event: str, seconds: float = 60) -> None:
        """Wait for a log line with this event. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while not self.count_events(event):  # noqa: ASYNC110 (another process writes it)
                await asyncio.sleep(0.05)


def environment(url: str, slack: FakeSlack, **more: str) -> dict[str, str]:
    """The environment of a process that talks to this fake Slack."""
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
async def started_bot(
    folder: Path, environ: dict[str, str], *arguments: str, name: str = "bot"
) -> AsyncIterator[BotProcess]:
    """Run `python -m bot run` until the block ends."""
    log = folder / f"{name}.log"
    with log.open("wb") as file:
        process = await forked_bot.start(("run", *arguments), environ, file, file)
    bot = BotProcess(process=process, log=log)
    try:
        await bot.wait_for_event("started")
        yield bot
    finally:
        await stop(process)


async def stop(process: asyncio.subprocess.Process | ForkedBot) -> None:
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()


async def open_round(db: Database, members: tuple[str, ...]) -> None:
    """Add a phase with a round that is open by the real clock."""
    now = real_now()
    today, last_day = now.date(), (now + timedelta(days=25)).date()
    async with db.transaction() as tx:
        await a_phase(
            tx,
            members=members,
            started_at=now,
            starts_on=today,
            ends_on=last_day,
            original_ends_on=last_day,
        )
        await a_round(tx, members=members, opened_at=now, closes_at=now + timedelta(days=2))
        await ballots.create_secret(tx, KEYS, WORKSPACE, ROUND, now + timedelta(days=2))
        for member in members:
            await a_person(tx, member)
