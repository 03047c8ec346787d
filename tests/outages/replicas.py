"""Several replicas on one PostgreSQL, behind a balancer that gives each request to the next one."""

import asyncio
import itertools
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import ClientError, ClientSession, web
from sqlalchemy import func, or_, select

from bot.agenda.schedule import next_due
from bot.clock import AdjustableClock, real_now
from bot.db import schema
from bot.db.engine import Database
from bot.playground.server import FakeSlack
from bot.slack.http import SLACK_PATH
from tests.outages.bot_process import environment, stopped

START_SECONDS = 60
QUIET_SECONDS = 60


@dataclass
class Replica:
    """One process, and how many requests it answered."""

    process: asyncio.subprocess.Process
    log: Path
    port: int = 0
    answered: int = 0

    async def started(self) -> None:
        self.port = int(await self._line())

    async def move_to(self, now: datetime) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{now.isoformat()}\n".encode())
        assert await self._line() == now.isoformat()

    async def _line(self) -> str:
        assert self.process.stdout is not None
        async with asyncio.timeout(START_SECONDS):
            return (await self.process.stdout.readline()).decode().strip()

    def did(self, event: str) -> int:
        return self.log.read_text().count(f'"event": "{event}"')


@dataclass(kw_only=True)
class Fleet:
    """The replicas as one bot: time passes for all of them, and all of them may do what is due.

    It has what the words of the scenarios need of a bot.
    """

    slack: FakeSlack
    db: Database
    clock: AdjustableClock
    replicas: list[Replica]
    gone: list[Replica] = field(default_factory=list)

    async def settle(self) -> None:
        """Wait until nothing is due and nothing waits to be said."""
        async with asyncio.timeout(QUIET_SECONDS):
            while await self._busy():  # noqa: ASYNC110 (other processes')
                await asyncio.sleep(0.02)
        await self.slack.settled()

    async def travel_to(self, until: datetime) -> None:
        """Let time pass, with everything that becomes due on the way."""
        await self.settle()
        while (due := await self._next_due()) is not None and due <= until:
            await self._move(max(due, self.clock.now()))
        await self._move(until)

    async def wait(self, **time: float) -> None:
        await self.travel_to(self.clock.now() + timedelta(**time))

    async def lose_one(self) -> None:
        """Kill the first replica, without a word to anybody."""
        lost = self.replicas.pop(0)
        lost.process.kill()
        await lost.process.wait()
        self.gone.append(lost)

    async def _move(self, now: datetime) -> None:
        self.clock.move_to(now)
        await asyncio.gather(*(replica.move_to(now) for replica in self.replicas))
        await self.settle()

    async def _next_due(self) -> datetime | None:
        async with self.db.reading() as reader:
            return await next_due(reader)

    async def _busy(self) -> bool:
        agenda, messages, now = schema.agenda, schema.messages, self.clock.now()
        retry_at = agenda.c.retry_at  # a claim is one, too; a failure waits longer
        soon = or_(retry_at.is_(None), retry_at < real_now() + timedelta(minutes=5))
        async with self.db.reading() as reader:
            due = await reader.scalar(
                select(func.count()).select_from(agenda).where(agenda.c.due_at <= now, soon)
            )
            open_ones = await reader.scalar(
                select(func.count())
                .select_from(messages)
                .where(
                    messages.c.state.in_(["pending", "sending", "unknown"]),
                    messages.c.not_before <= now,
                )
            )
        return bool(due or open_ones)


@asynccontextmanager
async def fleet(
    count: int, url: str, slack: FakeSlack, clock: AdjustableClock, folder: Path
) -> AsyncIterator[Fleet]:
    """So many replicas, and the fake Slack sends them what people do."""
    async with AsyncExitStack() as stack:
        db = Database(url)
        stack.push_async_callback(db.close)
        environ = environment(url, slack, HTTP_PORT="0", TICK_SECONDS="0.1")
        replicas = []
        for number in range(count):
            log = folder / f"replica{number}.log"
            with log.open("wb") as file:
                process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "tests.outages.replica"),
                    env=environ,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=file,
                )
            stack.push_async_callback(stopped, process)
            replicas.append(Replica(process, log))
        await asyncio.gather(*(replica.started() for replica in replicas))
        made = Fleet(slack=slack, db=db, clock=clock, replicas=replicas)
        slack.request_url = await stack.enter_async_context(balancer(made))
        yield made


@asynccontextmanager
async def balancer(of: Fleet) -> AsyncIterator[str]:
    """Each request to the next replica; where that one is gone, to the one after it."""
    turns = itertools.count()

    async def forward(request: web.Request) -> web.Response:
        body = await request.read()
        for _ in range(len(of.replicas) + 1):
            replica = of.replicas[next(turns) % len(of.replicas)]
            there = f"http://127.0.0.1:{replica.port}{SLACK_PATH}"
            try:
                async with session.post(there, data=body, headers=_passed(request)) as answer:
                    text = await answer.read()
            except ClientError:
                continue
            replica.answered += 1
            headers = {"Content-Type": answer.headers.get("Content-Type", "text/plain")}
            return web.Response(status=answer.status, body=text, headers=headers)
        return web.Response(status=502)

    app = web.Application()
    app.router.add_post(SLACK_PATH, forward)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with ClientSession() as session:
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}{SLACK_PATH}"
        finally:
            await runner.cleanup()


def _passed(request: web.Request) -> dict[str, Any]:
    return {
        name: value
        for name, value in request.headers.items()
        if name.lower().startswith("x-slack") or name.lower() == "content-type"
    }
