"""Migration of the database to this version's schema, or back to an older one."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Select, inspect, literal, select
from sqlalchemy import column as sql_column
from sqlalchemy import table as sql_table
from sqlalchemy.exc import DBAPIError

from bot.db.db_errors import failure_kind
from bot.db.engine import Database
from bot.db.explanations import explain
from bot.db.revision import current_revision, newest_revision, revisions
from bot.resources import MIGRATIONS
from bot.settings import NotStarted

NOT_ALLOWED = (
    "The database was not migrated, and nothing was changed ({why}): the user of DATABASE_URL must "
    "be allowed to create tables there, in a schema that exists."
)
NO_SUCH_REVISION = (
    "Nothing was changed: --to {target} names no revision. This version has {known}; head is the "
    "newest, base is before the first, and -1 is one back from where the database is, {current}."
)
FROM_NEWER = (
    "Nothing was changed: the database is at {current}, which a newer version made. Go back with "
    "that version."
)
WOULD_LOSE = (
    "Nothing was changed: going back to {target} deletes what is in {lost}. Make a backup first "
    "(`python -m bot backup FILE`); then repeat this with --yes."
)
BASE = "base"
#: No privilege, no such schema.
_NOT_ALLOWED_CODES = {"42501", "3F000"}

#: The columns of each table.
Tables = Mapping[str, frozenset[str]]


def _config(url: str) -> Config:
    config = Config(attributes={"url": url})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


async def migrate(url: str, target: str = "head", *, may_lose: bool = False) -> str:
    """Run the migrations up to a revision, or down to an older one; return the revision reached.

    A database that a newer version has migrated further is left as it is: this version can use it.
    Rows are deleted only if `may_lose` is true. Alembic is synchronous and starts its own event
    loop, so it gets a thread.

    Raises:
        NotStarted: the database cannot be used, there is no such revision, or rows would be lost.
    """
    current = await _current_revision(url) or BASE
    is_newer = current != BASE and current > newest_revision()
    if target == "head" and is_newer:
        return current
    revision = resolve(target, current)
    if is_newer:
        raise NotStarted(FROM_NEWER.format(current=current))
    known = [BASE, *revisions()]
    is_downgrade = known.index(revision) < known.index(current)
    if is_downgrade and not may_lose:
        lost = await _lost(url, revision)
        if lost:
            raise NotStarted(WOULD_LOSE.format(target=revision, lost=", ".join(lost)))
    await _run(url, revision, is_downgrade=is_downgrade)
    return revision


def resolve(target: str, current: str) -> str:
    """Return the revision that `--to` names: a number, head, base, or steps such as -1 and +1.

    Raises:
        NotStarted: there is none.
    """
    known = [BASE, *revisions()]
    if target == "head":
        return known[-1]
    if target in known:
        return target
    if re.fullmatch(r"[+-][0-9]{1,4}", target) and current in known:
        index = known.index(current) + int(target)
        if 0 <= index < len(known):
            return known[index]
    raise NotStarted(
        NO_SUCH_REVISION.format(target=target, known=", ".join(known[1:]), current=current)
    )


async def _run(url: str, revision: str, *, is_downgrade: bool) -> None:
    step = command.downgrade if is_downgrade else command.upgrade
    if revision == BASE and not is_downgrade:
        return
    try:
        await asyncio.to_thread(step, _config(url), revision)
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) in _NOT_ALLOWED_CODES:
            raise NotStarted(NOT_ALLOWED.format(why=type(error.orig).__name__)) from error
        if failure_kind(error) is None:
            raise
        raise NotStarted(explain(error)) from error


async def _lost(url: str, revision: str) -> Sequence[str]:
    """Return the tables and columns with values that the revision does not have."""
    kept = await _tables_at(revision)
    db = Database(url)
    try:
        async with db.reading() as reader:
            return await reader.run_sync(_filled_beyond, kept)
    finally:
        await db.close()


async def _tables_at(revision: str) -> Tables:
    """Return the tables of a revision, as its migrations create them in an empty file."""
    if revision == BASE:
        return {}
    with TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'empty.db'}"
        await _run(url, revision, is_downgrade=False)
        db = Database(url)
        try:
            async with db.reading() as reader:
                return await reader.run_sync(_tables)
        finally:
            await db.close()


def _tables(connection: Connection) -> Tables:
    inspector = inspect(connection)
    return {
        table: frozenset(column["name"] for column in inspector.get_columns(table))
        for table in inspector.get_table_names()
        if table != "alembic_version"
    }


def _filled_beyond(connection: Connection, kept: Tables) -> Sequence[str]:
    filled = []
    for table, columns in sorted(_tables(connection).items()):
        if table not in kept:
            if _has_row(connection, select(literal(1)).select_from(sql_table(table))):
                filled.append(table)
            continue
        filled += [
            f"{table}.{column}"
            for column in sorted(columns - kept[table])
            if _has_row(connection, _values(table, column))
        ]
    return filled


def _values(table: str, column: str) -> Select[Any]:
    return (
        select(sql_column(column))
        .select_from(sql_table(table))
        .where(sql_column(column).is_not(None))
    )


def _has_row(connection: Connection, rows: Select[Any]) -> bool:
    return connection.execute(rows.limit(1)).first() is not None


async def _current_revision(url: str) -> str:
    db = Database(url)
    try:
        return await current_revision(db)
    finally:
        await db.close()
