"""Errors are shown where people acted while the database is unavailable, and nothing is lost."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import event, func, select, text
from sqlalchemy.engine import make_url

from bot.clock import monotonic
from bot.db.engine import Database
from bot.db.file_lock import sqlite_file
from bot.metrics import database_failures
from bot.rounds import ballots
from bot.rounds.lifecycle import plan_rounds
from bot.slack.deadline_app import STORAGE_FULL_TEXT, STORAGE_UNAVAILABLE_TEXT
from tests.databases import copy_of
from tests.harness import ANA, BEN, MEMBERS, WORKSPACE, BotHarness
from tests.outages.outage import ACK_SECONDS_UNDER_LOAD
from tests.outages.tcp_proxy import TcpProxy, tcp_proxy
from tests.postgres import PORT, OwnServer
from tests.rounds.round_rows import NOW, a_phase, the_phase
from tests.taps import shown_text, values_by_block

TAP = "rounds.tap.clarity.2"
TUESDAY_EVENING = datetime(2026, 11, 24, 20, tzinfo=UTC)
GIVE_UP_SECONDS = 3.0
Outage = Callable[[], AbstractAsyncContextManager[None]]


@pytest.fixture(params=["sqlite", "postgresql"])
def engine_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def proxy(cluster: OwnServer) -> AsyncIterator[TcpProxy]:
    async with tcp_proxy(cluster.home / f".s.PGSQL.{PORT}") as proxy:
        yield proxy


@pytest.fixture
async def database_url(
    engine_name: str, cluster: OwnServer, proxy: TcpProxy, sqlite_template: Path, tmp_path: Path
) -> AsyncIterator[str]:
    """A file that can be locked, or a PostgreSQL behind a proxy that can be cut."""
    if engine_name == "sqlite":
        yield copy_of(sqlite_template, tmp_path / "imbalance.db")
        return
    template = await asyncio.to_thread(cluster.migrated_template)
    url = cluster.create(template)
    yield proxy.url(url)
    cluster.drop(url)


@pytest.fixture
async def asked_harness(harness: BotHarness) -> BotHarness:
    """A phase that began on Monday; by Tuesday evening everyone has the first questions."""
    async with harness.bot.db.transaction() as tx:
        await a_phase(tx)
        await plan_rounds(tx, WORKSPACE, await the_phase(tx), NOW)
    await harness.travel_to(TUESDAY_EVENING)
    return harness


@pytest.fixture
def database_away(engine_name: str, proxy: TcpProxy, database_url: str) -> Outage:
    """Make the database hang: cut the network, or lock the file."""

    @asynccontextmanager
    async def cut() -> AsyncIterator[None]:
        proxy.cut()
        try:
            yield
        finally:
            proxy.restore(reset=True)

    @asynccontextmanager
    async def locked() -> AsyncIterator[None]:
        file = sqlite_file(database_url)
        assert file is not None
        blocker = sqlite3.connect(file, isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            blocker.close()

    return locked if engine_name == "sqlite" else cut


async def ballot_count(db: Database) -> int:
    async with db.reading() as reader:
        return await reader.scalar(select(func.count()).select_from(ballots.TABLES[0])) or 0


async def within_deadline(work: Awaitable[Any]) -> Any:
    began = monotonic()
    done = await work
    assert monotonic() - began < ACK_SECONDS_UNDER_LOAD
    return done


def ephemeral_texts(harness: BotHarness, user_id: str) -> list[str]:
    return [one["text"] for one in harness.slack.as_user(user_id).dm_with_bot() if one["ephemeral"]]


async def test_button_shows_an_error_and_saves_on_the_next_click(
    asked_harness: BotHarness, database_away: Outage
) -> None:
    ben = asked_harness.slack.as_user(BEN)
    async with database_away():
        await within_deadline(ben.click(TAP))
        assert ephemeral_texts(asked_harness, BEN) == [STORAGE_UNAVAILABLE_TEXT]

    await ben.click(TAP)
    await asked_harness.settle()

    assert "Clear and doable ✓" in shown_text(ben.dm_with_bot()[0])
    assert await ballot_count(asked_harness.bot.db) == 1
    assert asked_harness.slack.problems == []


async def test_form_shows_an_error_and_keeps_the_typed_text(
    asked_harness: BotHarness, database_away: Outage
) -> None:
    ben = asked_harness.slack.as_user(BEN)
    await ben.click("rounds.comment")
    view = ben.top_view
    assert view is not None
    typed = values_by_block(view["blocks"], comment="Late & nobody admits it")
    await ben.fill(view["id"], typed)
    async with database_away():
        response = await within_deadline(ben.submit())
        assert list(response.errors.values()) == [STORAGE_UNAVAILABLE_TEXT]
        assert "Late & nobody admits it" in json.dumps(ben.top_view)

    assert (await ben.submit()).errors == {}
    assert ben.top_view is None
    assert await ballot_count(asked_harness.bot.db) == 1


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
async def test_command_shows_an_error(asked_harness: BotHarness, database_away: Outage) -> None:
    async with database_away():
        response = await within_deadline(
            asked_harness.slack.as_user(ANA).command("/imbalance status")
        )

    assert STORAGE_UNAVAILABLE_TEXT in str(response)


async def test_event_during_an_outage_is_redelivered_by_slack(
    asked_harness: BotHarness, database_away: Outage
) -> None:
    """Ben's time zone changes while nothing can be written; Slack's retry brings it."""
    asked_harness.slack.core.dispatch.retry_after = (1.0, 3.0)
    asked_harness.slack.workspace.users[BEN].tz = "Asia/Tokyo"
    ben = user_of(asked_harness, BEN)
    async with database_away():
        delivered = asyncio.create_task(
            asked_harness.slack.emit({"type": "user_change", "user": ben})
        )
        await asyncio.sleep(GIVE_UP_SECONDS)

    assert await delivered
    await asked_harness.settle()
    async with asked_harness.bot.db.reading() as reader:
        zone = await reader.scalar(text("SELECT zone FROM people WHERE user_id = 'U0BEN'"))
    assert zone == "Asia/Tokyo"


def user_of(harness: BotHarness, user_id: str) -> dict[str, Any]:
    user = harness.slack.workspace.users[user_id]
    return {
        "id": user.id,
        "team_id": user.team_id,
        "real_name": user.real_name,
        "tz": user.tz,
        "profile": {"real_name": user.real_name},
        "deleted": False,
        "is_bot": False,
        "is_restricted": False,
        "is_admin": False,
    }


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("pragma", "repair", "sentence"),
    [
        ("PRAGMA max_page_count = 1", "PRAGMA max_page_count = 1000000", STORAGE_FULL_TEXT),
        ("PRAGMA query_only = ON", "PRAGMA query_only = OFF", STORAGE_UNAVAILABLE_TEXT),
    ],
    ids=["full", "read-only"],
)
async def test_full_or_read_only_file_shows_an_error_until_it_is_writable(
    asked_harness: BotHarness, pragma: str, repair: str, sentence: str
) -> None:
    current_pragma = pragma

    @event.listens_for(asked_harness.bot.db.engine.sync_engine, "checkout")
    def apply(connection: Any, *_: Any) -> None:
        cursor = connection.cursor()
        cursor.execute(current_pragma)
        cursor.close()

    saved = 0
    while not (
        response := await send_answer(asked_harness, MEMBERS[saved])
    ):  # free pages take some answers
        saved += 1
    assert response == [sentence]
    assert await ballot_count(asked_harness.bot.db) == saved

    current_pragma = repair
    await asked_harness.slack.as_user(MEMBERS[saved]).click(TAP)
    await asked_harness.settle()
    assert await ballot_count(asked_harness.bot.db) == saved + 1


async def send_answer(harness: BotHarness, user_id: str) -> list[str]:
    """Tap an answer; all ballots have the same length. Returns the errors shown."""
    await within_deadline(harness.slack.as_user(user_id).click(TAP))
    return ephemeral_texts(harness, user_id)


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
async def test_connection_lost_before_the_commit_is_retried(
    asked_harness: BotHarness, cluster: OwnServer
) -> None:
    """The answer waits for a row lock when its connection is terminated; the retry saves it."""
    db = asked_harness.bot.db
    ben = asked_harness.slack.as_user(BEN)
    async with db.engine.connect() as holder:
        await holder.execute(text("SELECT 1 FROM rounds FOR UPDATE"))
        sent = asyncio.create_task(ben.click(TAP))
        await asyncio.sleep(0.3)
        ended = await holder.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
        )
        assert ended.all() == [(True,)]
    await within_deadline(sent)

    assert "Clear and doable ✓" in shown_text(ben.dm_with_bot()[-1])
    assert await ballot_count(db) == 1


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
async def test_deadlock_is_retried(asked_harness: BotHarness) -> None:
    """PostgreSQL aborts one of two transactions that wait for each other."""
    db = asked_harness.bot.db
    ben = asked_harness.slack.as_user(BEN)
    before = database_failures.labels("conflict")._value.get()
    await ben.click(TAP)
    await ben.click("rounds.change")
    view = ben.top_view
    assert view is not None
    async with db.engine.begin() as blocker:
        await blocker.execute(text("SELECT 1 FROM ballots FOR UPDATE"))
        submitting = asyncio.create_task(ben.submit())
        await asyncio.sleep(0.3)  # the submission holds the round and waits for the ballot
        await blocker.execute(text("SELECT 1 FROM rounds FOR UPDATE"))

    assert (await within_deadline(submitting)).errors == {}
    assert database_failures.labels("conflict")._value.get() == before + 1


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
async def test_connections_to_a_read_only_server_are_dropped(
    asked_harness: BotHarness, cluster: OwnServer, database_url: str
) -> None:
    """As after a failover: connections made meanwhile would refuse every write for ever."""
    ben = asked_harness.slack.as_user(BEN)
    name = make_url(database_url).database
    admin = psycopg.connect(host=str(cluster.home), user="postgres", autocommit=True)
    admin.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    await asked_harness.bot.db.engine.dispose()
    await within_deadline(ben.click(TAP))
    assert ephemeral_texts(asked_harness, BEN) == [STORAGE_UNAVAILABLE_TEXT]

    admin.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
    admin.close()
    await ben.click(TAP)
    assert await ballot_count(asked_harness.bot.db) == 1
