"""What people see while the database does not do its part, at the place where they acted."""

import asyncio
import json
import shutil
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
from bot.db.migrate import migrate
from bot.metrics import database_failures
from bot.rounds import ballots
from bot.rounds.lifecycle import plan_rounds
from bot.slack.deadline_app import FULL, NOT_NOW
from tests.harness import ANA, BEN, MEMBERS, WORKSPACE, BotHarness
from tests.outages.outage import SHORT_FORM_WAITS
from tests.outages.tcp_proxy import Wire, wire
from tests.postgres import PORT, OwnServer
from tests.rounds.round_rows import NOW, a_phase, the_phase

TUESDAY_EVENING = datetime(2026, 11, 24, 20, tzinfo=UTC)
GIVEN_UP_BY_NOW = 3.0
Away = Callable[[], AbstractAsyncContextManager[None]]


@pytest.fixture(params=["sqlite", "postgresql"])
def engine_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def line(cluster: OwnServer) -> AsyncIterator[Wire]:
    async with wire(cluster.home / f".s.PGSQL.{PORT}") as made:
        yield made


@pytest.fixture
async def database_url(
    engine_name: str, cluster: OwnServer, line: Wire, sqlite_template: Path, tmp_path: Path
) -> AsyncIterator[str]:
    """A file that somebody may lock, or a PostgreSQL at the end of a wire that may be cut."""
    if engine_name == "sqlite":
        shutil.copy(sqlite_template, tmp_path / "imbalance.db")
        yield f"sqlite:///{tmp_path / 'imbalance.db'}"
        return
    build: Callable[[str], None] = lambda url: asyncio.run(migrate(url))  # noqa: E731
    template = await asyncio.to_thread(cluster.template, "migrated", build)
    url = cluster.create(template)
    yield line.url(url)
    cluster.drop(url)


@pytest.fixture
async def asked(harness: BotHarness) -> BotHarness:
    """A phase began on Monday; by Tuesday evening everyone has the first questions."""
    async with harness.bot.db.transaction() as tx:
        await a_phase(tx)
        await plan_rounds(tx, WORKSPACE, await the_phase(tx), NOW)
    await harness.travel_to(TUESDAY_EVENING)
    return harness


@pytest.fixture
def away(engine_name: str, line: Wire, database_url: str) -> Away:
    """The database hangs: a cut network, or a file that another process holds."""

    @asynccontextmanager
    async def cut() -> AsyncIterator[None]:
        line.cut()
        try:
            yield
        finally:
            line.mend(forgotten=True)

    @asynccontextmanager
    async def locked() -> AsyncIterator[None]:
        file = sqlite_file(database_url)
        assert file is not None
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.close()

    return locked if engine_name == "sqlite" else cut


def levels(harness: BotHarness, user_id: str, **values: str) -> dict[str, Any]:
    blocks = harness.slack.as_user(user_id).dm_with_bot()[-1]["blocks"]
    inputs = [block["block_id"] for block in blocks if block["type"] == "input"]
    return {name: values[key] for name in inputs if (key := name.split(":")[-1]) in values}


async def ballots_kept(db: Database) -> int:
    async with db.reading() as reader:
        return await reader.scalar(select(func.count()).select_from(ballots.TABLES[0])) or 0


async def in_time(work: Awaitable[Any]) -> Any:
    began = monotonic()
    done = await work
    assert monotonic() - began < SHORT_FORM_WAITS
    return done


def shown_alone(harness: BotHarness, user_id: str) -> list[str]:
    return [one["text"] for one in harness.slack.as_user(user_id).dm_with_bot() if one["ephemeral"]]


async def test_beside_the_button_and_pressing_again_is_enough(
    asked: BotHarness, away: Away
) -> None:
    ben = asked.slack.as_user(BEN)
    async with away():
        await in_time(ben.click("rounds.send", values=levels(asked, BEN, clarity="2")))
        assert shown_alone(asked, BEN) == [NOT_NOW]

    await ben.click("rounds.send")  # what was chosen is still there
    await asked.settle()

    assert ben.dm_with_bot()[0]["text"].startswith("Received.")
    assert await ballots_kept(asked.bot.db) == 1
    assert asked.slack.problems == []


async def test_in_the_form_which_keeps_what_was_typed(asked: BotHarness, away: Away) -> None:
    ben = asked.slack.as_user(BEN)
    await ben.click("rounds.send", values=levels(asked, BEN, comment="Late & nobody says so"))
    view = ben.top_view
    assert view is not None
    async with away():
        told = await in_time(ben.submit())
        assert list(told.errors.values()) == [NOT_NOW]
        assert "Late & nobody says so" in json.dumps(ben.top_view)

    assert (await ben.submit()).errors == {}
    assert ben.top_view is None
    assert await ballots_kept(asked.bot.db) == 1


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
async def test_after_the_command(asked: BotHarness, away: Away) -> None:
    async with away():
        said = await in_time(asked.slack.as_user(ANA).command("/imbalance status"))

    assert NOT_NOW in str(said)


async def test_an_event_is_sent_again_by_slack(asked: BotHarness, away: Away) -> None:
    """Ben moved while nothing could be written: it is known once Slack says it again."""
    asked.slack.core.dispatch.retry_after = (1.0, 3.0)
    asked.slack.workspace.users[BEN].tz = "Asia/Tokyo"
    ben = user_of(asked, BEN)
    async with away():
        heard = asyncio.create_task(asked.slack.emit({"type": "user_change", "user": ben}))
        await asyncio.sleep(GIVEN_UP_BY_NOW)

    assert await heard
    await asked.settle()
    async with asked.bot.db.reading() as reader:
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
    ("pragma", "mend", "sentence"),
    [
        ("PRAGMA max_page_count = 1", "PRAGMA max_page_count = 1000000", FULL),
        ("PRAGMA query_only = ON", "PRAGMA query_only = OFF", NOT_NOW),
    ],
    ids=["full", "read-only"],
)
async def test_a_file_that_takes_nothing_more(
    asked: BotHarness, pragma: str, mend: str, sentence: str
) -> None:
    now_on = pragma

    @event.listens_for(asked.bot.db.engine.sync_engine, "checkout")
    def apply(connection: Any, *_: Any) -> None:
        cursor = connection.cursor()
        cursor.execute(now_on)
        cursor.close()

    saved = 0
    while not (told := await sends(asked, MEMBERS[saved])):  # pages that are there take some
        saved += 1
    assert told == [sentence]
    assert await ballots_kept(asked.bot.db) == saved

    now_on = mend
    await asked.slack.as_user(MEMBERS[saved]).click("rounds.send")
    await asked.settle()
    assert await ballots_kept(asked.bot.db) == saved + 1


async def sends(harness: BotHarness, user_id: str) -> list[str]:
    """Send the longest answer there can be. Returns what was said against it."""
    chosen = levels(harness, user_id, clarity="2", comment="x" * 900)
    await in_time(harness.slack.as_user(user_id).click("rounds.send", values=chosen))
    return shown_alone(harness, user_id)


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
async def test_a_connection_lost_before_anything_was_kept_costs_nobody_anything(
    asked: BotHarness, cluster: OwnServer
) -> None:
    """The answer waits for a row; its connection is ended there; it is begun again and kept."""
    db = asked.bot.db
    ben = asked.slack.as_user(BEN)
    async with db.engine.connect() as holder:
        await holder.execute(text("SELECT 1 FROM rounds FOR UPDATE"))
        sent = asyncio.create_task(ben.click("rounds.send", values=levels(asked, BEN, clarity="2")))
        await asyncio.sleep(0.3)
        ended = await holder.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
        )
        assert ended.all() == [(True,)]
    await in_time(sent)

    assert ben.dm_with_bot()[-1]["text"].startswith("Received.")
    assert await ballots_kept(db) == 1


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
async def test_two_in_each_others_way_cost_nobody_anything(asked: BotHarness) -> None:
    """PostgreSQL ends one of two transactions that wait for each other; it is begun again."""
    db = asked.bot.db
    ben = asked.slack.as_user(BEN)
    before = database_failures.labels("conflict")._value.get()
    await ben.click("rounds.send", values=levels(asked, BEN, clarity="2"))
    await ben.click("rounds.change")
    view = ben.top_view
    assert view is not None
    async with db.engine.begin() as other:
        await other.execute(text("SELECT 1 FROM ballots FOR UPDATE"))
        submitting = asyncio.create_task(ben.submit())
        await asyncio.sleep(0.3)  # it holds the round, and waits for the ballot
        await other.execute(text("SELECT 1 FROM rounds FOR UPDATE"))

    assert (await in_time(submitting)).errors == {}
    assert database_failures.labels("conflict")._value.get() == before + 1


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
async def test_a_server_that_may_only_be_read_is_left(
    asked: BotHarness, cluster: OwnServer, database_url: str
) -> None:
    """As after a switch-over: connections made meanwhile would refuse every write for ever."""
    ben = asked.slack.as_user(BEN)
    name = make_url(database_url).database
    admin = psycopg.connect(host=str(cluster.home), user="postgres", autocommit=True)
    admin.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    await asked.bot.db.engine.dispose()
    await in_time(ben.click("rounds.send", values=levels(asked, BEN, clarity="2")))
    assert shown_alone(asked, BEN) == [NOT_NOW]

    admin.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
    admin.close()
    await ben.click("rounds.send")
    assert await ballots_kept(asked.bot.db) == 1
