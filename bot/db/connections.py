"""Connections of each engine: their guarantees and their timeouts."""

import select
from typing import Any

from sqlalchemy import Connection, ExceptionContext, event
from sqlalchemy.engine import URL, Engine
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

from bot.database_url import PGBOUNCER, SCHEMA, STATEMENT_CACHE

#: Longer than a person waits (see `bot.db.request_deadline`), so that background work gets its
#: turn.
BUSY_TIMEOUT_MS = 5_000
POOL_SECONDS = 5
MAX_CONNECTIONS = 15
#: PostgreSQL's code for a write in a read-only transaction.
READ_ONLY = "25006"

#: A broken network connection is not reported, so it counts as lost when sent data is not
#: acknowledged within 6 s, or when the other end of an idle connection is silent for about 11 s.
#: Both ends need these settings: the server keeps a client's locks as long as it believes the
#: client is alive. Our transactions wait for nothing but the database, so one idle for 10 s belongs
#: to a stalled process. None of our statements runs long enough for JIT compilation to pay off:
#: where the planner chose it, it took 30 ms of 32.
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
    """Return the URL for our asyncio driver, aiosqlite or psycopg 3.

    Query parameters that the driver does not understand are removed.
    """
    drivers = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+psycopg"}
    backend = url.get_backend_name()
    driver_url = url.difference_update_query((SCHEMA, PGBOUNCER, STATEMENT_CACHE))
    return driver_url.set(drivername=drivers.get(backend, url.drivername))


def engine_arguments(url: URL) -> dict[str, Any]:
    """Return the other arguments for the engine. Those in DATABASE_URL's query take precedence."""
    if url.get_backend_name() != "postgresql":
        from bot.db.sqlite_driver import connect  # not loaded where PostgreSQL is used

        # All our transactions end before their connection is returned, so there is nothing to roll
        # back.
        return {"connect_args": {"async_creator_fn": connect}, "pool_reset_on_return": None}
    # Kept open for bursts of work: opening a connection takes as long as about ten transactions.
    pool = {"pool_size": MAX_CONNECTIONS, "max_overflow": 0, "pool_timeout": POOL_SECONDS}
    return {"connect_args": _connect_arguments(url), **pool}


def _connect_arguments(url: URL) -> dict[str, str | None]:
    settings: dict[str, str | None] = dict(_CLIENT_SETTINGS)
    if PGBOUNCER in url.query:
        del settings["options"]  # PgBouncer refuses connections with `options`
    if PGBOUNCER in url.query or STATEMENT_CACHE in url.query:
        settings["prepare_threshold"] = None
    options = url.query.get("options", settings.get("options", ""))
    settings = {name: value for name, value in settings.items() if name not in url.query}
    if SCHEMA in url.query:
        settings["options"] = f'{options} -c search_path="{url.query[SCHEMA]}"'
    return settings


def register_connection_setup(engine: Engine) -> None:
    """Register the setup of every connection that this engine will open."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_in_sqlite)
    else:
        event.listen(engine, "checkout", _refuse_closed)
        event.listen(engine, "handle_error", _leave_read_only)


def without_foreign_keys(engine: Engine) -> None:
    """Switch SQLite's foreign keys off for migrations.

    SQLite rebuilds tables: dropping the old one would delete the children of its rows. PostgreSQL
    alters tables in place.
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
    """Refuse a connection that the server has closed, so that the pool opens another one.

    A closing server sends a message, which waits to be read. Polling for it takes a few
    microseconds; asking the server (pool_pre_ping) takes a round trip.
    """
    poller = select.poll()
    poller.register(dbapi_connection.driver_connection.fileno(), select.POLLIN)
    if poller.poll(0):
        raise DisconnectionError("closed by the server")


def _leave_read_only(context: ExceptionContext) -> None:
    """Drop connections to a read-only server, such as the old primary after a switch-over."""
    if getattr(context.original_exception, "sqlstate", None) == READ_ONLY:
        context.is_disconnect = True
