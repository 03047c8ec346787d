"""Classification of database errors: trouble of the database, or a mistake of ours."""

import sqlite3
from enum import StrEnum
from typing import TYPE_CHECKING, TypeGuard

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

if TYPE_CHECKING:
    import psycopg


class Trouble(StrEnum):
    """Why the database did not do its part."""

    UNREACHABLE = "unreachable"  # gone, restarting, cut off, or refusing to write
    SLOW = "slow"  # a lock, a statement or a free connection was waited for too long
    FULL = "full"  # no space, no memory, no connection left
    CONFLICT = "conflict"  # two transactions were in each other's way: try again


class TooSlow(Exception):
    """A transaction took longer than any of ours may."""


# https://www.postgresql.org/docs/current/errcodes-appendix.html; the longest prefix counts.
_BY_SQLSTATE = {
    "08": Trouble.UNREACHABLE,
    "25006": Trouble.UNREACHABLE,  # read-only: a standby, after a switch-over
    "25P": Trouble.SLOW,
    "40": Trouble.CONFLICT,
    "53": Trouble.FULL,
    "55P03": Trouble.SLOW,
    "57014": Trouble.SLOW,
    "57P": Trouble.UNREACHABLE,
    "58": Trouble.UNREACHABLE,
}
_BY_SQLITE_CODE = {
    sqlite3.SQLITE_BUSY: Trouble.SLOW,
    sqlite3.SQLITE_LOCKED: Trouble.SLOW,
    sqlite3.SQLITE_FULL: Trouble.FULL,
    sqlite3.SQLITE_NOMEM: Trouble.FULL,
    sqlite3.SQLITE_READONLY: Trouble.UNREACHABLE,
    sqlite3.SQLITE_IOERR: Trouble.UNREACHABLE,
    sqlite3.SQLITE_CANTOPEN: Trouble.UNREACHABLE,
    sqlite3.SQLITE_PERM: Trouble.UNREACHABLE,
    sqlite3.SQLITE_PROTOCOL: Trouble.UNREACHABLE,
    sqlite3.SQLITE_CORRUPT: Trouble.UNREACHABLE,
    sqlite3.SQLITE_NOTADB: Trouble.UNREACHABLE,
}


def trouble(error: BaseException) -> Trouble | None:
    """The database's trouble; None where the error is about something else."""
    if isinstance(error, PoolTimeout | TooSlow):
        return Trouble.SLOW
    driver = error.orig if isinstance(error, DBAPIError) else error
    if _is_postgresqls(driver):
        return _of_postgresql(driver)
    if isinstance(driver, sqlite3.Error):
        # the low byte is the kind, the rest the detail; -1: sqlite3 itself objects
        return _BY_SQLITE_CODE.get(getattr(driver, "sqlite_errorcode", -1) & 0xFF)
    return None


def answered(error: BaseException) -> bool:
    """Whether the database itself said so: then nothing of the transaction was kept."""
    driver = error.orig if isinstance(error, DBAPIError) else error
    if _is_postgresqls(driver):
        # when it shuts down, and where a standby never answered, the commit may stand
        return driver.sqlstate is not None and not driver.sqlstate.startswith(("57P", "08"))
    return isinstance(driver, sqlite3.Error)


def worth_repeating(error: BaseException) -> bool:
    """Whether the same may well work at once: the connection was lost, or two collided."""
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    return lost or trouble(error) is Trouble.CONFLICT


def _is_postgresqls(error: BaseException | None) -> "TypeGuard[psycopg.Error]":
    """Told by its name: where SQLite is used, the other driver need not be loaded."""
    return type(error).__module__.partition(".")[0] == "psycopg"


def _of_postgresql(error: "psycopg.Error") -> Trouble | None:
    import psycopg

    if error.sqlstate is None:
        gone = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
        return Trouble.UNREACHABLE if gone else None
    for length in (5, 3, 2):
        found = _BY_SQLSTATE.get(error.sqlstate[:length])
        if found is not None:
            return found
    return None
