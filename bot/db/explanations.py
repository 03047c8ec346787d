"""Why the database of DATABASE_URL cannot be used, in a sentence for the operator.

No sentence holds a part of the driver's own text, which may quote DATABASE_URL.
"""

import re
import sqlite3
from collections.abc import Mapping

from sqlalchemy.exc import DBAPIError

from bot.db.db_errors import FailureKind, failure_kind

UNREACHABLE = (
    "The database cannot be reached ({why}). Check DATABASE_URL, and that its server runs."
)
UNUSABLE = "The database cannot be used ({why}): check DATABASE_URL."
FULL = (
    "The database of DATABASE_URL cannot be written to, because its disk is full. Free some space; "
    "until then nothing is saved."
)
SERVER_FULL = (
    "The server of DATABASE_URL has no space, memory or connection left. Give it more, or let "
    "fewer programs use it."
)
LOCKED = (
    "The database of DATABASE_URL is locked by another program, or too slow. Stop what uses it, "
    "and try again."
)
READ_ONLY = (
    "The database of DATABASE_URL can be read, but not written to. An SQLite file and its folder "
    "must belong to the user that the bot runs as; a server must not be a standby."
)
NOT_SQLITE = "DATABASE_URL names a file that is not an SQLite database. Name another file."
CORRUPT = (
    "The database file of DATABASE_URL is damaged. Restore a backup; docs/operating.md says how."
)
DISK_FAILS = "The disk with the database file of DATABASE_URL fails. Check it."
CANNOT_OPEN = (
    "The database file of DATABASE_URL cannot be opened: it must be a file, in a folder, that the "
    "user that the bot runs as may both read and write."
)
WRONG_PASSWORD = "The server refuses the user name or the password in DATABASE_URL."
NO_DATABASE = "The database that DATABASE_URL names does not exist on its server. Create it."
NO_USER = "The user that DATABASE_URL names does not exist on its server. Create it."
NOT_ADMITTED = (
    "The server does not admit this user from this machine, or not without TLS (pg_hba.conf, and "
    "sslmode in DATABASE_URL)."
)
NO_TLS = (
    "The server does not speak TLS, which DATABASE_URL asks for. Set sslmode there to prefer, or "
    "switch TLS on at the server."
)
BAD_CERTIFICATE = (
    "The server's certificate is not trusted. Name its certificate authority in DATABASE_URL: "
    "sslrootcert=/path/to/ca.pem."
)
UNKNOWN_HOST = "The host name in DATABASE_URL is not known. Check its spelling, and the DNS."
NOBODY_LISTENS = (
    "No database server answers at the host and port of DATABASE_URL. Start it, or correct them."
)
PGBOUNCER = (
    "The pooler at DATABASE_URL refuses our parameters. Add pgbouncer=true after a ? or & to it."
)

_SQLITE: Mapping[int, str] = {
    sqlite3.SQLITE_CANTOPEN: CANNOT_OPEN,
    sqlite3.SQLITE_PERM: CANNOT_OPEN,
    sqlite3.SQLITE_NOTADB: NOT_SQLITE,
    sqlite3.SQLITE_CORRUPT: CORRUPT,
    sqlite3.SQLITE_IOERR: DISK_FAILS,
}
_KINDS: Mapping[FailureKind, str] = {
    FailureKind.FULL: FULL,
    FailureKind.SLOW: LOCKED,
    FailureKind.READ_ONLY: READ_ONLY,
}
#: While connecting, libpq has no codes, only the server's words. Of a server that speaks another
#: language, the general sentence is shown.
_POSTGRESQL = tuple(
    (re.compile(pattern), sentence)
    for pattern, sentence in (
        ("unsupported startup parameter", PGBOUNCER),
        ("password authentication failed|no password supplied|SASL", WRONG_PASSWORD),
        ('database ".*" does not exist', NO_DATABASE),
        ('role ".*" does not exist', NO_USER),
        ("pg_hba.conf", NOT_ADMITTED),
        ("does not support SSL", NO_TLS),
        ("certificate", BAD_CERTIFICATE),
        ("too many clients|connection slots|too many connections", SERVER_FULL),
        ("resolve host|translate host|not known|No address", UNKNOWN_HOST),
        ("Connection refused|No such file or directory|timeout expired", NOBODY_LISTENS),
    )
)


def explain(error: BaseException) -> str:
    """Return the sentence for an error of the database or its driver."""
    driver = error.orig if isinstance(error, DBAPIError) and error.orig else error
    kind = FailureKind.SLOW if isinstance(error, TimeoutError) else failure_kind(error)
    if isinstance(driver, sqlite3.Error):
        sentence = _SQLITE.get(getattr(driver, "sqlite_errorcode", -1) & 0xFF)
    else:
        sentence = _of_server(driver, kind)
    if sentence is None and kind is not None:
        sentence = _KINDS.get(kind)
    if sentence is not None:
        return sentence
    if kind is None:
        return UNUSABLE.format(why=type(driver).__name__)
    return UNREACHABLE.format(why=kind)


def _of_server(error: BaseException, kind: FailureKind | None) -> str | None:
    if kind is FailureKind.FULL and not str(getattr(error, "sqlstate", "")).startswith("531"):
        return SERVER_FULL
    if kind is not FailureKind.UNREACHABLE:
        return None
    words = str(error)
    return next((sentence for pattern, sentence in _POSTGRESQL if pattern.search(words)), None)
