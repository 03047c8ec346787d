"""Database errors: their kind, whether a commit certainly failed, and whether to retry at once."""

import sqlite3
from typing import Any

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from bot.db.db_errors import (
    FailureKind,
    TransactionTimeout,
    failure_kind,
    is_definite_failure,
    is_retryable,
)


def server_error(sqlstate: str | None, kind: type[psycopg.Error] = psycopg.Error) -> Exception:
    error = kind("test error")
    error.sqlstate = sqlstate
    return error


def sqlite_error(code: int, kind: type[sqlite3.Error] = sqlite3.OperationalError) -> Exception:
    error = kind("test error")
    error.sqlite_errorcode = code
    return error


def wrapped(error: Exception, *, lost: bool = False) -> DBAPIError:
    """Wrap an error as SQLAlchemy does."""
    return DBAPIError("SELECT 1", {}, error, connection_invalidated=lost)


@pytest.mark.parametrize(
    ("sqlstates", "kind"),
    [
        (("08000", "08006", "57P01", "57P03", "58030"), FailureKind.UNREACHABLE),
        (("25006",), FailureKind.READ_ONLY),
        (("25P03", "55P03", "57014"), FailureKind.SLOW),
        (("53100", "53200", "53300"), FailureKind.FULL),
        (("40001", "40P01"), FailureKind.CONFLICT),
        (("23505", "25001", "42601", "55000", "57000"), None),
    ],
)
def test_failure_kind_of_postgresql_codes(
    sqlstates: tuple[str, ...], kind: FailureKind | None
) -> None:
    for sqlstate in sqlstates:
        error = server_error(sqlstate)
        assert failure_kind(error) is failure_kind(wrapped(error)) is kind, sqlstate


@pytest.mark.parametrize(
    ("codes", "kind"),
    [
        (
            (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_BUSY_SNAPSHOT, sqlite3.SQLITE_LOCKED),
            FailureKind.SLOW,
        ),
        ((sqlite3.SQLITE_FULL, sqlite3.SQLITE_NOMEM), FailureKind.FULL),
        ((sqlite3.SQLITE_READONLY,), FailureKind.READ_ONLY),
        (
            (
                *(sqlite3.SQLITE_IOERR, sqlite3.SQLITE_IOERR_FSYNC),
                *(sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_PROTOCOL),
                *(sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB),
            ),
            FailureKind.UNREACHABLE,
        ),
        ((sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_ERROR), None),
    ],
)
def test_failure_kind_of_sqlite_codes(codes: tuple[int, ...], kind: FailureKind | None) -> None:
    for code in codes:
        error = sqlite_error(code)
        assert failure_kind(error) is failure_kind(wrapped(error)) is kind, code


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (PoolTimeout(), FailureKind.SLOW),
        (TransactionTimeout(), FailureKind.SLOW),
        (server_error(None, psycopg.OperationalError), FailureKind.UNREACHABLE),
        (server_error(None, psycopg.InterfaceError), FailureKind.UNREACHABLE),
        (server_error(None, psycopg.DataError), None),
        (sqlite3.ProgrammingError("sqlite3 itself objects"), None),
        (KeyError("ours"), None),
    ],
)
def test_failure_kind_of_errors_without_a_code(error: Exception, kind: FailureKind | None) -> None:
    assert failure_kind(error) is kind


@pytest.mark.parametrize(
    ("error", "definite"),
    [
        (server_error("40001"), True),
        (server_error("23505"), True),
        (server_error("57014"), True),
        (server_error("57P01"), False),  # shutting down: the commit may have succeeded
        (server_error("08006"), False),
        (server_error(None), False),
        (sqlite_error(sqlite3.SQLITE_FULL), True),
        (TransactionTimeout(), False),
        (OSError(), False),
    ],
)
def test_answered_only_if_the_database_itself_reported_the_failure(
    error: Any, definite: bool
) -> None:
    assert is_definite_failure(error) is definite
    assert is_definite_failure(wrapped(error)) is definite


@pytest.mark.parametrize(
    ("error", "retryable"),
    [
        (wrapped(server_error("40P01")), True),
        (wrapped(server_error("08006"), lost=True), True),
        (wrapped(server_error("08006")), False),
        (wrapped(sqlite_error(sqlite3.SQLITE_BUSY)), False),
        (PoolTimeout(), False),
        (ValueError(), False),
    ],
)
def test_is_retryable_for_conflicts_and_lost_connections(error: Exception, retryable: bool) -> None:
    assert is_retryable(error) is retryable
