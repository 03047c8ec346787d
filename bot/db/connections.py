"""Connections of each engine: their guarantees and their timeouts."""

import select
from typing import Any

from sqlalchemy import Connection, ExceptionContext, event
from sqlalchemy.engine import URL, Engine
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

from bot.database_url import PGBOUNCER, SCHEMA, STATEMENT_CACHE

#: Longer than a person waits (see `progress`), so that work in the background gets its turn.
BUSY_TIMEOUT_MS = 5_000
POOL_SECONDS = 5
MOST_CONNECTIONS = 15
#: PostgreSQL's code for a write to what may only be read.
READ_ONLY = "25006"

#: A cut network sends no word: what is sent and not confirmed within 6 s, and an idle connection
#: whose other end is silent for some 11 s, count as lost. Both ends need it: the server keeps the
#: locks of a client it believes in. Our transactions never wait for anything but the database,
#: so one idle for 10 s belongs to a process that stands still. Nor does any statement of ours run
#: for so long that compiling it would pay: where the planner thought so, it took 30 ms of 32.
_SERVER_SETTINGS = {
    "jit": "off",
    "statement_timeout": "20s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "10s",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "6s",
}
_CLIENT_SETTINGS = {
    "connect_timeout": "4",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "6000",
    "application_name": "imbalance",
    "options": " ".join(f"-c {name}={value}" for name, value in _SERVER_SETTINGS.items()),
}


def async_url(url: URL) -> URL:
    """The URL with the asyncio driver we use, aiosqlite or psycopg 3, and what that understands."""
    drivers = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+psycopg"}
    backend = url.get_backend_name()
    understood = url.difference_update_query((SCHEMA, PGBOUNCER, STATEMENT_CACHE))
    return understood.set(drivername=drivers.get(backend, url.drivername))


def arguments(url: URL) -> dict[str, Any]:
    """What else the engine is made with. What DATABASE_URL itself says, in its query, wins."""
    if url.get_backend_name() != "postgresql":
        from bot.db.sqlite_driver import connect  # where PostgreSQL is used it need not be loaded

        # Every transaction of ours ends before its connection goes back, so nothing is left to
        # roll back there.
        return {"connect_args": {"async_creator_fn": connect}, "pool_reset_on_return": None}
    # Kept when work comes in bursts: making one takes as long as some ten transactions do.
    pool = {"pool_size": MOST_CONNECTIONS, "max_overflow": 0, "pool_timeout": POOL_SECONDS}
    return {"connect_args": _connect_arguments(url), **pool}


def _connect_arguments(url: URL) -> dict[str, str | None]:
    ours: dict[str, str | None] = dict(_CLIENT_SETTINGS)
    if PGBOUNCER in url.query:
        del ours["options"]  # it refuses connections that come with any
    if PGBOUNCER in url.query or STATEMENT_CACHE in url.query:
        ours["prepare_threshold"] = None
    options = url.query.get("options", ours.get("options", ""))
    ours = {name: value for name, value in ours.items() if name not in url.query}
    if SCHEMA in url.query:
        ours["options"] = f'{options} -c search_path="{url.query[SCHEMA]}"'
    return ours


def prepare(engine: Engine) -> None:
    """Set up every connection this engine will make."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_in_sqlite)
    else:
        event.listen(engine, "checkout", _refuse_closed)
        event.listen(engine, "handle_error", _leave_read_only)


def without_foreign_keys(engine: Engine) -> None:
    """For migrations: where SQLite rebuilds a table, dropping the old one would delete its rows'
    children. PostgreSQL alters tables in place.
    """

    def switch_off(dbapi_connection: Any, _entry: ConnectionPoolEntry) -> None:
        cursor = dbapi_connection.cursor()
        cursor.execute("PRAGMA foreign_keys=OFF")
        cursor.close()

    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", switch_off)


def _set_up_sqlite(dbapi_connection: Any, _entry: ConnectionPoolEntry) -> None:
    # isolation_level None stops Python's sqlite3 from opening transactions by itself, so that
    # our own BEGIN decides. synchronous=FULL: an answer is on disk before it is acknowledged.
    dbapi_connection.isolation_level = None
    cursor = dbapi_connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "foreign_keys=ON",
        "synchronous=FULL",
        "secure_delete=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_in_sqlite(connection: Connection) -> None:
    # A reader needs no write lock; a writer takes it at once instead of failing halfway.
    reading = connection.get_execution_options().get("reading", False)
    driver = connection.connection.driver_connection
    assert driver is not None
    driver.begin_with("BEGIN" if reading else "BEGIN IMMEDIATE")


def _refuse_closed(dbapi_connection: Any, _entry: ConnectionPoolEntry, _proxy: Any) -> None:
    """Take no connection the server has closed: the pool then makes another one.

    A server that goes away says so, and that waits to be read. Looking whether anything does
    takes a few microseconds, where asking the server (pool_pre_ping) takes a round trip.
    """
    looked = select.poll()
    looked.register(dbapi_connection.driver_connection.fileno(), select.POLLIN)
    if looked.poll(0):
        raise DisconnectionError("closed by the server")


def _leave_read_only(context: ExceptionContext) -> None:
    """After a switch-over the old primary may still answer: do not stay with it."""
    if getattr(context.original_exception, "sqlstate", None) == READ_ONLY:
        context.is_disconnect = True
