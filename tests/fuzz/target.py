"""The bot under test, over signed HTTP, and snapshots of everything that it and Slack have stored.

A payload is only valid in the state for which Slack made it, so each is kept with that state, and
the state is restored before the payload and its mutations are sent.
"""

import asyncio
import pickle
import shutil
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp

from bot.app import Imbalance
from bot.clock import AdjustableClock
from bot.playground.fake_slack.workspace import Workspace
from bot.settings import ROUND_KEYS_FOLDER
from tests.conftest import MONDAY, running_fake_slack, set_generous_timeouts, settings_for
from tests.harness import BotHarness, without_limits

#: Leases are in real time: they are free in every state that is restored.
_FREE_LEASES = "UPDATE sender_leases SET owner = NULL, lease_until = NULL, resume_at = NULL"
_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
_WORKSPACE_PARTS = (
    *("users", "conversations", "views", "stacks", "homes", "files", "contents", "typed"),
)


class _Bot(Imbalance):
    """The bot, whose Bolt app can be inspected."""

    bolt: AsyncApp

    async def _build_bolt(self) -> AsyncApp:
        self.bolt = await super()._build_bolt()
        return self.bolt


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The database, the round keys, the fake Slack's workspace, and the business time."""

    now: datetime
    rows: Mapping[str, list[tuple[Any, ...]]]
    round_keys: Mapping[str, bytes]  # by the file's name
    workspace: bytes


@dataclass(frozen=True, kw_only=True)
class Target:
    """A running bot on an SQLite file, and its fake Slack."""

    harness: BotHarness
    bolt: AsyncApp
    file: Path

    async def snapshot(self) -> Snapshot:
        await self.harness.settle()
        workspace = self.harness.slack.workspace
        parts = {name: getattr(workspace, name) for name in _WORKSPACE_PARTS}
        return Snapshot(
            now=self.harness.clock.now(),
            rows=await asyncio.to_thread(_read_rows, self.file),
            round_keys={key.name: key.read_bytes() for key in self._key_files()},
            workspace=pickle.dumps(parts),
        )

    async def restore(self, snapshot: Snapshot) -> None:
        """Return to an earlier state; nothing may be in progress."""
        core = self.harness.slack.core
        self.harness.slack.faults.clear()
        core.install.revoked = ""
        core.calls.clear()
        core.problems.clear()
        self.harness.clock.move_to(snapshot.now)
        _replace_parts(core.workspace, snapshot.workspace)
        await asyncio.to_thread(_write_rows, self.file, snapshot.rows)
        self._restore_round_keys(snapshot.round_keys)

    def _key_files(self) -> list[Path]:
        return sorted((self.file.parent / ROUND_KEYS_FOLDER).glob("*"))

    def _restore_round_keys(self, round_keys: Mapping[str, bytes]) -> None:
        """Write back keys that the bot deleted when the clock passed their day.

        Without them the restored ballots could not be counted, and no clock could pass the end of
        their round.
        """
        for key in self._key_files():
            if key.name not in round_keys:
                key.unlink()
        for name, content in round_keys.items():
            (self.file.parent / ROUND_KEYS_FOLDER / name).write_bytes(content)


def _replace_parts(workspace: Workspace, pickled: bytes) -> None:
    for name, content in pickle.loads(pickled).items():  # noqa: S301 - our own
        part = getattr(workspace, name)
        part.clear()
        part.update(content)


def _read_rows(file: Path) -> dict[str, list[tuple[Any, ...]]]:
    with closing(sqlite3.connect(file)) as connection:
        names = [name for (name,) in connection.execute(_TABLES)]
        return {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in names}


def _write_rows(file: Path, rows: Mapping[str, list[tuple[Any, ...]]]) -> None:
    with closing(sqlite3.connect(file, timeout=30, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        for name, content in rows.items():
            connection.execute(f"DELETE FROM {name}")
            if content:
                places = ",".join("?" * len(content[0]))
                connection.executemany(f"INSERT INTO {name} VALUES ({places})", content)
        connection.execute(_FREE_LEASES)
        connection.execute("COMMIT")


@asynccontextmanager
async def running_target(migrated: Path, folder: Path) -> AsyncIterator[Target]:
    """The bot on a copy of a migrated database, and a fake Slack that posts requests to it."""

    clock, file = AdjustableClock(MONDAY), folder / "fuzzed.db"
    shutil.copy(migrated, file)
    with pytest.MonkeyPatch.context() as patch:
        set_generous_timeouts(patch)
        async with running_fake_slack(clock) as slack:
            bot = _Bot(
                settings_for(f"sqlite:///{file}", slack),
                clock,
                http=True,
                **without_limits(),
            )
            await bot.start()
            slack.request_url = f"http://127.0.0.1:{bot.http_port}/slack/events"
            harness = BotHarness(bot=bot, slack=slack, clock=clock)
            try:
                yield Target(harness=harness, bolt=bot.bolt, file=file)
            finally:
                await bot.stop()
