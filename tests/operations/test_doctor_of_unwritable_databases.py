"""`doctor` tells of a database that can be read, but not written to."""

import sqlite3

import pytest
from sqlalchemy.exc import DBAPIError

from bot.db import explanations
from bot.db.db_errors import TransactionTimeout
from bot.db.engine import Database
from bot.operations import doctor
from bot.operations.findings import problem
from bot.settings import Settings


def sqlite_error(code: int) -> DBAPIError:
    error = sqlite3.OperationalError("test error")
    error.sqlite_errorcode = code
    return DBAPIError("INSERT", {}, error)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (sqlite_error(sqlite3.SQLITE_FULL), explanations.FULL),
        (sqlite_error(sqlite3.SQLITE_READONLY), explanations.READ_ONLY),
        (TransactionTimeout("test error"), explanations.LOCKED),
        (PermissionError(), explanations.UNUSABLE.format(why="PermissionError")),
    ],
)
async def test_doctor_reports_a_database_that_refuses_to_be_written(
    database_url: str, monkeypatch: pytest.MonkeyPatch, error: Exception, sentence: str
) -> None:
    async def refuse(_: Database) -> None:
        raise error

    monkeypatch.setattr(Database, "check_writable", refuse)

    findings = [finding async for finding in doctor._database(Settings(database_url=database_url))]

    assert findings == [problem(f"database: {sentence}")]
