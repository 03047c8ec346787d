"""What strikes while children work, beside death: frozen processes, storms, databases that go."""

import asyncio
import signal
import sqlite3
from collections.abc import Callable
from typing import Any

from sqlalchemy.engine import make_url

from bot.clock import monotonic
from tests.chaos.run import Stage, Trouble
from tests.chaos.sink import Post
from tests.postgres import OwnServer

AFTER_SECONDS = 0.4


def frozen(times: int, seconds: float) -> Trouble:
    """A process stands still for longer than its lease, and then goes on as if nothing was."""

    async def strike(stage: Stage) -> int:
        for _ in range(times):
            await asyncio.sleep(AFTER_SECONDS)
            pid = stage.random_child()
            if pid is None:
                continue
            stage.signal(pid, signal.SIGSTOP)
            await asyncio.sleep(seconds)
            stage.signal(pid, signal.SIGCONT)
        return times

    return strike


def overtaken(times: int, seconds: float) -> Trouble:
    """A frozen process hears Slack's "later" while another one makes the call for its message.

    Now and then a post is held back unanswered and its caller frozen. When another process sends
    it, that one's answer is held back until the first has woken up and heard the no.
    """

    async def strike(stage: Stage) -> int:
        struck: dict[str, asyncio.Event] = {}  # whether its first caller woke up again

        async def intercept(args: dict[str, Any], pid: int) -> tuple[str, Post | None]:
            ident = stage.sink.ident_of(args)
            if ident not in struck:
                if len(struck) >= times or not all(woke.is_set() for woke in struck.values()):
                    return "", None
                struck[ident] = asyncio.Event()
                async with stage.sink.intercepted:
                    stage.sink.intercepted.notify_all()
                stage.signal(pid, signal.SIGSTOP)
                await struck[ident].wait()
                stage.signal(pid, signal.SIGCONT)
                return "429", None
            if struck[ident].is_set():
                return "", None
            post = stage.sink.apply(args)
            struck[ident].set()
            await asyncio.sleep(seconds)
            return "", post

        stage.sink.intercept = intercept
        async with stage.sink.intercepted:
            await stage.sink.intercepted.wait_for(lambda: len(struck) == times)
        for woke in struck.values():
            await woke.wait()
        stage.sink.intercept = None
        return len(struck)

    return strike


def storms(times: int, seconds: float) -> Trouble:
    """Every call of every method is answered with 429 and `Retry-After` for a while."""

    async def strike(stage: Stage) -> int:
        for _ in range(times):
            await asyncio.sleep(AFTER_SECONDS)
            stage.sink.faults.storm_until = monotonic() + seconds
            await asyncio.sleep(seconds)
        return times

    return strike


def locked(times: int, seconds: float) -> Trouble:
    """Another program holds the SQLite file."""

    async def strike(stage: Stage) -> int:
        file = make_url(stage.orders.database_url).database
        assert file is not None
        for _ in range(times):
            await asyncio.sleep(AFTER_SECONDS)
            connection = sqlite3.connect(file, timeout=30, isolation_level=None)
            connection.execute("BEGIN EXCLUSIVE")
            await asyncio.sleep(seconds)
            connection.execute("ROLLBACK")
            connection.close()
        return times

    return strike


def restarts(server: Callable[[], OwnServer], times: int, seconds: float) -> Trouble:
    """PostgreSQL crashes and comes back."""

    async def strike(_stage: Stage) -> int:
        for _ in range(times):
            await asyncio.sleep(AFTER_SECONDS)
            await asyncio.to_thread(server().die)
            await asyncio.sleep(seconds)
            await asyncio.to_thread(server().start)
        return times

    return strike
