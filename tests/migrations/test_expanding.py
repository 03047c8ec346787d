"""Migrations only add and hold no long locks, so that an old version runs on a newer schema."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from alembic.script import Script, ScriptDirectory
from psycopg import AsyncConnection
from sqlalchemy import (
    Column,
    Connection,
    DateTime,
    MetaData,
    Table,
    delete,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.engine import make_url

from bot.clock import monotonic
from bot.db.engine import Database
from bot.db.migrate import migrate
from bot.db.revision import Unreachable, current_revision, has_pending_migrations
from tests import postgres
from tests.migrations.test_migrations import NOW, value_for

MIGRATIONS = Path(__file__).parents[2] / "migrations"

#: Operations that remove or narrow something, and why no version still running needs it.
ALLOWED: dict[tuple[str, str, str], str] = {}
#: Changing storage options such as fillfactor blocks no reads or writes.
STORAGE = re.compile(r"ALTER TABLE \w+ (RE)?SET \(")


def steps() -> list[Script]:
    """Every migration, oldest first."""
    return list(reversed(list(ScriptDirectory(str(MIGRATIONS)).walk_revisions())))


class Recorder:
    """Stands in for `alembic.op`, and records the calls."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []

    def f(self, name: str) -> str:
        return name

    def get_bind(self) -> Any:
        return SimpleNamespace(dialect=SimpleNamespace(name="postgresql"))

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *given, **named: self.calls.append((name, given, named))


def narrowing(name: str, given: tuple[Any, ...]) -> str:
    """The change that would break an old version, or an empty string."""
    if name in ("create_table", "create_index"):
        return ""
    if name == "add_column":
        column: Column[Any] = given[1]
        fits = column.nullable or column.server_default is not None
        return "" if fits else f"{given[0]}.{column.name} is required"
    if name == "execute" and STORAGE.match(str(given[0])):
        return ""
    return f"{name} {given[0]}"


@pytest.mark.parametrize("step", steps(), ids=lambda step: step.revision)
def test_migration_only_adds(step: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder()
    monkeypatch.setattr(step.module, "op", recorder)
    step.module.upgrade()

    for name, given, _ in recorder.calls:
        if (step.revision, name, str(given[0])) not in ALLOWED:
            assert narrowing(name, given) == ""


@pytest.mark.parametrize("step", steps(), ids=lambda step: step.revision)
def test_unique_index_is_created_with_its_table(
    step: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In an existing table, an old version may have written duplicates."""
    recorder = Recorder()
    monkeypatch.setattr(step.module, "op", recorder)
    step.module.upgrade()

    made = {given[0] for name, given, _ in recorder.calls if name == "create_table"}
    for name, given, named in recorder.calls:
        if name == "create_index" and named.get("unique"):
            assert given[1] in made


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Any) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'old.db'}"
    server: postgres.Server = request.getfixturevalue("postgres_server")
    return server.create()


@pytest.mark.parametrize("old", [step.revision for step in steps()[:-1]])
async def test_old_version_reads_and_writes_the_new_schema(empty_url: str, old: str) -> None:
    """Its tables stand for the old version, since its statements name only their columns."""
    await migrate(empty_url, old)
    db = Database(empty_url)
    tables = MetaData()
    async with db.reading() as reader:
        await reader.run_sync(tables.reflect)
    tables.remove(tables.tables["alembic_version"])
    await migrate(empty_url)

    for table in tables.sorted_tables:
        async with db.transaction() as tx:
            await tx.run_sync(write_and_read, table)
    for table in reversed(tables.sorted_tables):
        async with db.transaction() as tx:
            assert (await tx.execute(delete(table))).rowcount == 1
    await db.close()


def write_and_read(connection: Connection, table: Table) -> None:
    values = {
        column.name: NOW if isinstance(column.type, DateTime) else value_for(column)
        for column in table.columns
    }
    connection.execute(insert(table).values(**values))
    row = connection.execute(select(table)).one()
    assert row._mapping.keys() == values.keys()
    key = {column.name: values[column.name] for column in table.primary_key}
    rest = {name: value for name, value in values.items() if name not in key}
    if rest:
        assert connection.execute(update(table).values(**rest)).rowcount == 1


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_migration_waiting_for_a_lock_does_not_block_writers(
    db: Database, database_url: str
) -> None:
    """A long vacuum blocks the migration; others keep writing, and it completes in the end."""
    await migrate(database_url, "base")
    await migrate(database_url, "0001")
    slowest = 0.0
    url = make_url(database_url).set(drivername="postgresql")
    dsn = url.render_as_string(hide_password=False)
    async with await AsyncConnection.connect(dsn) as vacuuming:
        await vacuuming.execute("LOCK TABLE messages IN SHARE UPDATE EXCLUSIVE MODE")
        migrating = asyncio.create_task(migrate(database_url))
        for _ in range(8):
            await asyncio.sleep(0.2)
            began = monotonic()
            async with db.transaction() as tx:
                await tx.execute(text("UPDATE messages SET error = 'x'"))
            slowest = max(slowest, monotonic() - began)
        assert not migrating.done()
    await migrating

    assert slowest < 5  # a migration gives up its lock request after 2 s


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
async def test_old_version_starts_on_a_newer_schema(db: Database, database_url: str) -> None:
    async with db.transaction() as tx:
        await tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    await migrate(database_url)

    assert not await has_pending_migrations(db)
    assert await current_revision(db) == "9999"


async def test_downgrade_to_a_revision_by_its_number(db: Database, database_url: str) -> None:
    await migrate(database_url, "0001")
    assert await current_revision(db) == "0001"
    assert await has_pending_migrations(db)


async def test_migrating_an_unreachable_server_raises_unreachable() -> None:
    with pytest.raises(Unreachable, match="No database server answers"):
        await migrate("postgresql://nobody@127.0.0.1:1/nothing")
