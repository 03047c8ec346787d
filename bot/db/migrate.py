"""Migration of the database to this version's schema, or back to an older one."""

import asyncio

from alembic import command
from alembic.config import Config
from sqlalchemy.exc import DBAPIError

from bot.db.engine import Database
from bot.db.revision import current_revision, newest_revision
from bot.resources import MIGRATIONS
from bot.settings import NotStarted

NOT_ALLOWED = (
    "The database was not migrated, and nothing was changed ({why}): the user of DATABASE_URL must "
    "be allowed to create tables there, in a schema that exists."
)
#: No privilege, no such schema, a server that may only be read.
_NOT_ALLOWED_CODES = {"42501", "3F000", "25006"}


def _config(url: str) -> Config:
    config = Config(attributes={"url": url})
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


async def migrate(url: str, revision: str = "head") -> None:
    """Run the migrations up to a revision, or down to an older one.

    A database that a newer version has migrated further is left as it is: this version can use it.
    Alembic is synchronous and starts its own event loop, so it gets a thread.

    Raises:
        Unreachable: the database does not answer.
        NotStarted: its user may not change tables there.
    """
    current = await _current_revision(url)
    if revision == "head" and current > newest_revision():
        return
    is_downgrade = revision == "base" or revision.startswith("-") or revision < current
    step = command.downgrade if is_downgrade else command.upgrade
    try:
        await asyncio.to_thread(step, _config(url), revision)
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) not in _NOT_ALLOWED_CODES:
            raise
        raise NotStarted(NOT_ALLOWED.format(why=type(error.orig).__name__)) from error


async def _current_revision(url: str) -> str:
    db = Database(url)
    try:
        return await current_revision(db)
    finally:
        await db.close()
