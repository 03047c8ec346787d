"""Access to the same databases as the bot, without its timeouts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import event, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.db.connections import async_url, engine_arguments, register_connection_setup
from bot.db.encrypted_columns import use_keys
from tests.harness import KEY_RING

BUSY_MS = 60_000


class AdminDatabase:
    """A database whose transactions may take any time."""

    def __init__(self, url: str) -> None:
        given = make_url(url)
        sqlite = given.get_backend_name() == "sqlite"
        options = engine_arguments(given) if sqlite else {}
        self.engine: AsyncEngine = create_async_engine(async_url(given), **options)
        use_keys(self.engine, KEY_RING)
        if sqlite:
            register_connection_setup(self.engine.sync_engine)
            event.listen(self.engine.sync_engine, "connect", _for_bulk)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        async with self.engine.begin() as tx:
            yield tx

    async def analyze(self) -> None:
        """Run ANALYZE on PostgreSQL, which would do it by itself later."""
        if self.engine.dialect.name == "sqlite":
            return
        async with self.engine.connect() as connection:
            alone = await connection.execution_options(isolation_level="AUTOCOMMIT")
            await alone.execute(text("ANALYZE"))


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[AdminDatabase]:
    """Open a database for the block."""
    db = AdminDatabase(url)
    try:
        yield db
    finally:
        await db.engine.dispose()


def _for_bulk(dbapi_connection: Any, _: Any) -> None:
    """Make bulk writes fast. They need not be durable, unlike those of the bot."""
    cursor = dbapi_connection.cursor()
    for pragma in (f"busy_timeout={BUSY_MS}", "synchronous=OFF", "cache_size=-100000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
