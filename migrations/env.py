"""Alembic's entry: which tables there should be, and on which database.

`python -m bot migrate` passes the URL and, on PostgreSQL, an advisory lock makes a second
migration wait for the first.
"""

import asyncio

from alembic import context
from sqlalchemy import Connection, text

from bot.db.engine import Database
from bot.db.schema import metadata
from bot.rounds import ballots
from bot.settings import load

#: Any number that nobody else uses: "imbal" in ASCII.
ADVISORY_LOCK = 0x696D62616C

# The vault's tables are on the same metadata once their module is imported.
assert ballots.TABLES


def _migrate(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": ADVISORY_LOCK})
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def _on(url: str) -> None:
    db = Database(url)
    try:
        async with db.transaction() as tx:
            await tx.run_sync(_migrate)
    finally:
        await db.close()


asyncio.run(_on(context.config.attributes.get("url") or load().database_url))
