"""What strikes while children work, beside death: frozen processes, storms, databases that go."""

import asyncio
import signal
import sqlite3
from collections.abc import Callable
from typing import Any

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


def overtaken(seconds: float) -> Trouble:
    """A frozen process hears Slack's no while another one's call for the same message is made.

    The first post of each conversation is held back unanswered, its caller frozen. When another
    process sends it, its answer is held back until the first has woken up and heard "later".
    """

    async def strike(stage: Stage) -> int:
        first: dict[str, int] = {}
        woken: dict[str, asyncio.Event] = {}

        async def intercept(args: dict[str, Any], pid: int) -> tuple[str, Post | None]:
            text = str(args["text"])
            if not text.endswith(":1:0") or (text in woken and woken[text].is_set()):
                return "", None
            if text not in first:
                first[text], woken[text] = pid, asyncio.Event()
                stage.signal(pid, signal.SIGSTOP)
                await woken[text].wait()
                return "429", None
            post = stage.sink.apply(args)
            woken[text].set()
            stage.signal(first[text], signal.SIGCONT)
            await asyncio.sleep(seconds)
            return "", post

        stage.sink.intercept = intercept
        await asyncio.sleep(AFTER_SECONDS)
        for one in list(woken.values()):
            await one.wait()
        stage.sink.intercept = None
        return len(woken)

    return strike


def storms(times: int, seconds: float) -> Trouble:
    """Every call of every method is answered with 429 for a while."""

    async def strike(stage: Stage) -> int:
        for _ in range(times):
            await asyncio.sleep(AFTER_SECONDS)
            stage.sink.storm_until = asyncio.get_running_loop().time() + seconds
            await asyncio.sleep(seconds)
        return times

    return strike


def locked(file: str, times: int, seconds: float) -> Trouble:
    """Another program holds the SQLite file."""

    async def strike(_stage: Stage) -> int:
        for _ in range(times):
            await asyncio.sleep(AFTER_SECONDS)
            connection = sqlite3.connect(file, timeout=10, isolation_level=None)
            await asyncio.to_thread(_hold, connection)
            await asyncio.sleep(seconds)
            connection.execute("ROLLBACK")
            connection.close()
        return times

    return strike


def _hold(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN EXCLUSIVE")


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
