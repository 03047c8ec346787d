"""The database as the bot uses it: transactions, health, upserts, times, schema and file lock."""

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
from bot.db.db_errors import TransactionTimeout
from bot.db.engine import Database, skip_delivery_wakeup
from bot.db.file_lock import FileLocked, exclusive_lock, sqlite_file
from bot.db.health import Health
from bot.db.migrate import migrate
from bot.db.revision import has_pending_migrations, newest_revision
from bot.db.upserts import (
    ROWS_PER_STATEMENT,
    insert_all_if_new,
    insert_if_new,
    insert_or_change,
    padded,
    upsert,
    upsert_all,
)
from tests.db.test_db_errors import server_error, wrapped

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
_waits = schema.rate_limit_waits


# --- transactions --------------------------------------------------------------------------


async def test_commit_wakes_delivery_unless_the_wakeup_is_skipped(
    db: Database,
) -> None:
    async def woke(*, skips: bool, fails: bool = False) -> bool:
        db.changed.clear()
        try:
            async with db.transaction() as tx:
                if skips:
                    skip_delivery_wakeup(tx)
                if fails:
                    raise KeyError
        except KeyError:
            pass
        return db.changed.is_set()

    assert await woke(skips=False)
    assert not await woke(skips=True)
    assert await woke(skips=False)
    assert not await woke(skips=True, fails=True)
    assert await woke(skips=False)  # skipping does not stick to the connection
    db.changed.clear()
    async with db.reading():
        pass
    assert not db.changed.is_set()


async def test_failed_transaction_is_rolled_back(db: Database) -> None:
    with suppress(KeyError):
        async with db.transaction() as tx:
            await tx.execute(insert(schema.sender_leases).values(workspace_id="T1"))
            raise KeyError
    async with db.reading() as reader:
        assert (await reader.execute(select(schema.sender_leases))).all() == []


async def test_slow_transaction_is_aborted_and_counted(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = failures("slow")
    with monkeypatch.context() as patch:
        patch.setattr("bot.db.engine.LONGEST_SECONDS", 0.01)
        for use in (db.transaction, db.reading):
            with pytest.raises(TransactionTimeout):
                async with use():
                    await asyncio.Event().wait()
    with pytest.raises(TimeoutError) as ours:  # a TimeoutError from elsewhere passes unchanged
        async with db.reading():
            raise TimeoutError

    assert not isinstance(ours.value, TransactionTimeout)
    assert failures("slow") == before + 2


# --- health --------------------------------------------------------------------------------


def failures(kind: str) -> float:
    return REGISTRY.get_sample_value("imbalance_database_failures_total", {"kind": kind}) or 0


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    at = [100.0]
    monkeypatch.setattr(health, "monotonic", lambda: at[0])
    return at


def test_every_failure_is_counted_but_logged_at_intervals(time: list[float]) -> None:
    before, health_state = failures("slow"), Health()
    with capture_logs() as logs:
        for time[0] in (100.0, 101.0, 109.9, 110.0, 119.0):
            health_state.record_failure(PoolTimeout("no connection\n  was free " + "x" * 500))
        health_state.record_failure(KeyError("ours"))
        health_state.record_failure(
            wrapped(server_error("40001"))
        )  # a conflict between transactions

    assert failures("slow") == before + 5
    assert [(line["event"], line["failures"]) for line in logs] == [
        ("database_failed", 1),
        ("database_failed", 3),
    ]
    assert logs[0]["reason"].startswith("no connection was free x")
    assert len(logs[0]["reason"]) == 200


def test_recovery_is_logged_after_a_calm_period_and_the_next_failure_at_once(
    time: list[float],
) -> None:
    health_state = Health()
    with capture_logs() as logs:
        health_state.record_success()  # it never failed
        for time[0] in (100.0, 104.0):
            health_state.record_failure(TransactionTimeout("slow"))
        for time[0] in (105.9, 106.0, 106.1):
            health_state.record_success()
        health_state.record_failure(TransactionTimeout("slow again"))

    assert [line["event"] for line in logs] == [
        "database_failed",
        "database_recovered",
        "database_failed",
    ]
    assert logs[1]["seconds"] == 4.0
    assert logs[2]["failures"] == 1


def test_serialization_conflict_is_counted_but_not_logged(time: list[float]) -> None:
    before, health_state = failures("conflict"), Health()
    with capture_logs() as logs:
        health_state.record_failure(wrapped(server_error("40001")))
        time[0] += 10
        health_state.record_success()

    assert (logs, failures("conflict")) == ([], before + 1)


async def test_failure_and_recovery_of_the_database_are_logged(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "CALM_SECONDS", 0)
    with capture_logs() as logs:
        with pytest.raises(PoolTimeout):
            async with db.reading():
                raise PoolTimeout
        async with db.reading():
            pass

    assert [line["event"] for line in logs] == ["database_failed", "database_recovered"]


# --- rows and times ------------------------------------------------------------------------


async def test_times_are_stored_as_instants_and_naive_times_are_rejected(db: Database) -> None:
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


async def test_upserts_keep_the_last_or_the_existing_row_per_key(db: Database) -> None:
    async with db.transaction() as tx:
        await upsert_all(tx, _waits, [a_row("b", 1), a_row("a", 1), a_row("b", 2)])
        assert not await insert_if_new(tx, _waits, **a_row("b", 3))
        assert await insert_if_new(tx, _waits, **a_row("c", 3))
    assert await kept(db) == {"a": 1, "b": 2, "c": 3}

    async with db.transaction() as tx:
        await insert_all_if_new(tx, _waits, [a_row("b", 4), a_row("d", 4)])
        await upsert_all(tx, _waits, [a_row("a", 5)])
        await upsert_all(tx, _waits, [])
        await upsert(tx, _waits, {"workspace_id": "T1", "method": "c"}, until=NOON)
        await insert_or_change(tx, _waits, a_row("d", 6), {"until": NOON})
        await insert_or_change(tx, _waits, a_row("e", 6), {"until": NOON})
    assert await kept(db) == {"a": 5, "b": 2, "c": 0, "d": 0, "e": 6}


async def test_put_all_writes_every_row_in_key_order(db: Database) -> None:
    """Writers of the same rows then cannot deadlock, and the order of arrival is not revealed."""
    written: list[Any] = []
    many = ROWS_PER_STATEMENT + 2

    class RecordingTransaction:
        """A transaction that records the rows of each statement."""

        def __init__(self, tx: AsyncConnection) -> None:
            self.dialect, self._tx = tx.dialect, tx

        async def execute(self, statement: Any, rows: Any) -> Any:
            written.append(rows)
            return await self._tx.execute(statement, rows)

    async with db.transaction() as tx:
        rows = [a_row(f"{number:04}") for number in reversed(range(many))]
        await upsert_all(RecordingTransaction(tx), _waits, rows)  # type: ignore[arg-type]

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
def test_padded_drops_duplicates_and_repeats_the_last_value(values: str, found: str) -> None:
    assert padded(values) == list(found)


# --- schema and file -----------------------------------------------------------------------


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_migrations_are_pending_only_on_an_older_schema(
    db: Database, database_url: str
) -> None:
    async def at(revision: str) -> None:
        async with db.transaction() as tx:
            await tx.exec_driver_sql("UPDATE alembic_version SET version_num = ?", (revision,))

    assert not await has_pending_migrations(db)
    await at("9999")
    assert not await has_pending_migrations(db)
    await migrate(database_url)
    assert not await has_pending_migrations(db)
    await at("0000")
    assert await has_pending_migrations(db)
    await at(newest_revision())
    older = f"{int(newest_revision()) - 1:0{len(newest_revision())}}"
    await migrate(database_url, older)
    assert await has_pending_migrations(db)


async def test_sqlite_file_is_locked_by_one_process_at_a_time(tmp_path: Any) -> None:
    url = f"sqlite:///{tmp_path / 'deep' / 'imbalance.db'}"
    async with exclusive_lock(url, 0):
        with pytest.raises(FileLocked, match="was not started twice"):
            async with exclusive_lock(url, 0):
                raise AssertionError
        waits = asyncio.create_task(lock_and_release(url))
        await asyncio.sleep(0)
        assert not waits.done()
    await waits
    async with exclusive_lock("postgresql://host/db", 0), exclusive_lock("postgresql://host/db", 0):
        assert sqlite_file("postgresql://host/db") is None


async def lock_and_release(url: str) -> None:
    """Wait for the lock, and release it."""
    async with exclusive_lock(url, 20):
        pass
