"""What the database's own errors mean: for who waits, and for whether anything was kept."""

import sqlite3
from typing import Any

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from bot.db.db_errors import FailureKind, TooSlow, answered, failure_kind, is_retryable


def of_server(sqlstate: str | None, kind: type[psycopg.Error] = psycopg.Error) -> Exception:
    error = kind("said so")
    error.sqlstate = sqlstate
    return error


def of_file(code: int, kind: type[sqlite3.Error] = sqlite3.OperationalError) -> Exception:
    error = kind("said so")
    error.sqlite_errorcode = code
    return error


def wrapped(error: Exception, *, lost: bool = False) -> DBAPIError:
    """As SQLAlchemy raises it."""
    return DBAPIError("SELECT 1", {}, error, connection_invalidated=lost)


@pytest.mark.parametrize(
    ("sqlstates", "kind"),
    [
        (("08000", "08006", "25006", "57P01", "57P03", "58030"), FailureKind.UNREACHABLE),
        (("25P03", "55P03", "57014"), FailureKind.SLOW),
        (("53100", "53200", "53300"), FailureKind.FULL),
        (("40001", "40P01"), FailureKind.CONFLICT),
        (("23505", "25001", "42601", "55000", "57000"), None),
    ],
)
def test_the_servers_codes(sqlstates: tuple[str, ...], kind: FailureKind | None) -> None:
    for sqlstate in sqlstates:
        error = of_server(sqlstate)
        assert failure_kind(error) is failure_kind(wrapped(error)) is kind, sqlstate


@pytest.mark.parametrize(
    ("codes", "kind"),
    [
        (
            (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_BUSY_SNAPSHOT, sqlite3.SQLITE_LOCKED),
            FailureKind.SLOW,
        ),
        ((sqlite3.SQLITE_FULL, sqlite3.SQLITE_NOMEM), FailureKind.FULL),
        (
            (
                *(sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_IOERR_FSYNC),
                *(sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_PROTOCOL),
                *(sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB),
            ),
            FailureKind.UNREACHABLE,
        ),
        ((sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_ERROR), None),
    ],
)
def test_the_files_codes(codes: tuple[int, ...], kind: FailureKind | None) -> None:
    for code in codes:
        error = of_file(code)
        assert failure_kind(error) is failure_kind(wrapped(error)) is kind, code


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (PoolTimeout(), FailureKind.SLOW),
        (TooSlow(), FailureKind.SLOW),
        (of_server(None, psycopg.OperationalError), FailureKind.UNREACHABLE),
        (of_server(None, psycopg.InterfaceError), FailureKind.UNREACHABLE),
        (of_server(None, psycopg.DataError), None),
        (sqlite3.ProgrammingError("sqlite3 itself objects"), None),
        (KeyError("ours"), None),
    ],
)
def test_what_has_no_code(error: Exception, kind: FailureKind | None) -> None:
    assert failure_kind(error) is kind


@pytest.mark.parametrize(
    ("error", "said_so"),
    [
        (of_server("40001"), True),
        (of_server("23505"), True),
        (of_server("57014"), True),
        (of_server("57P01"), False),  # it shuts down: the commit may stand
        (of_server("08006"), False),
        (of_server(None), False),
        (of_file(sqlite3.SQLITE_FULL), True),
        (TooSlow(), False),
        (OSError(), False),
    ],
)
def test_whether_the_database_itself_said_that_nothing_was_kept(error: Any, said_so: bool) -> None:
    assert answered(error) is said_so
    assert answered(wrapped(error)) is said_so


@pytest.mark.parametrize(
    ("error", "worth_it"),
    [
        (wrapped(of_server("40P01")), True),
        (wrapped(of_server("08006"), lost=True), True),
        (wrapped(of_server("08006")), False),
        (wrapped(of_file(sqlite3.SQLITE_BUSY)), False),
        (PoolTimeout(), False),
        (ValueError(), False),
    ],
)
def test_what_is_worth_another_try_at_once(error: Exception, worth_it: bool) -> None:
    assert is_retryable(error) is worth_it
