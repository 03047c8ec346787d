"""Every mistake in the settings is a sentence that names the setting, at start and in doctor."""

import gc
import io
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bot.__main__ import main
from bot.settings import encode_key
from tests.harness import KEY

NOBODY = 65534
VALID = {
    "SLACK_BOT_TOKEN": "xoxb-1",
    "SLACK_APP_TOKEN": "xapp-1",
    "SLACK_SIGNING_SECRET": "hunter2",
    "SLACK_API_URL": "http://127.0.0.1:9/api/",
    "IMBALANCE_KEYS": encode_key(KEY),
    "DATABASE_URL": "sqlite:///imbalance.db",
    "METRICS_PORT": "0",
}


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """What is set, what lies in the working folder, and the sentence that explains it."""

    sentence: str
    environ: dict[str, str] = field(default_factory=dict)
    prepare: Callable[[Path], object] = lambda _: None


def written_as(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(content)


def a_foreign_database(folder: Path) -> None:
    with sqlite3.connect(folder / "imbalance.db") as connection:
        connection.execute("CREATE TABLE songs (title)")
    connection.close()


def a_foreign_revision(folder: Path) -> None:
    with sqlite3.connect(folder / "imbalance.db") as connection:
        connection.execute("CREATE TABLE alembic_version (version_num)")
        connection.execute("INSERT INTO alembic_version VALUES ('ae1027a6acf')")
    connection.close()


SETTINGS = {
    "not a database": Mistake(
        environ={"DATABASE_URL": "mysql://host/db"},
        sentence="DATABASE_URL must begin with sqlite:/// or postgresql://.",
    ),
    "no slashes": Mistake(
        environ={"DATABASE_URL": "sqlite:x.db"}, sentence="DATABASE_URL names no SQLite file; "
    ),
    "bad escape": Mistake(
        environ={"DATABASE_URL": "sqlite:///a%b.db"}, sentence="write a % itself as %25."
    ),
    "unknown parameter": Mistake(
        environ={"DATABASE_URL": "postgresql://me@host/db?mode=x"},
        sentence="DATABASE_URL: the parameter mode is unknown; remove it.",
    ),
    "bad port": Mistake(
        environ={"HTTP_PORT": "99999"}, sentence="HTTP_PORT must be a number from 0 to 65535."
    ),
    "bad host": Mistake(
        environ={"METRICS_HOST": "127.0.0.1:9464"},
        sentence="METRICS_HOST must be an address of this machine or a host name, without a port;",
    ),
    "bad proxy": Mistake(
        environ={"HTTPS_PROXY": "socks5://proxy:1080"},
        sentence="HTTPS_PROXY must be written as http://host:port",
    ),
    "lowercase proxy": Mistake(
        environ={"http_proxy": "http://"}, sentence="HTTP_PROXY must be written as"
    ),
    "no certificates": Mistake(
        environ={"SSL_CERT_FILE": "missing.pem"},
        sentence="SSL_CERT_FILE must be the path of a file with certificates in PEM; none can be "
        "read there (FileNotFoundError).",
    ),
    "not certificates": Mistake(
        environ={"REQUESTS_CA_BUNDLE": "ca.pem"},
        prepare=written_as("ca.pem", b"no certificate"),
        sentence="REQUESTS_CA_BUNDLE must be the path of a file with certificates",
    ),
    "quoted": Mistake(
        environ={"SLACK_APP_TOKEN": '"xapp-1"'}, sentence="SLACK_APP_TOKEN is in quotation marks;"
    ),
    "user token": Mistake(
        environ={"SLACK_BOT_TOKEN": "xoxp-1"},
        sentence="SLACK_BOT_TOKEN holds a person's token (xoxp-...); the bot's own begins with",
    ),
    "swapped tokens": Mistake(
        environ={"SLACK_BOT_TOKEN": "xapp-1"}, sentence="that one belongs in SLACK_APP_TOKEN."
    ),
    "two lines in a token": Mistake(
        environ={"SLACK_BOT_TOKEN": "xoxb-1\nxoxb-2"},
        sentence="SLACK_BOT_TOKEN contains a space, a line break or another character",
    ),
    "UTF-16 with a BOM": Mistake(
        prepare=written_as(".env", "LOG_LEVEL=INFO\n".encode("utf-16")),
        sentence="The file .env is not UTF-8 text; save it again as UTF-8.",
    ),
    "UTF-16 without a BOM": Mistake(
        prepare=written_as(".env", "LOG_LEVEL=INFO\n".encode("utf-16-le")),
        sentence="The file .env is not UTF-8 text; save it again as UTF-8.",
    ),
    "Latin-1": Mistake(
        prepare=written_as(".env", "# für die Größe\nLOG_LEVEL=INFO\n".encode("latin-1")),
        sentence="The file .env is not UTF-8 text; save it again as UTF-8.",
    ),
    "BOM before a mistake": Mistake(
        prepare=written_as(".env", "\ufeffLOG_LEVEL=loud\n".encode()),
        sentence="LOG_LEVEL must be one of",
    ),
    ".env is a folder": Mistake(
        prepare=lambda folder: (folder / ".env").mkdir(),
        sentence="The file .env cannot be read (IsADirectoryError)",
    ),
    "bad line": Mistake(
        prepare=written_as(".env", b"LOG_LEVEL=INFO\nHTTP_PORT='3000\n"),
        sentence="Line 2 of the file .env cannot be read; write NAME=value.",
    ),
    "unreadable secret": Mistake(
        environ={"SLACK_APP_TOKEN": "", "SLACK_APP_TOKEN_FILE": "missing"},
        sentence="SLACK_APP_TOKEN_FILE must be the path of a file; no file can be read there",
    ),
}
DATABASES = {
    "a folder": Mistake(
        prepare=lambda folder: (folder / "imbalance.db").mkdir(),
        sentence="DATABASE_URL names a folder; name a file in it",
    ),
    "a device": Mistake(
        environ={"DATABASE_URL": "sqlite:////dev/full"},
        sentence="DATABASE_URL names something that is neither a file nor a folder.",
    ),
    "another file": Mistake(
        prepare=written_as("imbalance.db", b"Dear diary, " * 100),
        sentence="DATABASE_URL names a file that is not an SQLite database. Name another file.",
    ),
    "a damaged database": Mistake(
        prepare=written_as("imbalance.db", b"SQLite format 3\0" + b"\xff" * 4096),
        sentence="DATABASE_URL",
    ),
    "another program's database": Mistake(
        prepare=a_foreign_database, sentence="DATABASE_URL names a database that another program"
    ),
    "another program's revision": Mistake(
        prepare=a_foreign_revision, sentence="DATABASE_URL names a database that another program"
    ),
    "a name that is too long": Mistake(
        environ={"DATABASE_URL": f"sqlite:///{'n' * 300}.db"},
        sentence="The database file of DATABASE_URL cannot be opened",
    ),
    "a file as its folder": Mistake(
        environ={"DATABASE_URL": "sqlite:///file/imbalance.db"},
        prepare=written_as("file", b""),
        sentence="",  # doctor only says that there is none yet
    ),
    "nobody listens": Mistake(
        environ={"DATABASE_URL": "postgresql://me:hunter2@127.0.0.1:9/db"},
        sentence="No database server answers at the host and port of DATABASE_URL.",
    ),
    "an unknown host": Mistake(
        environ={"DATABASE_URL": "postgresql://me:hunter2@nowhere.invalid/db"},
        sentence="The host name in DATABASE_URL is not known.",
    ),
}


@pytest.fixture
def run(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    written: io.StringIO,  # which restores the log
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Callable[..., str]]:
    """Runs a command in an empty folder and returns all that it printed."""
    monkeypatch.chdir(tmp_path)
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):  # this machine's own
        monkeypatch.delenv(name, raising=False)

    def run_command(*arguments: str, code: int = 1, **environ: str) -> str:
        for name, value in {**VALID, **environ}.items():
            monkeypatch.setenv(name, value)
        assert main(arguments) == code
        printed = "".join(capsys.readouterr())
        assert "Traceback" not in printed
        assert "hunter2" not in printed
        return printed

    yield run_command
    gc.enable()


@pytest.mark.parametrize("mistake", SETTINGS.values(), ids=SETTINGS)
def test_mistake_in_a_setting_is_one_sentence_at_start_and_in_doctor(
    tmp_path: Path, run: Callable[..., str], mistake: Mistake
) -> None:
    mistake.prepare(tmp_path)

    started = run("run", **mistake.environ).splitlines()
    assert len(started) == 2
    assert mistake.sentence in started[0]
    assert started[1] == "Nothing was started."
    assert run("doctor", **mistake.environ) == f"wrong  {started[0]}\n"


@pytest.mark.parametrize("mistake", DATABASES.values(), ids=DATABASES)
def test_unusable_database_is_one_sentence_for_every_command(
    tmp_path: Path, run: Callable[..., str], mistake: Mistake
) -> None:
    mistake.prepare(tmp_path)

    for command in ("run", "migrate"):
        first, *others = run(command, **mistake.environ).splitlines()
        assert mistake.sentence in first
        assert "DATABASE_URL" in first
        assert others == ["Nothing was started."] * (command == "run")
    assert mistake.sentence in run("doctor", **mistake.environ)
    for arguments in (("outbox", "list"), ("audit",), ("backup", "copy.db")):
        (line,) = run(*arguments, **mistake.environ).splitlines()
        assert mistake.sentence in line


@pytest.fixture
def another_users_folder() -> Iterator[Path]:
    """A folder with a database that this process may read, but not write."""
    folder = Path(tempfile.mkdtemp())
    sqlite3.connect(folder / "imbalance.db").close()
    (folder / "imbalance.db").chmod(0o444)
    folder.chmod(0o555)
    if os.geteuid() == 0:  # root may write to anything
        os.seteuid(NOBODY)
    yield folder
    if os.getuid() == 0:
        os.seteuid(0)
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_file_of_another_user_is_explained(
    run: Callable[..., str], another_users_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(another_users_folder)
    sentence = "The bot may not read and write the database file of DATABASE_URL."
    url = f"sqlite:///{another_users_folder}/imbalance.db"

    assert sentence in run("run", DATABASE_URL=url)
    assert sentence in run("doctor", DATABASE_URL=url)
    new = f"sqlite:///{another_users_folder}/new/imbalance.db"
    assert "DATABASE_URL cannot be opened (PermissionError)" in run("migrate", DATABASE_URL=new)


def test_percent_sign_in_a_path_works(tmp_path: Path, run: Callable[..., str]) -> None:
    run("migrate", code=0, DATABASE_URL="sqlite:///100%25/50%25.db")

    assert (tmp_path / "100%" / "50%.db").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("run", "--port", "99999"), "argument --port: must be a number from 0 to 65535"),
        (("run", "--port", "-1"), "argument --port: must be a number from 0 to 65535"),
        (("outbox", "list", "--limit", "0"), "argument --limit: must be a number from 1"),
        (("audit", "--limit", "many"), "argument --limit: must be a number from 1"),
    ],
)
def test_impossible_argument_is_refused(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], sentence: str
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)

    assert stopped.value.code == 2
    assert sentence in capsys.readouterr().err
