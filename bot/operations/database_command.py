"""Shared parts of the commands that an operator may run beside the bot."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from sqlalchemy.exc import StatementError

from bot.db.encrypted_columns import missing_key
from bot.db.engine import Database
from bot.db.file_lock import check_file, sqlite_file
from bot.db.revision import has_pending_migrations
from bot.keys import KeyMissing, KeyRing
from bot.settings import NotStarted, Settings

NO_FILE = "There is no database at {file} yet: run `python -m bot migrate`."
KEY_MISSING = (
    "What people typed cannot be read here: the key {key_id} is not in IMBALANCE_KEYS. Put it back "
    "and run this again."
)
BEHIND = "The database is at another version's schema: run `python -m bot migrate`."


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[Database]:
    """Open the database for a command that may run beside the bot.

    Raises:
        NotStarted: there is none, or it cannot be used.
    """
    file = sqlite_file(settings.database_url)
    if file is not None:
        check_file(file)
        if not file.exists():
            raise NotStarted(NO_FILE.format(file=file))
    db = Database(settings.database_url, KeyRing.of(settings.keys))
    try:
        if await has_pending_migrations(db):
            raise NotStarted(BEHIND)
        yield db
    except (KeyMissing, StatementError) as error:
        key_id = missing_key(error)
        if key_id is None:
            raise
        raise NotStarted(KEY_MISSING.format(key_id=key_id)) from error
    finally:
        await db.close()


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns; the first is the heading."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())
