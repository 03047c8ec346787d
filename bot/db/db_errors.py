"""Classification of database errors: a failure of the database, or a bug of ours."""

import sqlite3
from enum import StrEnum
from typing import TYPE_CHECKING, TypeGuard

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

if TYPE_CHECKING:
    import psycopg


class FailureKind(StrEnum):
    """The ways in which the database can fail."""

    UNREACHABLE = "unreachable"  # gone, restarting, or cut off
    READ_ONLY = "read_only"  # can be read, but refuses to write
    SLOW = "slow"  # waited too long for a lock, a statement or a free connection
    FULL = "full"  # no space, no memory, no connection left
    CONFLICT = "conflict"  # two transactions conflicted: try again


class TransactionTimeout(Exception):
    """Raised if a transaction took longer than any of ours may."""


# https://www.postgresql.org/docs/current/errcodes-appendix.html; the longest prefix counts.
_BY_SQLSTATE = {
    "08": FailureKind.UNREACHABLE,
    "25006": FailureKind.READ_ONLY,  # a standby, after a switch-over
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
    sqlite3.SQLITE_READONLY: FailureKind.READ_ONLY,
    sqlite3.SQLITE_IOERR: FailureKind.UNREACHABLE,
    sqlite3.SQLITE_CANTOPEN: FailureKind.UNREACHABLE,
    sqlite3.SQLITE_PERM: FailureKind.UNREACHABLE,
    sqlite3.SQLITE_PROTOCOL: FailureKind.UNREACHABLE,
    sqlite3.SQLITE_CORRUPT: FailureKind.UNREACHABLE,
    sqlite3.SQLITE_NOTADB: FailureKind.UNREACHABLE,
}


def failure_kind(error: BaseException) -> FailureKind | None:
    """Return the kind of database failure, or None if the error is about something else."""
    if isinstance(error, PoolTimeout | TransactionTimeout):
        return FailureKind.SLOW
    driver_error = error.orig if isinstance(error, DBAPIError) else error
    if _is_psycopg_error(driver_error):
        return _postgresql_kind(driver_error)
    if isinstance(driver_error, sqlite3.Error):
        # the low byte is the kind, the rest the detail; -1: raised by the sqlite3 module itself
        return _BY_SQLITE_CODE.get(getattr(driver_error, "sqlite_errorcode", -1) & 0xFF)
    return None


def is_definite_failure(error: BaseException) -> bool:
    """Return whether the database itself reported the error, so that nothing was committed."""
    driver_error = error.orig if isinstance(error, DBAPIError) else error
    if _is_psycopg_error(driver_error):
        # at a shutdown, or if a standby never answered, the commit may still have happened
        return driver_error.sqlstate is not None and not driver_error.sqlstate.startswith(
            ("57P", "08")
        )
    return isinstance(driver_error, sqlite3.Error)


def is_retryable(error: BaseException) -> bool:
    """Return whether an immediate retry may work: the connection was lost, or two collided."""
    is_connection_lost = isinstance(error, DBAPIError) and error.connection_invalidated
    return is_connection_lost or failure_kind(error) is FailureKind.CONFLICT


def _is_psycopg_error(error: BaseException | None) -> "TypeGuard[psycopg.Error]":
    """Tell by the module's name: psycopg need not be loaded where SQLite is used."""
    return type(error).__module__.partition(".")[0] == "psycopg"


def _postgresql_kind(error: "psycopg.Error") -> FailureKind | None:
    import psycopg

    if error.sqlstate is None:
        is_unreachable = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
        return FailureKind.UNREACHABLE if is_unreachable else None
    for length in (5, 3, 2):
        kind = _BY_SQLSTATE.get(error.sqlstate[:length])
        if kind is not None:
            return kind
    return None
