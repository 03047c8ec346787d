"""The bot as a real process: health endpoints, commands beside it, and SIGTERM."""

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
from tests.outages.bot_process import BotProcess, environment, started_bot

MESSAGE_COUNT = 30
LATENCY_SECONDS = 4.0  # longer than a busy machine needs to pass a signal on
STOP_TIMEOUT_SECONDS = 20.0

_messages = schema.messages


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    """A fake Slack on the real clock, which the process uses too."""
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
) -> AsyncIterator[BotProcess]:
    environ = environment(database_url, slack, METRICS_PORT=str(port))
    async with started_bot(tmp_path, environ) as bot:
        yield bot


async def queue_messages(db: Database) -> None:
    async with db.transaction() as tx:
        for number in range(MESSAGE_COUNT):
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
        selected = _messages.c.state == state
        return await reader.scalar(select(func.count()).where(selected)) or 0


def post_count(slack: FakeSlack) -> int:
    return sum(call.method == "chat.postMessage" for call in slack.calls)


async def wait_until_sending(db: Database) -> None:
    async with asyncio.timeout(20):
        while not await count(db, State.SENDING):  # noqa: ASYNC110 (another process writes it)
            await asyncio.sleep(0.02)


async def test_sigterm_finishes_calls_in_flight_and_starts_no_new_ones(
    running_bot: BotProcess, db: Database, slack: FakeSlack
) -> None:
    slack.faults.latency = LATENCY_SECONDS
    await queue_messages(db)
    await wait_until_sending(db)
    began = monotonic()
    running_bot.process.send_signal(signal.SIGTERM)
    exit_code = await asyncio.wait_for(running_bot.process.wait(), STOP_TIMEOUT_SECONDS)
    took = monotonic() - began
    posted = post_count(slack)

    assert exit_code == 0
    assert took < STOP_TIMEOUT_SECONDS
    assert await count(db, State.SENDING) == 0
    assert await count(db, State.SENT) == posted
    assert 0 < posted <= len(MEMBERS)
    assert await count(db, State.PENDING) == MESSAGE_COUNT - posted
    assert running_bot.count_events("stopped") == 1
    await asyncio.sleep(LATENCY_SECONDS)
    assert post_count(slack) == posted


async def test_doctor_and_outbox_commands_work_beside_a_running_bot(
    running_bot: BotProcess, db: Database, database_url: str, slack: FakeSlack, port: int
) -> None:
    held_id = await held(db)
    async with ClientSession(f"http://127.0.0.1:{port}") as http:
        async with http.get("/readyz") as answer:
            assert await answer.json() == {"ok": True, "wrong": {}}
        async with http.get("/metrics") as answer:
            metrics = await answer.text()
    assert 'imbalance_ready{check="socket"} 1.0' in metrics
    assert 'imbalance_oldest_message_age_seconds{state="held"} 36' in metrics

    result = await command(
        database_url,
        "doctor",
        SLACK_BOT_TOKEN=slack.bot_token,
        SLACK_APP_TOKEN=slack.app_token,
        SLACK_API_URL=slack.api_url,
        METRICS_PORT=str(port),
    )
    assert result.code == 0
    assert f"ok     bot: runs and is ready (port {port})" in result.out
    assert "look   messages held: 1" in result.out

    result = await command(database_url, "outbox", "drop", held_id)
    assert result.out == f"{held_id} is never said.\n"
    assert await count(db, State.EXPIRED) == 1
    assert running_bot.is_alive


async def test_clean_start_logs_no_warnings(running_bot: BotProcess) -> None:
    levels = {json.loads(line)["level"] for line in running_bot.lines()}

    assert levels == {"info"}


async def test_running_bot_sends_a_message_that_an_operator_retried(
    running_bot: BotProcess, db: Database, database_url: str, slack: FakeSlack
) -> None:
    held_id = await held(db, f"goodbye:1:{BEN}", to=BEN, now=real_now() + timedelta(hours=1))
    assert slack.as_user(BEN).dm_with_bot() == []

    await command(database_url, "outbox", "retry", held_id, "--yes")
    async with asyncio.timeout(20):
        while not await count(db, State.SENT):  # noqa: ASYNC110 (another process writes it)
            await asyncio.sleep(0.05)

    (message,) = slack.as_user(BEN).dm_with_bot()
    assert message["text"] == SECRET_TEXT
