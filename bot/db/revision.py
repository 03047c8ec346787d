"""Check of whether the database is at this version's schema, without loading Alembic.

Migrations only add, so this version also runs on a newer schema, and can be started on one.
"""

import asyncio
import re

from sqlalchemy import Connection, inspect, text

from bot.db.engine import LONGEST_SECONDS, Database
from bot.db.explanations import explain
from bot.db.schema import metadata
from bot.resources import MIGRATIONS
from bot.settings import NotStarted

FOREIGN = (
    "DATABASE_URL names a database that another program made. Name another one; an SQLite file "
    "that does not exist yet is created."
)
_TABLE = "alembic_version"


class Unreachable(NotStarted):
    """Raised if the database did not answer, or cannot be used; the message says what to do."""


def revisions() -> list[str]:
    """Return this version's revisions, oldest first: they are linear, and files begin with them."""
    return sorted(path.name.split("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def newest_revision() -> str:
    """Return the last revision of this version."""
    return revisions()[-1]


async def has_pending_migrations(db: Database) -> bool:
    """Return whether the database lacks revisions of this version.

    Raises:
        Unreachable: it does not answer, refuses, or is not ours.
    """
    return await current_revision(db) < newest_revision()


async def current_revision(db: Database) -> str:
    """Return the database's revision; empty if it has none yet.

    Raises:
        Unreachable: it does not answer, refuses, or is not ours.
    """
    try:
        # Not by Database.reading, which would log the failure besides.
        async with asyncio.timeout(LONGEST_SECONDS), db.engine.connect() as connection:
            reader = await connection.execution_options(reading=True)
            revision = await reader.run_sync(_revision)
    except Exception as error:  # drivers raise all kinds of errors for a bad DATABASE_URL
        raise Unreachable(explain(error)) from error
    if revision is None:
        raise Unreachable(FOREIGN)
    return revision


def _revision(connection: Connection) -> str | None:
    """Return the revision; empty if there is none yet; None if the tables are not ours."""
    tables = set(inspect(connection).get_table_names())
    if _TABLE not in tables:
        # In PostgreSQL's public schema there may be tables of extensions.
        clashes = tables if connection.dialect.name == "sqlite" else tables & set(metadata.tables)
        return None if clashes else ""
    found = connection.execute(text(f"SELECT version_num FROM {_TABLE}")).scalar()  # noqa: S608 - the name is ours
    return None if found and not re.fullmatch(r"[0-9]{4}", found) else found or ""
