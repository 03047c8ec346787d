"""Whether the database is at this version's schema, asked without loading Alembic."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from bot.db.engine import Database

MIGRATIONS = Path(__file__).parents[2] / "migrations"
_TABLE = "alembic_version"


def newest() -> str:
    """The last revision: our migrations are one line, and their files begin with the number."""
    return max(path.name.split("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


async def pending(db: Database) -> bool:
    """Whether the database is not at the newest revision."""
    async with db.reading() as reader:
        return await reader.run_sync(_revision) != newest()


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(_TABLE):
        return None
    return connection.execute(text(f"SELECT version_num FROM {_TABLE}")).scalar()
