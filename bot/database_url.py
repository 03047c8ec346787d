"""Strict reading of DATABASE_URL, so that no part of a password is taken for something else.

A parser that guesses takes `bot:p@ss@host` for a host called `ss@host`, and whatever fails to reach
it then prints part of the password. A URL that can be read in two ways is therefore refused, and no
message here contains any part of a value.
"""

import re
from collections.abc import Iterator
from ipaddress import IPv6Address
from urllib.parse import parse_qsl, unquote

from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError

NOT_A_DATABASE = "DATABASE_URL must begin with sqlite:/// or postgresql://."
OTHER_DRIVER = "DATABASE_URL names a driver that is not supported; write {scheme} without it."
QUOTED = "DATABASE_URL is in quotation marks; write it without them."
UNPRINTABLE = (
    "DATABASE_URL contains a space, a line break or another character that cannot be printed; "
    "percent-encode it (a space as %20)."
)
BAD_ESCAPE = (
    "DATABASE_URL contains a % that does not begin a percent-encoded UTF-8 character; write a % "
    "itself as %25."
)
NO_FILE = (
    "DATABASE_URL names no SQLite file; write sqlite:///data/imbalance.db, with four slashes if "
    "the path begins with one."
)
FILE_PARAMETERS = (
    "DATABASE_URL: an SQLite file takes no parameters; a ? in its name is written %3F."
)
NO_SLASHES = "DATABASE_URL must be written as postgresql://user:password@host/database."
UNESCAPED = (
    "DATABASE_URL: the user name or password contains a character that must be percent-encoded "
    "(@ as %40, : as %3A, / as %2F)."
)
NO_USER = "DATABASE_URL has a password but no user name: postgresql://user:password@host/database."
NO_HOST = (
    "DATABASE_URL names no host: postgresql://user:password@host/database. The folder of a Unix "
    "socket is written ?host=/var/run/postgresql."
)
BAD_HOST = (
    "DATABASE_URL: the host is not a valid name or address. The folder of a Unix socket is "
    "written ?host=/var/run/postgresql."
)
SEVERAL_HOSTS = (
    "DATABASE_URL: several hosts are written as parameters, one each: "
    "postgresql://user:password@/database?host=one:5432&host=two:5432."
)
BAD_HOSTS = (
    "DATABASE_URL: the parameters host and port are not valid together; several hosts are written "
    "?host=one:5432&host=two:5432."
)
BAD_PORT = "DATABASE_URL: the port must be a number from 1 to 65535."
NO_DATABASE = "DATABASE_URL names no database: postgresql://user:password@host/database."
BAD_QUERY = "DATABASE_URL: parameters after the ? are written name=value and joined by &."
UNKNOWN = "DATABASE_URL: the parameter {name} is unknown; remove it."
UNKNOWN_UNNAMED = (
    "DATABASE_URL has an unknown parameter; remove it, or write an & within a value as %26."
)
TWICE = "DATABASE_URL: the parameter {name} is given twice."
BAD_CHOICE = "DATABASE_URL: the parameter {name} must be one of {choices}."
BAD_SCHEMA = "DATABASE_URL: schema must be one name of letters, digits and underscores."

# Another library's driver means the same database, so its URL is accepted. A driver that is not
# listed may mean another one: pysqlcipher's files are encrypted.
_DRIVERS = {
    "sqlite": {"", "aiosqlite", "pysqlite"},
    "postgresql": {"", "psycopg", "psycopg_async", "psycopg2", "asyncpg"},
}
_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_SSL = {"true": "require", "false": "disable", "no-verify": "require"}
_ALIASES = {"ssl": "sslmode", "prepared_statement_cache_size": "statement_cache_size"}
#: Understood by `bot.db.connections`, not by libpq.
SCHEMA, PGBOUNCER, STATEMENT_CACHE = "schema", "pgbouncer", "statement_cache_size"
#: Parameters of other clients' connection pools; ours has its own size.
_IGNORED = {"connection_limit", "pool_timeout"}


class InvalidDatabaseUrl(ValueError):
    """Raised if DATABASE_URL cannot be used; the message for the operator holds no part of it."""


def read(written: str) -> str:
    """Return the URL in the one way that SQLAlchemy can read it.

    Raises:
        InvalidDatabaseUrl: it is wrong, or can be read in two ways.
    """
    if written[:1] in {"'", '"', "`"} or written[-1:] in {"'", '"', "`"}:
        raise InvalidDatabaseUrl(QUOTED)
    match = re.match(r"(sqlite|postgres(?:ql)?)(?:\+(\w+))?:", written, re.I | re.A)
    if match is None:
        raise InvalidDatabaseUrl(NOT_A_DATABASE)
    backend = "sqlite" if match[1].lower() == "sqlite" else "postgresql"
    if (match[2] or "").lower() not in _DRIVERS[backend]:
        raise InvalidDatabaseUrl(OTHER_DRIVER.format(scheme=f"{backend}://"))
    rest = written[match.end() :]
    return _sqlite(rest) if backend == "sqlite" else _postgresql(rest)


def _sqlite(rest: str) -> str:
    if not rest.isprintable():
        raise InvalidDatabaseUrl(UNPRINTABLE)
    file = _decoded(rest.removeprefix("///"))
    if not rest.startswith("///") or not file or file.endswith("/") or file == ":memory:":
        raise InvalidDatabaseUrl(NO_FILE)
    if "?" in rest:
        raise InvalidDatabaseUrl(FILE_PARAMETERS)
    return f"sqlite:{rest}"


def _postgresql(rest: str) -> str:
    if " " in rest or not rest.isprintable():
        raise InvalidDatabaseUrl(UNPRINTABLE)
    if not rest.startswith("//"):
        raise InvalidDatabaseUrl(NO_SLASHES)
    authority = re.split(r"[/?#]", rest[2:], maxsplit=1)[0]
    tail = rest[2 + len(authority) :]
    if authority.count("@") > 1 or "@" in tail or "#" in tail:
        raise InvalidDatabaseUrl(UNESCAPED)
    path, _, query = tail.partition("?")
    credentials, _, place = authority.rpartition("@")
    user, password = _credentials(credentials)
    host, port = _place(place)
    database = _decoded(path.removeprefix("/"))
    parameters = _parameters(query)
    if credentials and not host and not parameters.keys() & {"host", "hostaddr", "service"}:
        raise InvalidDatabaseUrl(NO_HOST)
    if not database and not parameters.keys() & {"dbname", "service"}:
        raise InvalidDatabaseUrl(NO_DATABASE)
    url = URL.create("postgresql", user, password, host, port, database or None, parameters)
    _check_parts(url)
    return url.render_as_string(hide_password=False)


def _credentials(written: str) -> tuple[str | None, str | None]:
    user, colon, password = written.partition(":")
    if re.search(r"[\[\]]", user) or re.search(r"[:\[\]]", password):
        raise InvalidDatabaseUrl(UNESCAPED)
    if colon and not user:
        raise InvalidDatabaseUrl(NO_USER)
    return _decoded(user) or None, _decoded(password) if colon else None


def _place(written: str) -> tuple[str | None, int | None]:
    """Split a host and a port."""
    if "," in written:
        raise InvalidDatabaseUrl(SEVERAL_HOSTS)
    match = re.fullmatch(r"(?:\[(.*)\]|([\w.-]*))(?::(.*))?", written)
    if match is None:
        raise InvalidDatabaseUrl(BAD_HOST)
    address, name, port = match.groups()
    try:
        host = str(IPv6Address(address)) if address is not None else name
        host.encode("idna")  # as getaddrinfo does, which would raise the same error later
    except ValueError:
        raise InvalidDatabaseUrl(BAD_HOST) from None
    if port and not (re.fullmatch(r"[0-9]{1,5}", port) and 1 <= int(port) <= 65535):
        raise InvalidDatabaseUrl(BAD_PORT)
    if port and not host:
        raise InvalidDatabaseUrl(NO_HOST)
    return host or None, int(port) if port else None


def _decoded(written: str) -> str:
    if re.search(r"%(?![0-9A-Fa-f]{2})|%00", written):
        raise InvalidDatabaseUrl(BAD_ESCAPE)
    try:
        return unquote(written, errors="strict")
    except UnicodeDecodeError:
        raise InvalidDatabaseUrl(BAD_ESCAPE) from None


def _parameters(query: str) -> dict[str, tuple[str, ...]]:
    _decoded(query)
    query = query.strip("&")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    except ValueError:
        raise InvalidDatabaseUrl(BAD_QUERY) from None
    _check_names([name for name, _ in pairs])
    parameters: dict[str, tuple[str, ...]] = {}
    for name, value in _translated(pairs):
        if name in parameters and name != "host":
            raise InvalidDatabaseUrl(TWICE.format(name=name))
        parameters[name] = (*parameters.get(name, ()), value)
    return parameters


def _check_names(names: list[str]) -> None:
    """Refuse parameters that neither libpq nor this module knows."""
    import psycopg  # not loaded where SQLite is used

    known = {option.keyword.decode() for option in psycopg.pq.Conninfo.get_defaults()}
    known |= {*_ALIASES, *_IGNORED, SCHEMA, PGBOUNCER, STATEMENT_CACHE}
    # After a secret with an unescaped & in it, a name may be part of that secret.
    may_be_secret = any("password" in name or "secret" in name for name in names)
    for name in names:
        if name not in known:
            if may_be_secret or not re.fullmatch(r"[A-Za-z]\w*", name, re.A):
                raise InvalidDatabaseUrl(UNKNOWN_UNNAMED)
            raise InvalidDatabaseUrl(UNKNOWN.format(name=name))


def _translated(pairs: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield parameters under the names of libpq or `bot.db.connections`."""
    for written, typed in pairs:
        name = _ALIASES.get(written, written)
        if not typed or name in _IGNORED:
            continue
        value = _SSL.get(typed.lower(), typed) if written == "ssl" else typed
        if name == "sslmode" and value not in _SSL_MODES:
            choices = ", ".join(_SSL_MODES)
            raise InvalidDatabaseUrl(BAD_CHOICE.format(name=written, choices=choices))
        if name == PGBOUNCER and value not in {"true", "false"}:
            raise InvalidDatabaseUrl(BAD_CHOICE.format(name=name, choices="true, false"))
        if name == SCHEMA and not re.fullmatch(r"\w+", value):
            raise InvalidDatabaseUrl(BAD_SCHEMA)
        if (name, value) != (PGBOUNCER, "false") and (name != STATEMENT_CACHE or value == "0"):
            yield name, value


def _check_parts(url: URL) -> None:
    """Refuse hosts and ports that do not go together, or that are given twice."""
    parts = url.translate_connect_args(username="user", database="dbname")
    for name in parts:
        if name in url.query:
            raise InvalidDatabaseUrl(TWICE.format(name=name))
    dialect = url.set(drivername="postgresql+psycopg").get_dialect()()
    try:
        dialect.create_connect_args(url)
    except (ArgumentError, ValueError):
        raise InvalidDatabaseUrl(BAD_HOSTS) from None
