"""Check of whether the database is at this version's schema, without loading Alembic.

Migrations only add, so this version also runs on a newer schema, and can be started on one.
"""

from sqlalchemy import Connection, inspect, text

from bot.db.db_errors import failure_kind
from bot.db.engine import Database
from bot.resources import MIGRATIONS
from bot.settings import NotStarted

UNREACHABLE = (
    "The database cannot be reached ({why}). Check DATABASE_URL, and that its server runs."
)
UNUSABLE = "The database cannot be used ({why}): check DATABASE_URL."
_TABLE = "alembic_version"


class Unreachable(NotStarted):
    """Raised if the database did not answer, or refused; the message says what to check."""


def newest_revision() -> str:
    """Return the last revision: our migrations are linear, and file names begin with the number."""
    return max(path.name.split("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


async def has_pending_migrations(db: Database) -> bool:
    """Return whether the database lacks revisions of this version.

    Raises:
        Unreachable: it does not answer, or refuses.
    """
    return await current_revision(db) < newest_revision()


async def current_revision(db: Database) -> str:
    """Return the database's revision; empty if it has none yet.

    Raises:
        Unreachable: it does not answer, or refuses.
    """
    try:
        async with db.reading() as reader:
            return await reader.run_sync(_revision) or ""
    except Exception as error:  # drivers raise all kinds of errors for a bad DATABASE_URL
        kind = failure_kind(error)
        if kind is None:
            raise Unreachable(unusable(error)) from error
        raise Unreachable(UNREACHABLE.format(why=kind)) from error


def unusable(error: BaseException) -> str:
    """Return the message for the operator. The driver's own text may hold parts of DATABASE_URL."""
    driver = getattr(error, "orig", None) or error
    return UNUSABLE.format(why=type(driver).__name__)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(_TABLE):
        return None
    return connection.execute(text(f"SELECT version_num FROM {_TABLE}")).scalar()  # noqa: S608 - the name is ours
