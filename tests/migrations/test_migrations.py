"""Migrations create the tables the code expects, and run up and down with rows in them."""

import asyncio
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    Date,
    Float,
    Integer,
    LargeBinary,
    Time,
    func,
    inspect,
    select,
    text,
)

import bot.db.migrate
from bot.db.engine import Database
from bot.db.migrate import _lost, migrate, resolve
from bot.db.revision import has_pending_migrations, newest_revision, revisions
from bot.db.schema import metadata
from bot.db.types import UtcDateTime
from bot.rounds import ballots
from bot.settings import NotStarted
from tests.operations.stuck_messages import command

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
#: Values that satisfy the check constraints.
ALLOWED = {
    "decisions.cause": "date",
    "decisions.choice": "end",
    "promises.outcome": "kept",
    "phases.state": "active",
    "phases.kind": "results_sprint",
    "rounds.state": "open",
    "rounds.rounding": "half",
    "rounds.check_outcome": "yes",
}


def test_ballot_tables_are_in_the_schema() -> None:
    assert {table.name for table in ballots.TABLES} <= set(metadata.tables)


async def test_migrated_schema_matches_the_metadata(db: Database) -> None:
    def differences(connection: Connection) -> list[Any]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return compare_metadata(context, metadata)

    async with db.reading() as reader:
        assert await reader.run_sync(differences) == []
    assert not await has_pending_migrations(db)


async def test_downgrade_and_upgrade_with_rows_in_every_table(
    db: Database, database_url: str
) -> None:
    await fill(db)
    await migrate(database_url, "base", may_lose=True)

    async with db.reading() as reader:
        left = await reader.run_sync(lambda connection: inspect(connection).get_table_names())
    assert set(left) <= {"alembic_version"}
    assert await has_pending_migrations(db)

    await migrate(database_url)
    await fill(db)
    assert not await has_pending_migrations(db)


async def test_going_back_deletes_rows_only_if_that_is_confirmed(
    db: Database, database_url: str
) -> None:
    await fill(db)

    with pytest.raises(NotStarted) as refused:
        await migrate(database_url, "base")
    assert "going back to base deletes what is in agenda, audit, " in str(refused.value)
    assert "repeat this with --yes" in str(refused.value)
    async with db.reading() as reader:
        for table in metadata.sorted_tables:
            assert await reader.scalar(select(func.count()).select_from(table)) == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_going_back_names_only_what_the_older_schema_lacks(
    db: Database, database_url: str
) -> None:
    """As a later revision would have it: a new column with values, and one without any."""
    await fill(db)
    async with db.transaction() as tx:
        for name, value in (("motto", "'x'"), ("mood", "NULL")):
            await tx.execute(text(f"ALTER TABLE people ADD COLUMN {name}"))
            await tx.execute(text(f"UPDATE people SET {name} = {value}"))

    assert await _lost(database_url, newest_revision()) == ["people.motto"]


@pytest.mark.parametrize(
    ("target", "current", "expected"),
    [
        ("head", "0001", "0002"),
        ("base", "0002", "base"),
        ("0001", "0002", "0001"),
        ("-1", "0002", "0001"),
        ("-2", "0002", "base"),
        ("+1", "base", "0001"),
        ("-3", "0002", None),
        ("+1", "0002", None),
        ("NONSENSE", "0002", None),
        ("", "0002", None),
        ("0003", "0002", None),
        ("-1", "0009", None),
    ],
)
def test_target_names_a_revision_or_is_refused(
    monkeypatch: pytest.MonkeyPatch, target: str, current: str, expected: str | None
) -> None:
    monkeypatch.setattr(bot.db.migrate, "revisions", lambda: ["0001", "0002"])

    if expected is not None:
        assert resolve(target, current) == expected
        return
    with pytest.raises(NotStarted, match=r"This version has 0001, 0002; head is the newest"):
        resolve(target, current)


async def test_database_of_a_newer_version_is_not_taken_back(
    db: Database, database_url: str
) -> None:
    async with db.transaction() as tx:
        await tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    assert await migrate(database_url) == "9999"
    with pytest.raises(NotStarted, match="at 9999, which a newer version made"):
        await migrate(database_url, "base", may_lose=True)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_migrate_command_says_which_revision_was_reached(database_url: str) -> None:
    before = revisions()[-2]

    back = await command(database_url, "migrate", "--to", "-1")
    assert (back.code, back.out) == (0, f"The database is at revision {before}.\n")
    base = await command(database_url, "migrate", "--to", "base", "--yes")
    assert "The database is at base" in base.out
    nonsense = await command(database_url, "migrate", "--to", "NONSENSE")
    assert (nonsense.code, nonsense.err.count("\n")) == (1, 1)
    assert "--to NONSENSE names no revision" in nonsense.err


async def test_migrating_again_keeps_all_rows(db: Database, database_url: str) -> None:
    await fill(db)
    await migrate(database_url)

    async with db.reading() as reader:
        for table in metadata.sorted_tables:
            assert await reader.scalar(select(func.count()).select_from(table)) == 1


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_concurrent_migrations_wait_for_each_other(database_url: str) -> None:
    await migrate(database_url, "base")

    done = await asyncio.gather(*(command(database_url, "migrate") for _ in range(3)))
    assert [one.code for one in done] == [0, 0, 0]

    db = Database(database_url)
    assert not await has_pending_migrations(db)
    await db.close()


async def test_migrating_creates_a_new_sqlite_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new.db'}"
    await migrate(url)

    db = Database(url)
    assert not await has_pending_migrations(db)
    await db.close()


async def fill(db: Database) -> None:
    """One row in every table, parents first."""
    async with db.transaction() as tx:
        for table in metadata.sorted_tables:
            values = {column.name: value_for(column) for column in table.columns}
            await tx.execute(table.insert().values(**values))


def value_for(column: Column[Any]) -> Any:
    by_type: list[tuple[type[Any], Any]] = [
        (UtcDateTime, NOW),
        (Date, date(2026, 11, 23)),
        (Time, time(10)),
        (Boolean, True),
        (Integer, 1),
        (Float, 3.5),
        (JSON, {"a": 1}),
        (LargeBinary, b"sealed"),
    ]
    if str(column) in ALLOWED:
        return ALLOWED[str(column)]
    if str(column) == "messages.state":
        return "pending"
    return next((value for kind, value in by_type if isinstance(column.type, kind)), "x")
