"""An exclusive lock beside an SQLite file, which the system releases when the process exits."""

import asyncio
import fcntl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TextIO

from sqlalchemy.engine import make_url

from bot.settings import NotStarted

WAIT_SECONDS = 15.0
POLL_SECONDS = 0.2
HELD = (
    "Another process of Imbalance uses {file}. It was not started twice: SQLite serves one. "
    "Stop the other one, or use PostgreSQL (DATABASE_URL) for several."
)
UNUSABLE_FILE = (
    "The database file of DATABASE_URL cannot be opened ({why}): its folder must be one that the "
    "bot may make, and write to."
)


class FileLocked(NotStarted):
    """Raised if the database file stays in use; the message says what to do."""


def sqlite_file(url: str) -> Path | None:
    """Return the file of an SQLite URL, or None for other databases and for memory."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        return None
    return Path(parsed.database)


@asynccontextmanager
async def exclusive_lock(url: str, wait_seconds: float = WAIT_SECONDS) -> AsyncIterator[None]:
    """Hold the lock of an SQLite file, and make its folder; do nothing on other databases.

    Raises:
        FileLocked: the lock was still held after `wait_seconds`.
        NotStarted: the folder cannot be made or written to.
    """
    file = sqlite_file(url)
    if file is None:
        yield
        return
    with _lock_file(file) as handle:
        await _acquire(handle.fileno(), file, wait_seconds)
        yield


def _lock_file(file: Path) -> TextIO:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        return file.with_name(file.name + ".lock").open("a")
    except OSError as error:
        raise NotStarted(UNUSABLE_FILE.format(why=type(error).__name__)) from error


async def _acquire(descriptor: int, file: Path, patience: float) -> None:
    deadline = asyncio.get_running_loop().time() + patience
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if asyncio.get_running_loop().time() >= deadline:
                raise FileLocked(HELD.format(file=file)) from None
            await asyncio.sleep(POLL_SECONDS)
        else:
            return
