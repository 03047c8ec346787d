"""The bot as an operator runs it: asked over its port, looked at beside, and stopped."""

import asyncio
import json
import signal
import socket
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import ClientSession
from sqlalchemy import func, select

from bot.clock import Clock, monotonic, real_now
from bot.db import schema
from bot.db.engine import Database
from bot.outbox import enqueue
from bot.outbox.enqueue import State
from bot.outbox.keys import MessageKey
from bot.playground.server import FakeSlack
from bot.slack.content import content, section
from tests.conftest import MANIFEST
from tests.harness import BEN, MEMBERS, WORKSPACE
from tests.operations.stuck_messages import SECRET_TEXT, command, held
from tests.outages.bot_process import Running, environment, running

MANY = 30
LATENCY_SECONDS = 4.0  # longer than a busy machine needs to pass a signal on
STOPS_WITHIN_SECONDS = 20.0

_messages = schema.messages


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    """A fake Slack on the real clock, as the process is."""
    started = FakeSlack(clock=Clock().now, manifest=MANIFEST)
    await started.start()
    yield started
    await started.stop()


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
async def running_bot(
    database_url: str, slack: FakeSlack, tmp_path: Path, port: int
) -> AsyncIterator[Running]:
    environ = environment(database_url, slack, METRICS_PORT=str(port))
    async with running(tmp_path, environ) as bot:
        yield bot


async def say_to_many(db: Database) -> None:
    async with db.transaction() as tx:
        for number in range(MANY):
            text = f"number {number}"
            await enqueue.post(
                tx,
                WORKSPACE,
                key=MessageKey(f"goodbye:{number}"),
                to=MEMBERS[number % len(MEMBERS)],
                content=content(text, section(text)),
                now=real_now(),
            )


async def count(db: Database, state: State) -> int:
    async with db.reading() as reader:
        mine = _messages.c.state == state
        return await reader.scalar(select(func.count()).where(mine)) or 0


def posts(slack: FakeSlack) -> int:
    return sum(call.method == "chat.postMessage" for call in slack.calls)


async def until_under_way(db: Database) -> None:
    async with asyncio.timeout(20):
        while not await count(db, State.SENDING):  # noqa: ASYNC110 (another process writes it)
            await asyncio.sleep(0.02)


async def test_sigterm_lets_calls_under_way_end_and_begins_nothing(
    running_bot: Running, db: Database, slack: FakeSlack
) -> None:
    slack.faults.latency = LATENCY_SECONDS
    await say_to_many(db)
    await until_under_way(db)
    began = monotonic()
    running_bot.process.send_signal(signal.SIGTERM)
    code = await asyncio.wait_for(running_bot.process.wait(), STOPS_WITHIN_SECONDS)
    took = monotonic() - began
    seen = posts(slack)

    assert code == 0
    assert took < STOPS_WITHIN_SECONDS
    assert await count(db, State.SENDING) == 0
    assert await count(db, State.SENT) == seen
    assert 0 < seen <= len(MEMBERS)
    assert await count(db, State.PENDING) == MANY - seen
    assert running_bot.said("stopped") == 1
    await asyncio.sleep(LATENCY_SECONDS)
    assert posts(slack) == seen


async def test_it_is_asked_looked_at_and_told_beside_its_work(
    running_bot: Running, db: Database, database_url: str, slack: FakeSlack, port: int
) -> None:
    waits = await held(db)
    async with ClientSession(f"http://127.0.0.1:{port}") as http:
        async with http.get("/readyz") as answer:
            assert await answer.json() == {"ok": True, "wrong": {}}
        async with http.get("/metrics") as answer:
            metrics = await answer.text()
    assert 'imbalance_ready{check="socket"} 1.0' in metrics
    assert 'imbalance_oldest_message_age_seconds{state="held"} 36' in metrics

    said = await command(
        database_url,
        "doctor",
        SLACK_BOT_TOKEN=slack.bot_token,
        SLACK_APP_TOKEN=slack.app_token,
        SLACK_API_URL=slack.api_url,
        METRICS_PORT=str(port),
    )
    assert said.code == 0
    assert f"ok     bot: runs and is ready (port {port})" in said.out
    assert "look   messages held: 1" in said.out

    done = await command(database_url, "outbox", "drop", waits)
    assert done.out == f"{waits} is never said.\n"
    assert await count(db, State.EXPIRED) == 1
    assert running_bot.is_alive


async def test_a_start_that_is_well_warns_of_nothing(running_bot: Running) -> None:
    levels = {json.loads(line)["level"] for line in running_bot.lines()}

    assert levels == {"info"}


async def test_what_an_operator_decides_the_running_bot_does(
    running_bot: Running, db: Database, database_url: str, slack: FakeSlack
) -> None:
    waits = await held(db, f"goodbye:1:{BEN}", to=BEN, now=real_now() + timedelta(hours=1))
    assert slack.as_user(BEN).dm_with_bot() == []

    await command(database_url, "outbox", "retry", waits, "--yes")
    async with asyncio.timeout(20):
        while not await count(db, State.SENT):  # noqa: ASYNC110 (another process writes it)
            await asyncio.sleep(0.05)

    (message,) = slack.as_user(BEN).dm_with_bot()
    assert message["text"] == SECRET_TEXT
