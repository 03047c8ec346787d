"""Bringing the database to the schema of this version, forwards or back."""

import asyncio

from alembic import command
from alembic.config import Config

from bot.db.revision import MIGRATIONS


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
