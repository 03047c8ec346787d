"""One database as the whole bot uses it: what wakes delivery, what is said of its troubles, and
how rows, times and people who wait are treated."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import insert, select
from sqlalchemy.exc import StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection
from structlog.testing import capture_logs

from bot.db import health, schema
from bot.db.db_errors import TooSlow
from bot.db.engine import Database, skip_delivery_wakeup
from bot.db.file_lock import FileLocked, exclusive_lock, sqlite_file
from bot.db.health import Health
from bot.db.migrate import migrate
from bot.db.revision import newest, pending
from bot.db.upserts import (
    AT_ONCE,
    insert_if_new,
    insert_or_change,
    padded,
    put,
    put_all,
    put_all_if_new,
)
from tests.db.test_db_errors import of_server, wrapped

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
_waits = schema.rate_limit_waits


# --- transactions --------------------------------------------------------------------------


async def test_what_is_committed_wakes_delivery_unless_there_is_nothing_to_say(
    db: Database,
) -> None:
    async def woke(*, quiet: bool, fails: bool = False) -> bool:
        db.changed.clear()
        try:
            async with db.transaction() as tx:
                if quiet:
                    skip_delivery_wakeup(tx)
                if fails:
                    raise KeyError
        except KeyError:
            pass
        return db.changed.is_set()

    assert await woke(quiet=False)
    assert not await woke(quiet=True)
    assert await woke(quiet=False)
    assert not await woke(quiet=True, fails=True)
    assert await woke(quiet=False)  # though its connection was to wake nobody before
    db.changed.clear()
    async with db.reading():
        pass
    assert not db.changed.is_set()


async def test_all_of_it_is_kept_or_nothing(db: Database) -> None:
    with suppress(KeyError):
        async with db.transaction() as tx:
            await tx.execute(insert(schema.sender_leases).values(workspace_id="T1"))
            raise KeyError
    async with db.reading() as reader:
        assert (await reader.execute(select(schema.sender_leases))).all() == []


async def test_what_takes_too_long_is_given_up_and_counted(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.db.engine.LONGEST_SECONDS", 0.01)
    before = failures("slow")
    for use in (db.transaction, db.reading):
        with pytest.raises(TooSlow):
            async with use():
                await asyncio.Event().wait()
    with pytest.raises(TimeoutError) as ours:  # one that is not the database's stays what it is
        async with db.reading():
            raise TimeoutError

    assert not isinstance(ours.value, TooSlow)
    assert failures("slow") == before + 2


# --- what is said of its troubles ----------------------------------------------------------


def failures(kind: str) -> float:
    return REGISTRY.get_sample_value("imbalance_database_failures_total", {"kind": kind}) or 0


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    at = [100.0]
    monkeypatch.setattr(health, "monotonic", lambda: at[0])
    return at


def test_every_failure_is_counted_and_some_are_said(time: list[float]) -> None:
    before, watched = failures("slow"), Health()
    with capture_logs() as logs:
        for time[0] in (100.0, 101.0, 109.9, 110.0, 119.0):
            watched.failed(PoolTimeout("no connection\n  was free " + "x" * 500))
        watched.failed(KeyError("ours"))
        watched.failed(wrapped(of_server("40001")))  # of two with each other

    assert failures("slow") == before + 5
    assert [(line["event"], line["failures"]) for line in logs] == [
        ("database_failed", 1),
        ("database_failed", 3),
    ]
    assert logs[0]["reason"].startswith("no connection was free x")
    assert len(logs[0]["reason"]) == 200


def test_once_it_worked_for_a_while_it_is_back_and_the_next_failure_is_said(
    time: list[float],
) -> None:
    watched = Health()
    with capture_logs() as logs:
        watched.worked()  # it never failed
        for time[0] in (100.0, 104.0):
            watched.failed(TooSlow("slow"))
        for time[0] in (105.9, 106.0, 106.1):
            watched.worked()
        watched.failed(TooSlow("slow again"))

    assert [line["event"] for line in logs] == [
        "database_failed",
        "database_back",
        "database_failed",
    ]
    assert logs[1]["seconds"] == 4.0
    assert logs[2]["failures"] == 1


def test_two_in_each_others_way_are_no_failure_of_the_database(time: list[float]) -> None:
    before, watched = failures("conflict"), Health()
    with capture_logs() as logs:
        watched.failed(wrapped(of_server("40001")))
        time[0] += 10
        watched.worked()

    assert (logs, failures("conflict")) == ([], before + 1)


async def test_a_database_that_fails_and_works_again_says_both(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "CALM_SECONDS", 0)
    with capture_logs() as logs:
        with pytest.raises(PoolTimeout):
            async with db.reading():
                raise PoolTimeout
        async with db.reading():
            pass

    assert [line["event"] for line in logs] == ["database_failed", "database_back"]


# --- rows and times ------------------------------------------------------------------------


async def test_times_are_instants_in_whatever_zone_they_are_written(db: Database) -> None:
    tokyo = NOON.astimezone(timezone(timedelta(hours=9)))
    async with db.transaction() as tx:
        for method, at in (("utc", NOON), ("tokyo", tokyo)):
            await insert_if_new(tx, _waits, workspace_id="T1", method=method, until=at)
        with pytest.raises(StatementError, match="without a zone"):
            await tx.execute(select(_waits).where(_waits.c.until < NOON.replace(tzinfo=None)))

    async with db.reading() as reader:
        rows = (await reader.execute(select(_waits.c.until))).all()
        assert [(row.until, row.until.tzinfo) for row in rows] == [(NOON, UTC)] * 2
        early = select(_waits).where(_waits.c.until < tokyo + timedelta(seconds=1))
        assert len((await reader.execute(early)).all()) == 2


def a_row(method: str, later: int = 0) -> dict[str, Any]:
    return {"workspace_id": "T1", "method": method, "until": NOON + timedelta(hours=later)}


async def kept(db: Database) -> dict[str, int]:
    async with db.reading() as reader:
        rows = await reader.execute(select(_waits))
        return {row.method: (row.until - NOON) // timedelta(hours=1) for row in rows}


async def test_of_rows_with_one_key_the_last_counts_or_the_one_that_is_there(db: Database) -> None:
    async with db.transaction() as tx:
        await put_all(tx, _waits, [a_row("b", 1), a_row("a", 1), a_row("b", 2)])
        assert not await insert_if_new(tx, _waits, **a_row("b", 3))
        assert await insert_if_new(tx, _waits, **a_row("c", 3))
    assert await kept(db) == {"a": 1, "b": 2, "c": 3}

    async with db.transaction() as tx:
        await put_all_if_new(tx, _waits, [a_row("b", 4), a_row("d", 4)])
        await put_all(tx, _waits, [a_row("a", 5)])
        await put_all(tx, _waits, [])
        await put(tx, _waits, {"workspace_id": "T1", "method": "c"}, until=NOON)
        await insert_or_change(tx, _waits, a_row("d", 6), {"until": NOON})
        await insert_or_change(tx, _waits, a_row("e", 6), {"until": NOON})
    assert await kept(db) == {"a": 5, "b": 2, "c": 0, "d": 0, "e": 6}


async def test_rows_are_written_in_the_order_of_their_keys_all_of_them(db: Database) -> None:
    """Two with the same rows then do not wait for each other, and nothing tells who came first."""
    written: list[Any] = []
    many = AT_ONCE + 2

    class Noting:
        """A transaction that remembers what was written at once."""

        def __init__(self, tx: AsyncConnection) -> None:
            self.dialect, self._tx = tx.dialect, tx

        async def execute(self, statement: Any, rows: Any) -> Any:
            written.append(rows)
            return await self._tx.execute(statement, rows)

    async with db.transaction() as tx:
        rows = [a_row(f"{number:04}") for number in reversed(range(many))]
        await put_all(Noting(tx), _waits, rows)  # type: ignore[arg-type]

    names = [row["method"] for rows in written for row in rows]
    assert names == [f"{number:04}" for number in range(many)]
    assert len(await kept(db)) == many


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ("", ""),
        ("a", "a"),
        ("ab", "ab"),
        ("abc", "abcc"),
        ("aba", "ab"),
        ("aaab", "ab"),
        ("abcde", "abcdeeee"),
    ],
)
def test_lists_have_few_lengths_and_nothing_twice_but_the_last(values: str, found: str) -> None:
    assert padded(values) == list(found)


# --- schema and file -----------------------------------------------------------------------


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_newer_schema_stays_and_an_older_one_is_behind(
    db: Database, database_url: str
) -> None:
    async def at(revision: str) -> None:
        async with db.transaction() as tx:
            await tx.exec_driver_sql("UPDATE alembic_version SET version_num = ?", (revision,))

    assert not await pending(db)
    await at("9999")
    assert not await pending(db)
    await migrate(database_url)
    assert not await pending(db)
    await at("0000")
    assert await pending(db)
    await at(newest())
    older = f"{int(newest()) - 1:0{len(newest())}}"
    await migrate(database_url, older)
    assert await pending(db)


async def test_one_process_at_a_time_has_the_file(tmp_path: Any) -> None:
    url = f"sqlite:///{tmp_path / 'deep' / 'imbalance.db'}"
    async with exclusive_lock(url, 0):
        with pytest.raises(FileLocked, match="was not started twice"):
            async with exclusive_lock(url, 0):
                raise AssertionError
        waits = asyncio.create_task(wait_for(url))
        await asyncio.sleep(0)
        assert not waits.done()
    await waits
    async with exclusive_lock("postgresql://host/db", 0), exclusive_lock("postgresql://host/db", 0):
        assert sqlite_file("postgresql://host/db") is None


async def wait_for(url: str) -> None:
    """Wait for the file, and let go of it."""
    async with exclusive_lock(url, 20):
        pass
