"""Removal of deleted ballots from the database's own files."""

from sqlalchemy import text

from bot.db.engine import Database
from bot.db.tenancy import across_workspaces
from bot.rounds.ballots import TABLES


async def vacuum(db: Database) -> None:
    """Remove deleted rows from the database's own files; to be run until it succeeds.

    SQLite keeps old pages in its write-ahead log until that is truncated, PostgreSQL keeps dead
    rows until the table is vacuumed. Neither can be done inside a transaction.

    Raises:
        RuntimeError: a reader was in the way.
    """
    if not db.is_sqlite:
        async with db.engine.connect() as connection:
            autocommit = await connection.execution_options(isolation_level="AUTOCOMMIT")
            for table in TABLES:
                vacuum_table = text(f"VACUUM {table.name}")
                await autocommit.execute(across_workspaces(vacuum_table, "reads nobody's rows"))
        return
    async with db.engine.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        async with driver.execute("PRAGMA wal_checkpoint(TRUNCATE)") as cursor:
            busy, *_ = await cursor.fetchone()
    if busy:
        raise RuntimeError("the write-ahead log is being read")
