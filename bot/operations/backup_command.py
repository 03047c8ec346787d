"""`python -m bot backup FILE`: a consistent copy of the SQLite database while the bot runs."""

import asyncio
import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from sqlalchemy import text

from bot.db.engine import Database
from bot.db.file_lock import sqlite_file
from bot.operations.database_command import open_database
from bot.settings import NotStarted, Settings

EXISTS = "{file} exists already, and nothing was copied. Choose another name."
CANNOT_WRITE = "The backup cannot be written to {file} ({why}). What was begun is deleted."
DAMAGED = (
    "The database is damaged, so the copy is of no use and was deleted. SQLite says: {found}. "
    "Restore an earlier backup."
)
DONE = (
    "Backed up to {file} ({size:,} bytes). It does not contain IMBALANCE_KEYS: keep them elsewhere."
)
USE_PG_DUMP = (
    "Nothing was copied: for PostgreSQL use pg_dump {version} or newer, which makes a consistent "
    "copy while the bot runs: pg_dump --format=custom --no-owner --file={file}, with the host, "
    "user and database of DATABASE_URL. pg_restore brings it back."
)
PART_SUFFIX = ".part"


async def backup(settings: Settings, target: Path) -> None:
    """Copy the database to a file that does not exist yet, and check the copy.

    Raises:
        NotStarted: there is no usable database, it is not SQLite, or the file cannot be written.
    """
    async with open_database(settings) as db:
        source = sqlite_file(settings.database_url)
        if source is None:
            version = await _server_version(db)
            raise NotStarted(USE_PG_DUMP.format(version=version, file=target))
        size = await asyncio.to_thread(_copy, source, target)
    print(DONE.format(file=target, size=size))


async def _server_version(db: Database) -> str:
    """Return PostgreSQL's major version."""
    async with db.reading() as reader:
        return str(await reader.scalar(text("SHOW server_version"))).partition(".")[0]


def _copy(source: Path, target: Path) -> int:
    """Copy through a second file beside the target, so that the target is whole or not there.

    Return the size in bytes.
    """
    if target.exists():
        raise NotStarted(EXISTS.format(file=target))
    part = target.with_name(target.name + PART_SUFFIX)
    try:
        # Only the user of the bot may read it, from the beginning.
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        raise NotStarted(CANNOT_WRITE.format(file=target, why=type(error).__name__)) from error
    try:
        found = _copy_pages(source, part)
        if found != "ok":
            raise NotStarted(DAMAGED.format(found=found))
        part.rename(target)
        return target.stat().st_size
    except (OSError, sqlite3.Error) as error:
        raise NotStarted(CANNOT_WRITE.format(file=target, why=type(error).__name__)) from error
    finally:
        with suppress(OSError):
            part.unlink()


def _copy_pages(source: Path, part: Path) -> str:
    """Copy all pages as of one moment. Return what SQLite finds wrong with the copy, or "ok"."""
    with closing(sqlite3.connect(source)) as original, closing(sqlite3.connect(part)) as copy:
        original.backup(copy)  # in one step, during which the bot may still write to its WAL
        # The copy is one file, without a WAL beside it.
        copy.execute("PRAGMA journal_mode=DELETE")
        return str(copy.execute("PRAGMA quick_check(1)").fetchone()[0])
