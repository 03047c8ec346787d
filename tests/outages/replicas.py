"""Several replicas on one PostgreSQL, behind a round-robin load balancer."""

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

from bot.agenda.schedule import next_due
from bot.clock import AdjustableClock
from bot.db.engine import Database
from bot.playground.server import FakeSlack
from bot.slack.http import SLACK_PATH
from tests.harness import KEY_RING, unfinished
from tests.outages.bot_process import environment, stop

START_SECONDS = 60
SETTLE_SECONDS = 60


@dataclass
class Replica:
    """One process of the bot, and the number of requests it answered."""

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

    def count_events(self, event: str) -> int:
        return self.log.read_text().count(f'"event": "{event}"')


@dataclass(kw_only=True)
class Fleet:
    """The replicas as one bot: time passes for all of them, and any of them may do what is due.

    It has the attributes of `BotHarness` that the helpers of the scenarios use.
    """

    slack: FakeSlack
    db: Database
    clock: AdjustableClock
    replicas: list[Replica]
    killed: list[Replica] = field(default_factory=list)

    async def settle(self) -> None:
        """Wait until nothing is due and no message is pending."""
        async with asyncio.timeout(SETTLE_SECONDS):
            while await unfinished(self.db, self.clock.now()):  # noqa: ASYNC110 (other processes work)
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

    async def kill_busiest(self) -> None:
        """Kill with SIGKILL the replica that has done most, so that another has to go on."""
        lost = max(self.replicas, key=lambda replica: replica.count_events("agenda_action_done"))
        self.replicas.remove(lost)
        lost.process.kill()
        await lost.process.wait()
        self.killed.append(lost)

    async def _move(self, now: datetime) -> None:
        self.clock.move_to(now)
        await asyncio.gather(*(replica.move_to(now) for replica in self.replicas))
        await self.settle()

    async def _next_due(self) -> datetime | None:
        async with self.db.reading() as reader:
            return await next_due(reader)


@asynccontextmanager
async def fleet(
    count: int, url: str, slack: FakeSlack, clock: AdjustableClock, folder: Path
) -> AsyncIterator[Fleet]:
    """Start replicas, and let the fake Slack send its requests to them."""
    async with AsyncExitStack() as stack:
        db = Database(url, KEY_RING)
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
            stack.push_async_callback(stop, process)
            replicas.append(Replica(process, log))
        await asyncio.gather(*(replica.started() for replica in replicas))
        made = Fleet(slack=slack, db=db, clock=clock, replicas=replicas)
        slack.request_url = await stack.enter_async_context(balancer(made))
        yield made


@asynccontextmanager
async def balancer(bots: Fleet) -> AsyncIterator[str]:
    """Forward each request to the next replica; if that one is dead, to the one after it."""
    next_index = itertools.count()

    async def forward(request: web.Request) -> web.Response:
        body = await request.read()
        for _ in range(len(bots.replicas) + 1):
            replica = bots.replicas[next(next_index) % len(bots.replicas)]
            target = f"http://127.0.0.1:{replica.port}{SLACK_PATH}"
            try:
                async with session.post(
                    target, data=body, headers=_slack_headers(request)
                ) as answer:
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


def _slack_headers(request: web.Request) -> dict[str, Any]:
    return {
        name: value
        for name, value in request.headers.items()
        if name.lower().startswith("x-slack") or name.lower() == "content-type"
    }
