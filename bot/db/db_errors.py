"""Classification of database errors: trouble of the database, or a mistake of ours."""

import sqlite3
from enum import StrEnum
from typing import TYPE_CHECKING, TypeGuard

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

if TYPE_CHECKING:
    import psycopg


class FailureKind(StrEnum):
    """Why the database did not do its part."""

    UNREACHABLE = "unreachable"  # gone, restarting, cut off, or refusing to write
    SLOW = "slow"  # a lock, a statement or a free connection was waited for too long
    FULL = "full"  # no space, no memory, no connection left
    CONFLICT = "conflict"  # two transactions were in each other's way: try again


class TooSlow(Exception):
    """A transaction took longer than any of ours may."""


# https://www.postgresql.org/docs/current/errcodes-appendix.html; the longest prefix counts.
_BY_SQLSTATE = {
    "08": FailureKind.UNREACHABLE,
    "25006": FailureKind.UNREACHABLE,  # read-only: a standby, after a switch-over
    "25P": FailureKind.SLOW,
    "40": FailureKind.CONFLICT,
    "53": FailureKind.FULL,
    "55P03": FailureKind.SLOW,
    "57014": FailureKind.SLOW,
    "57P": FailureKind.UNREACHABLE,
    "58": FailureKind.UNREACHABLE,
}
_BY_SQLITE_CODE = {
    sqlite3.SQLITE_BUSY: FailureKind.SLOW,
    sqlite3.SQLITE_LOCKED: FailureKind.SLOW,
    sqlite3.SQLITE_FULL: FailureKind.FULL,
    sqlite3.SQLITE_NOMEM: FailureKind.FULL,
    sqlite3.SQLITE_READONLY: FailureKind.UNREACHABLE,
    sqlite3.SQLITE_IOERR: FailureKind.UNREACHABLE,
    sqlite3.SQLITE_CANTOPEN: FailureKind.UNREACHABLE,
    sqlite3.SQLITE_PERM: FailureKind.UNREACHABLE,
    sqlite3.SQLITE_PROTOCOL: FailureKind.UNREACHABLE,
    sqlite3.SQLITE_CORRUPT: FailureKind.UNREACHABLE,
    sqlite3.SQLITE_NOTADB: FailureKind.UNREACHABLE,
}


def failure_kind(error: BaseException) -> FailureKind | None:
    """The database's trouble; None where the error is about something else."""
    if isinstance(error, PoolTimeout | TooSlow):
        return FailureKind.SLOW
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


def is_retryable(error: BaseException) -> bool:
    """Whether the same may well work at once: the connection was lost, or two collided."""
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    return lost or failure_kind(error) is FailureKind.CONFLICT


def _is_postgresqls(error: BaseException | None) -> "TypeGuard[psycopg.Error]":
    """Told by its name: where SQLite is used, the other driver need not be loaded."""
    return type(error).__module__.partition(".")[0] == "psycopg"


def _of_postgresql(error: "psycopg.Error") -> FailureKind | None:
    import psycopg

    if error.sqlstate is None:
        gone = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
        return FailureKind.UNREACHABLE if gone else None
    for length in (5, 3, 2):
        found = _BY_SQLSTATE.get(error.sqlstate[:length])
        if found is not None:
            return found
    return None
