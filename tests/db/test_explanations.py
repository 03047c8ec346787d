"""Sentences about errors of the database, from the driver's codes and words."""

import sqlite3

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError

from bot.db import explanations
from bot.db.explanations import explain


def sqlite_error(code: int) -> sqlite3.Error:
    error = sqlite3.OperationalError("test error")
    error.sqlite_errorcode = code
    return error


def server_error(words: str, sqlstate: str | None = None) -> psycopg.Error:
    error = psycopg.OperationalError(words)
    error.sqlstate = sqlstate
    return error


@pytest.mark.parametrize(
    ("codes", "sentence"),
    [
        ((sqlite3.SQLITE_IOERR, sqlite3.SQLITE_IOERR_WRITE), explanations.DISK_FAILS),
        ((sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_CANTOPEN_ISDIR), explanations.CANNOT_OPEN),
        ((sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_CORRUPT_INDEX), explanations.CORRUPT),
        ((sqlite3.SQLITE_NOTADB,), explanations.NOT_SQLITE),
        ((sqlite3.SQLITE_BUSY, sqlite3.SQLITE_BUSY_SNAPSHOT), explanations.LOCKED),
        ((sqlite3.SQLITE_READONLY, sqlite3.SQLITE_READONLY_DIRECTORY), explanations.READ_ONLY),
        ((sqlite3.SQLITE_FULL,), explanations.FULL),
    ],
)
def test_sqlite_error_is_explained_by_its_code_with_or_without_detail(
    codes: tuple[int, ...], sentence: str
) -> None:
    for code in codes:
        error = sqlite_error(code)
        assert explain(error) == explain(DBAPIError("SELECT 1", {}, error)) == sentence


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (server_error("", "53100"), explanations.FULL),
        (server_error("", "53300"), explanations.SERVER_FULL),
        (server_error("", "25006"), explanations.READ_ONLY),
        (server_error("Connection refused"), explanations.NOBODY_LISTENS),
        (server_error("remaining connection slots are reserved"), explanations.SERVER_FULL),
        (server_error("", "42601"), explanations.UNUSABLE.format(why="OperationalError")),
        (server_error("verbindung"), explanations.UNREACHABLE.format(why="unreachable")),
        (TimeoutError(), explanations.LOCKED),
    ],
)
def test_server_error_is_explained_by_its_code_or_words(error: Exception, sentence: str) -> None:
    assert explain(error) == sentence
