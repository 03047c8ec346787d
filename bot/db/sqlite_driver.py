"""SQLite with fewer thread switches: a statement is run and read in one visit to its thread.

SQLAlchemy opens a cursor, executes, fetches and closes it, and aiosqlite goes to the connection's
thread for each of the four. A visit costs more than most of our statements do. BEGIN is run
together with the first statement. With it, a single answer takes 18 % less time; many at once are
as fast without (docs/performance.md).
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import aiosqlite

CHUNK = 64  # aiosqlite's own default; nothing here reads in chunks


class Cursor:
    """The part of a cursor that SQLAlchemy needs.

    The underlying sqlite3 cursor is opened, read and closed within one visit.
    """

    def __init__(self, connection: "Connection") -> None:
        self._connection = connection
        self._rows: list[Any] = []
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None
        self.arraysize = 1

    async def __aenter__(self) -> "Cursor":
        return self

    async def execute(self, statement: str, parameters: Sequence[Any] = ()) -> "Cursor":
        return await self._visit(sqlite3.Cursor.execute, statement, parameters)

    async def executemany(self, statement: str, parameters: Iterable[Sequence[Any]]) -> "Cursor":
        return await self._visit(sqlite3.Cursor.executemany, statement, parameters)

    async def fetchall(self) -> list[Any]:
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        self._rows = []

    async def _visit(self, run: Callable[..., Any], statement: str, parameters: Any) -> "Cursor":
        begin = self._connection.take_begin_statement()
        await self._connection.run_in_thread(partial(self._run, begin, run, statement, parameters))
        return self

    def _run(
        self,
        begin: str | None,
        run: Callable[..., Any],
        statement: str,
        parameters: Any,
        connection: sqlite3.Connection,
    ) -> None:
        cursor = connection.cursor()
        try:
            if begin is not None:
                cursor.execute(begin)
            run(cursor, statement, parameters)
            self.description = cursor.description
            self._rows = cursor.fetchall() if cursor.description else []
            self.rowcount, self.lastrowid = cursor.rowcount, cursor.lastrowid
        finally:
            cursor.close()


class Connection(aiosqlite.Connection):
    """An aiosqlite connection that uses these cursors."""

    _begin: str | None = None

    def begin_with(self, statement: str) -> None:
        """Set the statement that begins a transaction, run right before its first statement."""
        self._begin = statement

    def take_begin_statement(self) -> str | None:
        """Return the statement that must be run first, or None, and clear it."""
        begin, self._begin = self._begin, None
        return begin

    async def commit(self) -> None:
        self._begin = None
        await super().commit()

    async def rollback(self) -> None:
        self._begin = None
        await super().rollback()

    def cursor(self) -> Cursor:  # type: ignore[override]
        return Cursor(self)

    async def run_in_thread(self, work: Callable[[sqlite3.Connection], None]) -> None:
        """Run the work in the connection's thread."""
        await self._execute(work, self._conn)  # type: ignore[no-untyped-call]


def connect(database: str, **options: Any) -> Connection:
    """Connect like `aiosqlite.connect`, for SQLAlchemy's `async_creator_fn`."""
    connection = Connection(partial(sqlite3.connect, database, **options), CHUNK)
    connection._thread.daemon = True  # as SQLAlchemy does for aiosqlite's own connections
    return connection
