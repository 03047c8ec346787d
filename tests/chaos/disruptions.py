"""Disruptions other than kills: frozen processes, storms of 429, databases that go away."""

import asyncio
import signal
import sqlite3
from collections.abc import Callable

from sqlalchemy.engine import make_url

from bot.clock import monotonic
from tests.chaos.run import Disruption, ScenarioRun
from tests.postgres import OwnServer
from tests.stub_slack.faults import POST
from tests.stub_slack.workspace import Json, message_id_of

PAUSE_SECONDS = 0.4


def freeze(times: int, seconds: float) -> Disruption:
    """Freeze a process for longer than its lease, then let it go on."""

    async def disrupt(run: ScenarioRun) -> int:
        for _ in range(times):
            await asyncio.sleep(PAUSE_SECONDS)
            pid = run.random_child()
            if pid is None:
                continue
            run.signal(pid, signal.SIGSTOP)
            await asyncio.sleep(seconds)
            run.signal(pid, signal.SIGCONT)
        return times

    return disrupt


def overtake(times: int, seconds: float) -> Disruption:
    """A frozen process gets a 429 while another process makes the call for its message.

    Some posts are held back and their callers frozen. When another process sends such a message,
    its answer is held back until the first caller has woken up and received its 429.
    """

    async def disrupt(run: ScenarioRun) -> int:
        frozen_messages: dict[
            str, asyncio.Event
        ] = {}  # by message id: its first caller is awake again

        async def intercept(args: Json, pid: int) -> tuple[str, Json | None]:
            message_id = message_id_of(args)
            if message_id not in frozen_messages:
                if len(frozen_messages) >= times or not all(
                    is_awake.is_set() for is_awake in frozen_messages.values()
                ):
                    return "", None
                frozen_messages[message_id] = asyncio.Event()
                async with run.sink.intercepted:
                    run.sink.intercepted.notify_all()
                run.signal(pid, signal.SIGSTOP)
                await frozen_messages[message_id].wait()
                run.signal(pid, signal.SIGCONT)
                return "429", None
            if frozen_messages[message_id].is_set():
                return "", None
            answer = run.sink.workspace.call(POST, args)
            frozen_messages[message_id].set()
            await asyncio.sleep(seconds)
            return "", answer

        run.sink.intercept = intercept
        async with run.sink.intercepted:
            await run.sink.intercepted.wait_for(lambda: len(frozen_messages) == times)
        for is_awake in frozen_messages.values():
            await is_awake.wait()
        run.sink.intercept = None
        return len(frozen_messages)

    return disrupt


def rate_limit_storms(times: int, seconds: float) -> Disruption:
    """Answer every call with 429 and `Retry-After` for a while."""

    async def disrupt(run: ScenarioRun) -> int:
        for _ in range(times):
            await asyncio.sleep(PAUSE_SECONDS)
            run.sink.faults.storm_until = monotonic() + seconds
            await asyncio.sleep(seconds)
        return times

    return disrupt


def lock_file(times: int, seconds: float) -> Disruption:
    """Lock the SQLite file, as another program would."""

    async def disrupt(run: ScenarioRun) -> int:
        file = make_url(run.orders.database_url).database
        assert file is not None
        for _ in range(times):
            await asyncio.sleep(PAUSE_SECONDS)
            connection = sqlite3.connect(file, timeout=30, isolation_level=None)
            connection.execute("BEGIN EXCLUSIVE")
            await asyncio.sleep(seconds)
            connection.execute("ROLLBACK")
            connection.close()
        return times

    return disrupt


def restart_server(server: Callable[[], OwnServer], times: int, seconds: float) -> Disruption:
    """Crash PostgreSQL and start it again."""

    async def disrupt(_run: ScenarioRun) -> int:
        for _ in range(times):
            await asyncio.sleep(PAUSE_SECONDS)
            await asyncio.to_thread(server().die)
            await asyncio.sleep(seconds)
            await asyncio.to_thread(server().start)
        return times

    return disrupt
