"""The engine and its transactions, the same for SQLite and PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

BUSY_TIMEOUT_MS = 5_000


def _on_connect(dbapi_connection: Any, _entry: ConnectionPoolEntry) -> None:
    # isolation_level None stops Python's sqlite3 from opening transactions by itself, so that
    # our own BEGIN decides. synchronous=FULL: an answer is on disk before it is acknowledged.
    dbapi_connection.isolation_level = None
    cursor = dbapi_connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "foreign_keys=ON",
        "synchronous=FULL",
        "secure_delete=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _on_begin(connection: Connection) -> None:
    # A reader needs no write lock; a writer takes it at once instead of failing halfway.
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def async_url(url: str) -> str:
    """The URL with the asyncio driver we use: aiosqlite or psycopg 3."""
    parsed = make_url(url)
    drivers = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+psycopg"}
    backend = parsed.get_backend_name()
    return parsed.set(drivername=drivers.get(backend, parsed.drivername)).render_as_string(
        hide_password=False
    )


class Database:
    """Transactions on one engine.

    `changed` is set after every commit, so that delivery and the ticker need not poll for what
    this process wrote itself.
    """

    def __init__(self, url: str) -> None:
        self.engine: AsyncEngine = create_async_engine(async_url(url), hide_parameters=True)
        self.changed = asyncio.Event()
        # SQLite has one writer. Waiting for it here is fair and at once; its own busy handler
        # sleeps up to 100 ms between looks, and who comes last may win.
        self._one_writer = asyncio.Lock()
        if self.is_sqlite:
            event.listen(self.engine.sync_engine, "connect", _on_connect)
            event.listen(self.engine.sync_engine, "begin", _on_begin)

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """Everything inside is committed together; an exception rolls all of it back."""
        async with AsyncExitStack() as writing:
            if self.is_sqlite:
                await writing.enter_async_context(self._one_writer)
            yield await writing.enter_async_context(self.engine.begin())
        self.changed.set()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A consistent view for reads only; takes no write lock."""
        async with self.engine.connect() as connection:
            reader = await connection.execution_options(reading=True)
            async with reader.begin():
                yield reader

    async def close(self) -> None:
        await self.engine.dispose()
