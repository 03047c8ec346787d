"""Migrations create the tables the code expects, and run up and down with rows in them."""

import asyncio
import os
import sys
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
)

from bot.db.engine import Database
from bot.db.migrate import migrate
from bot.db.revision import has_pending_migrations
from bot.db.schema import metadata
from bot.db.types import UtcDateTime
from bot.rounds import ballots

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
#: Values that satisfy the check constraints.
ALLOWED = {
    "phases.state": "active",
    "phases.kind": "results_sprint",
    "rounds.state": "open",
    "rounds.rounding": "half",
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
    await migrate(database_url, "base")

    async with db.reading() as reader:
        left = await reader.run_sync(lambda connection: inspect(connection).get_table_names())
    assert set(left) <= {"alembic_version"}
    assert await has_pending_migrations(db)

    await migrate(database_url)
    await fill(db)
    assert not await has_pending_migrations(db)


async def test_migrating_again_keeps_all_rows(db: Database, database_url: str) -> None:
    await fill(db)
    await migrate(database_url)

    async with db.reading() as reader:
        for table in metadata.sorted_tables:
            assert await reader.scalar(select(func.count()).select_from(table)) == 1


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_concurrent_migrations_wait_for_each_other(database_url: str) -> None:
    await migrate(database_url, "base")

    assert await asyncio.gather(*(run_migrate(database_url) for _ in range(3))) == [0, 0, 0]

    db = Database(database_url)
    assert not await has_pending_migrations(db)
    await db.close()


async def test_migrating_creates_a_new_sqlite_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new.db'}"
    await migrate(url)

    db = Database(url)
    assert not await has_pending_migrations(db)
    await db.close()


async def run_migrate(url: str) -> int | None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "migrate", env={**os.environ, "DATABASE_URL": url}
    )
    return await process.wait()


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
