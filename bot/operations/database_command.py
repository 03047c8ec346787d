"""What the commands share that an operator may run beside the bot."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from bot.db.engine import Database
from bot.db.file_lock import check_file, sqlite_file
from bot.db.revision import has_pending_migrations
from bot.settings import NotStarted, Settings

NO_FILE = "There is no database at {file} yet: run `python -m bot migrate`."
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
    db = Database(settings.database_url)
    try:
        if await has_pending_migrations(db):
            raise NotStarted(BEHIND)
        yield db
    finally:
        await db.close()


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns; the first is the heading."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())
