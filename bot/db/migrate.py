"""Bringing the database to the schema of this version, forwards or back."""

import asyncio
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from bot.db.engine import Database

MIGRATIONS = Path(__file__).parents[2] / "migrations"


def _config(url: str) -> Config:
    config = Config(attributes={"url": url})
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


async def migrate(url: str, revision: str = "head") -> None:
    """Run the migrations up to a revision, or down to an older one.

    Alembic is synchronous and starts its own event loop, so it gets a thread.
    """
    config = _config(url)
    older = revision == "base" or revision.startswith("-")
    step = command.downgrade if older else command.upgrade
    await asyncio.to_thread(step, config, revision)


async def pending(db: Database) -> bool:
    """Whether the database is not at the newest revision."""
    newest = ScriptDirectory(str(MIGRATIONS)).get_current_head()

    def revision(connection: Connection) -> str | None:
        return MigrationContext.configure(connection).get_current_revision()

    async with db.reading() as reader:
        return bool(await reader.run_sync(revision) != newest)
