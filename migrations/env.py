"""Alembic's entry: which tables there should be, and on which database.

`python -m bot migrate` passes the URL. All pending steps are one transaction. On PostgreSQL an
advisory lock makes a second migration wait for the first, and no step waits long for a table: the
queue behind it would be everybody. It gives up instead, and tries again a little later.
"""

import asyncio

from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from bot.db.connections import without_foreign_keys
from bot.db.db_errors import FailureKind, failure_kind
from bot.db.engine import Database
from bot.db.file_lock import FileLocked
from bot.db.schema import metadata
from bot.rounds import ballots
from bot.settings import load

#: Any number that nobody else uses: "imbal" in ASCII.
ADVISORY_LOCK = 0x696D62616C
TRIES = 10
PAUSE_SECONDS = 1.0
IN_USE = (
    "The database was not migrated, and nothing was changed: its tables were in use all the time. "
    "Run it again when less is going on."
)

# The vault's tables are on the same metadata once their module is imported.
assert ballots.TABLES


def _migrate(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        _wait_in_turn(connection)
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()
    if connection.dialect.name == "sqlite":
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        assert not broken, f"rows without their parents: {broken[:5]}"


def _wait_in_turn(connection: Connection) -> None:
    """For another migration as long as it takes, then for each table at most 2 s."""
    for setting in ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout"):
        connection.execute(text(f"SET LOCAL {setting} = 0"))
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": ADVISORY_LOCK})
    connection.execute(text("SET LOCAL lock_timeout = '2s'"))


async def _on(url: str) -> None:
    db = Database(url)
    without_foreign_keys(db.engine.sync_engine)
    try:
        await _until_done(db)
    finally:
        await db.close()


async def _until_done(db: Database) -> None:
    for left in reversed(range(TRIES)):
        try:
            async with db.engine.begin() as tx:
                await tx.run_sync(_migrate)
            return
        except DBAPIError as error:
            if failure_kind(error) not in (FailureKind.SLOW, FailureKind.CONFLICT):
                raise
            if not left:
                raise FileLocked(IN_USE) from error
        await asyncio.sleep(PAUSE_SECONDS)


asyncio.run(_on(context.config.attributes.get("url") or load().database_url))
