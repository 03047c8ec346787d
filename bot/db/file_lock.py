"""An exclusive lock beside an SQLite file, which the system releases when the process exits."""

import asyncio
import fcntl
import os
import sys
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
WAITING = "Another process of Imbalance uses {file}. Waiting {seconds:.0f} s for it to stop ..."
UNUSABLE_FILE = (
    "The database file of DATABASE_URL cannot be opened ({why}): its folder must be one that the "
    "bot may make, and write to."
)
IS_FOLDER = (
    "DATABASE_URL names a folder; name a file in it, such as sqlite:///data/imbalance.db, with "
    "four slashes if the path begins with one."
)
NOT_A_FILE = "DATABASE_URL names something that is neither a file nor a folder. Name a file."
NOT_ALLOWED = (
    "The bot may not read and write the database file of DATABASE_URL. The file and its folder "
    "must belong to the user that the bot runs as."
)


class FileLocked(NotStarted):
    """Raised if the database file stays in use; the message says what to do."""


def sqlite_file(url: str) -> Path | None:
    """Return the file of an SQLite URL, or None for other databases and for memory."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        return None
    return Path(parsed.database)


def check_file(file: Path) -> None:
    """Check what is at an SQLite database's place, which may be nothing yet.

    Raises:
        NotStarted: a folder, or a file that the bot may not use.
    """
    try:
        if not file.exists():
            return
        if file.is_dir():
            raise NotStarted(IS_FOLDER)
        if not file.is_file():
            raise NotStarted(NOT_A_FILE)
    except OSError as error:  # such as a name that is too long
        raise NotStarted(UNUSABLE_FILE.format(why=type(error).__name__)) from error
    if not (_may(file, os.R_OK | os.W_OK) and _may(file.parent, os.W_OK | os.X_OK)):
        raise NotStarted(NOT_ALLOWED)


def _may(path: Path, mode: int) -> bool:
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)


@asynccontextmanager
async def exclusive_lock(
    url: str, wait_seconds: float = WAIT_SECONDS, held: str = HELD
) -> AsyncIterator[None]:
    """Hold the lock of an SQLite file, and make its folder; do nothing on other databases.

    While it waits, it says so on standard error. `held` is the message of FileLocked.

    Raises:
        FileLocked: the lock was still held after `wait_seconds`.
        NotStarted: the file, or its folder, cannot be used.
    """
    file = sqlite_file(url)
    if file is None:
        yield
        return
    check_file(file)
    with _lock_file(file) as handle:
        await _acquire(handle.fileno(), file, wait_seconds, held)
        yield


def _lock_file(file: Path) -> TextIO:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        return file.with_name(file.name + ".lock").open("a")
    except OSError as error:
        raise NotStarted(UNUSABLE_FILE.format(why=type(error).__name__)) from error


async def _acquire(descriptor: int, file: Path, patience: float, held: str) -> None:
    deadline = asyncio.get_running_loop().time() + patience
    is_told = False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if asyncio.get_running_loop().time() >= deadline:
                raise FileLocked(held.format(file=file)) from None
            if not is_told and patience:
                print(WAITING.format(file=file, seconds=patience), file=sys.stderr, flush=True)
            is_told = True
            await asyncio.sleep(POLL_SECONDS)
        else:
            return
