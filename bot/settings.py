"""The operator's settings, read once at the start and passed on from there.

Values come from the environment, then from a `.env` file. A secret may also be in a file whose path
is given as `NAME_FILE`, as container platforms do it.
"""

import base64
import binascii
import io
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from dotenv import dotenv_values
from dotenv.parser import parse_stream
from sqlalchemy.engine import make_url

from bot import certificates, database_url

T = TypeVar("T")

SLACK_API = "https://slack.com/api/"
SQLITE_FILE = "sqlite:///data/imbalance.db"
ROUND_KEYS_FOLDER = "round-keys"
KEY_BYTES = 32
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
YES_OR_NO = ("yes", "no")
LOG_FORMATS = ("text", "json")

BOTH_GIVEN = "{name} and {name}_FILE are both set; keep one of them."
# No message contains a value: any setting may hold a secret that was meant for another one.
UNREADABLE = "{name}_FILE must be the path of a file; no file can be read there ({why})."
NOT_A_NUMBER = "{name} must be a number from {low} to {high}."
NOT_ONE_OF = "{name} must be one of {choices}."
NOT_A_URL = (
    "{name} must begin with https:// or http:// and a host, and contain no user, password or space."
)
NOT_A_HOST = (
    "{name} must be an address of this machine or a host name, without a port; 0.0.0.0 for all of "
    "this machine's addresses, 127.0.0.1 for this machine alone."
)
NOT_A_PROXY = (
    "{name} must be written as http://host:port or http://user:password@host:port, with user and "
    "password percent-encoded; other kinds of proxy, such as SOCKS, are not supported."
)
NOT_CERTIFICATES = (
    "{name} must be the path of a file with certificates in PEM; none can be read there ({why})."
)
ENV_UNREADABLE = (
    "The file .env cannot be read ({why}); it must be UTF-8 text that the bot may read."
)
ENV_NOT_UTF8 = "The file .env is not UTF-8 text; save it again as UTF-8."
ENV_BAD_LINE = "Line {line} of the file .env cannot be read; write NAME=value."
QUOTED = (
    "{name} is in quotation marks; write it without them (`docker run --env-file` keeps them as "
    "part of the value)."
)
WRONG_TOKEN = "{name} holds a token that begins with {prefix}; that one belongs in {other}."
USER_TOKEN = (
    "{name} holds a person's token (xoxp-...); the bot's own begins with xoxb-: app settings, "
    "OAuth & Permissions, Bot User OAuth Token."
)
UNPRINTABLE_SECRET = (
    "{name} contains a space, a line break or another character that no such secret has; copy it "
    "again."
)
BAD_KEY = "{name}: key {number} is not 32 bytes in base64; `python -m bot keys` prints a good one."
ROUND_KEYS_UNUSABLE = (
    "ROUND_KEYS_DIR cannot be used ({why}): it must be a folder in which the bot may make, read "
    "and delete files."
)
NOT_PUBLIC = (
    "{name} must begin with https:// and a host (http:// only for this machine itself), and "
    "contain no user, password, space, ? or #."
)
NOT_ALL_OF_OAUTH = (
    "IMBALANCE_CLIENT_ID, IMBALANCE_CLIENT_SECRET and PUBLIC_URL go together: set all three, or "
    "none."
)
ONE_OR_MANY = (
    "SLACK_BOT_TOKEN is for one workspace, IMBALANCE_CLIENT_ID for the many that install the bot; "
    "set only one of them."
)
BOLT_OAUTH_NAME = "{name} would switch Bolt's own OAuth on; call it IMBALANCE_{short} instead."
MISSING_TO_RUN = {
    "SLACK_BOT_TOKEN": "SLACK_BOT_TOKEN is missing: app settings, OAuth & Permissions, xoxb-... "
    "(for many workspaces, set IMBALANCE_CLIENT_ID instead).",
    "SLACK_APP_TOKEN": "SLACK_APP_TOKEN is missing: app settings, Basic Information, App-Level "
    "Tokens, one with connections:write, xapp-... (not needed with --http).",
    "SLACK_SIGNING_SECRET": "SLACK_SIGNING_SECRET is missing: app settings, Basic Information, "
    "Signing Secret (needed with --http).",
    "IMBALANCE_KEYS": "IMBALANCE_KEYS is missing: answers are locked with it; "
    "`python -m bot keys` prints a new one. Keep it out of the database's backups.",
    "--http": "--http is missing: with IMBALANCE_CLIENT_ID the bot is installed from its own "
    "pages, which it serves only there.",
}


class NotStarted(Exception):
    """Raised if a command refuses to start; the message is for its caller."""


class SettingsError(NotStarted):
    """Raised if settings are wrong; reports all mistakes at once, a sentence a line."""

    def __init__(self, mistakes: tuple[str, ...]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


@dataclass(frozen=True, kw_only=True, repr=False)
class Settings:
    """The settings. An empty string means not set; the repr shows no secret."""

    slack_bot_token: str = ""
    slack_app_token: str = ""
    slack_signing_secret: str = ""
    slack_api_url: str = SLACK_API
    client_id: str = ""
    client_secret: str = ""
    public_url: str = ""
    """Address of the bot's pages, as browsers and Slack reach it, without a slash at the end."""
    ask_for_history: str = "yes"
    """Whether the install page asks for the optional scopes that read history."""
    database_url: str = SQLITE_FILE
    keys: tuple[bytes, ...] = ()
    """32 bytes each; the first wraps new secrets, all of them unwrap."""
    round_keys_dir: str = ""
    """Folder of the round keys; empty: beside an SQLite file, none for PostgreSQL."""
    tick_seconds: float = 1.0
    settle_seconds: float = 120.0
    """Real time before a message of unknown outcome is looked up; see `verify-slack`."""
    sockets: int = 2
    """Socket Mode connections of this process; Slack allows an app ten in all."""
    http_host: str = "0.0.0.0"  # noqa: S104 - Slack's requests come from outside
    http_port: int = 3000
    """Address and port for Slack's signed requests with --http."""
    metrics_host: str = "127.0.0.1"
    metrics_port: int = 9464
    """Address and port for health and metrics, for the operator only; port 0 for none."""
    https_proxy: str = ""
    http_proxy: str = ""
    no_proxy: str = ""
    """Hosts to reach without a proxy, separated by commas."""
    ca_file: str = ""
    """Certificates to trust beside the system's own: a file in PEM, or a folder for OpenSSL."""
    log_level: str = "INFO"
    log_format: str = "text"

    @property
    def many_workspaces(self) -> bool:
        """Whether workspaces install the bot through OAuth; otherwise it has one token."""
        return bool(self.client_id)

    @property
    def asks_for_history(self) -> bool:
        return self.ask_for_history == "yes"

    @property
    def round_keys_folder(self) -> Path | None:
        """The folder of the round keys; None: IMBALANCE_KEYS wrap instead."""
        if self.round_keys_dir:
            return Path(self.round_keys_dir)
        url = make_url(self.database_url)
        if url.get_backend_name() != "sqlite" or not url.database:
            return None
        return Path(url.database).with_name(ROUND_KEYS_FOLDER)

    def missing_to_run(self, *, http: bool) -> tuple[str, ...]:
        """Return what `run` lacks, a sentence each."""
        values = {
            "--http": http or not self.many_workspaces,
            "SLACK_BOT_TOKEN": self.many_workspaces or self.slack_bot_token,
            "SLACK_APP_TOKEN": http or self.many_workspaces or self.slack_app_token,
            "SLACK_SIGNING_SECRET": not http or self.slack_signing_secret,
            "IMBALANCE_KEYS": self.keys,
        }
        return tuple(MISSING_TO_RUN[name] for name, value in values.items() if not value)

    def __repr__(self) -> str:
        hidden = {"slack_bot_token", "slack_app_token", "slack_signing_secret", "client_secret"}
        hidden |= {
            "keys",
            "database_url",
            "slack_api_url",
            "public_url",
            "http_host",
            "metrics_host",
        }
        hidden |= {"https_proxy", "http_proxy", "no_proxy", "ca_file", "round_keys_dir"}
        shown = (
            f"{name}={('set' if value else 'not set') if name in hidden else repr(value)}"
            for name, value in vars(self).items()
        )
        return f"Settings({', '.join(shown)})"


def load(environ: Mapping[str, str] | None = None, env_file: Path | None = None) -> Settings:
    """Read the settings. Raises SettingsError, which names every mistake.

    Without arguments, the process's environment takes precedence over `.env` in the working
    directory.
    """
    if environ is None:
        environ = os.environ
        env_file = env_file or Path(".env")
    from_file = _from_file(env_file) if env_file else {}
    values = {name: value for name, value in from_file.items() if value is not None}
    reader = _Reader({**values, **environ})
    settings = _read(reader)
    if reader.mistakes:
        raise SettingsError(tuple(reader.mistakes))
    return settings


def _from_file(file: Path) -> Mapping[str, str | None]:
    try:
        text = file.read_bytes().decode("utf-8-sig")  # Windows editors begin a file with a BOM
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise SettingsError((ENV_UNREADABLE.format(why=type(error).__name__),)) from None
    except UnicodeDecodeError:
        raise SettingsError((ENV_NOT_UTF8,)) from None
    if "\0" in text:  # UTF-16 without a BOM
        raise SettingsError((ENV_NOT_UTF8,))
    lines = [each.original.line for each in parse_stream(io.StringIO(text)) if each.error]
    if lines:
        raise SettingsError(tuple(ENV_BAD_LINE.format(line=line) for line in lines))
    return dotenv_values(stream=io.StringIO(text))


def names() -> tuple[str, ...]:
    """Return every name that is read, in order; the documentation is checked against it."""
    reader = _Reader({})
    _read(reader)
    return tuple(reader.names)


def encode_key(key: bytes) -> str:
    """Return a key as it is written in IMBALANCE_KEYS."""
    return base64.urlsafe_b64encode(key).decode()


def _read(reader: "_Reader") -> Settings:
    settings = Settings(
        slack_bot_token=reader.token("SLACK_BOT_TOKEN", "xapp-", "SLACK_APP_TOKEN"),
        slack_app_token=reader.token("SLACK_APP_TOKEN", "xoxb-", "SLACK_BOT_TOKEN"),
        slack_signing_secret=reader.credential("SLACK_SIGNING_SECRET"),
        slack_api_url=reader.url("SLACK_API_URL", SLACK_API),
        client_id=reader.text("IMBALANCE_CLIENT_ID", ""),
        client_secret=reader.credential("IMBALANCE_CLIENT_SECRET"),
        public_url=reader.public_url("PUBLIC_URL"),
        ask_for_history=reader.choice("ASK_FOR_HISTORY", "yes", YES_OR_NO),
        database_url=reader.database("DATABASE_URL", SQLITE_FILE),
        keys=reader.keys("IMBALANCE_KEYS"),
        round_keys_dir=reader.text("ROUND_KEYS_DIR", ""),
        tick_seconds=reader.number("TICK_SECONDS", 1.0, float, 0.01, 60),
        settle_seconds=reader.number("SETTLE_SECONDS", 120.0, float, 30, 3600),
        sockets=reader.number("SOCKETS", 2, int, 1, 10),
        http_host=reader.host("HTTP_HOST", Settings.http_host),
        http_port=reader.number("HTTP_PORT", 3000, int, 0, 65535),
        metrics_host=reader.host("METRICS_HOST", Settings.metrics_host),
        metrics_port=reader.number("METRICS_PORT", 9464, int, 0, 65535),
        https_proxy=reader.proxy("HTTPS_PROXY"),
        http_proxy=reader.proxy("HTTP_PROXY"),
        no_proxy=reader.either("NO_PROXY", "no_proxy"),
        ca_file=reader.certificates("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"),
        log_level=reader.choice("LOG_LEVEL", "INFO", LOG_LEVELS),
        log_format=reader.choice("LOG_FORMAT", "text", LOG_FORMATS),
    )
    oauth = (settings.client_id, settings.client_secret, settings.public_url)
    if any(oauth) and not all(oauth):
        reader.mistakes.append(NOT_ALL_OF_OAUTH)
    if settings.client_id and settings.slack_bot_token:
        reader.mistakes.append(ONE_OR_MANY)
    reader.refuse_bolts_own("SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET")
    return settings


class _Reader:
    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = {name: value.strip() for name, value in values.items()}
        self.names: list[str] = []
        self.mistakes: list[str] = []

    def _add_mistake(self, sentence: str, **words: object) -> None:
        self.mistakes.append(sentence.format(**words))

    def text(self, name: str, default: str) -> str:
        self.names.append(name)
        value = self._values.get(name, "")
        if re.fullmatch(r"""(["'`]).*\1""", value, re.S):
            self._add_mistake(QUOTED, name=name)
            return default
        return value or default

    def either(self, name: str, other: str) -> str:
        """Return a setting that other programs also read under another name."""
        return self.text(name, "") or self._values.get(other, "")

    def secret(self, name: str, default: str = "") -> str:
        value = self.text(name, "")
        path = self._values.get(f"{name}_FILE")
        if not path:
            return value or default
        if value:
            self._add_mistake(BOTH_GIVEN, name=name)
        try:
            return Path(path).read_text(encoding="utf-8-sig").strip()
        except (OSError, ValueError) as error:  # ValueError: not UTF-8, or no possible path
            self._add_mistake(UNREADABLE, name=name, why=type(error).__name__)
            return default

    def token(self, name: str, not_prefix: str, other: str) -> str:
        value = self.credential(name)
        if value.startswith(not_prefix):
            self._add_mistake(WRONG_TOKEN, name=name, prefix=not_prefix, other=other)
        if value.startswith("xoxp-"):
            self._add_mistake(USER_TOKEN, name=name)
        return value

    def credential(self, name: str) -> str:
        """Return a secret that Slack issued: printable ASCII, as it is sent in a header."""
        value = self.secret(name)
        if not re.fullmatch(r"[!-~]*", value):
            self._add_mistake(UNPRINTABLE_SECRET, name=name)
        return value

    def url(self, name: str, default: str) -> str:
        value = self.text(name, default)
        if not _is_web_address(value):
            self._add_mistake(NOT_A_URL, name=name)
        return value.rstrip("/") + "/"

    def public_url(self, name: str) -> str:
        value = self.text(name, "")
        if value and not _is_public_address(value):
            self._add_mistake(NOT_PUBLIC, name=name)
        return value.rstrip("/")

    def host(self, name: str, default: str) -> str:
        value = self.text(name, default)
        if not _is_host(value):
            self._add_mistake(NOT_A_HOST, name=name)
        return value

    def proxy(self, name: str) -> str:
        value = self.either(name, name.lower())
        if value and "://" not in value:
            value = f"http://{value}"
        if value and not _is_proxy(value):
            self._add_mistake(NOT_A_PROXY, name=name)
            return ""
        return value

    def certificates(self, name: str, other: str) -> str:
        value = self.either(name, other)
        if value:
            try:
                certificates.trusting(value)
            except (OSError, ValueError) as error:
                named = name if self._values.get(name) else other
                self._add_mistake(NOT_CERTIFICATES, name=named, why=type(error).__name__)
        return value

    def database(self, name: str, default: str) -> str:
        try:
            return database_url.read(self.secret(name, default))
        except database_url.InvalidDatabaseUrl as mistake:
            self.mistakes.append(str(mistake))
            return default

    def keys(self, name: str) -> tuple[bytes, ...]:
        written = self.secret(name).replace(",", " ").split()
        decoded = [_decode_key(key) for key in written]
        for number, key in enumerate(decoded, start=1):
            if key is None:
                self._add_mistake(BAD_KEY, name=name, number=number)
        return tuple(key for key in decoded if key is not None)

    def number(self, name: str, default: T, kind: Callable[[str], T], low: float, high: float) -> T:
        value = self.text(name, str(default))
        try:
            number = kind(value)
            if low <= float(value) <= high:
                return number
        except ValueError:
            pass
        self._add_mistake(NOT_A_NUMBER, name=name, low=low, high=high)
        return default

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        value = self.text(name, default)
        for choice in choices:
            if value.lower() == choice.lower():
                return choice
        self._add_mistake(NOT_ONE_OF, name=name, choices=", ".join(choices))
        return default

    def refuse_bolts_own(self, *names: str) -> None:
        for name in names:
            if self._values.get(name):
                self._add_mistake(BOLT_OAUTH_NAME, name=name, short=name.removeprefix("SLACK_"))


def _is_web_address(written: str) -> bool:
    """Return whether Slack's Web API may be at this URL.

    Besides the token, HTTP leaves no place for a password, so the URL may contain none.
    """
    try:
        parts = urlsplit(written)
        _ = parts.port  # raises ValueError if it is invalid
    except ValueError:
        return False
    is_plain = written.isprintable() and not set(written) & set(" @?#\\")
    return is_plain and parts.scheme in {"https", "http"} and bool(parts.hostname)


def _is_public_address(written: str) -> bool:
    """Return whether browsers may be sent here: Slack demands TLS, except while one tries it."""
    if not _is_web_address(written):
        return False
    parts = urlsplit(written)
    return parts.scheme == "https" or parts.hostname in {"localhost", "127.0.0.1", "::1"}


def _is_host(written: str) -> bool:
    try:
        ip_address(written)
    except ValueError:
        return bool(re.fullmatch(r"(?!-)[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.?", written))
    return True


def _is_proxy(written: str) -> bool:
    try:
        parts = urlsplit(written)
        _ = parts.port  # raises ValueError if it is invalid
    except ValueError:
        return False
    is_plain = written.isascii() and written.isprintable() and not set(written) & set(" ?#\\")
    is_supported = parts.scheme in {"http", "https"} and parts.path in {"", "/"}
    return is_plain and is_supported and bool(parts.hostname)


def _decode_key(written: str) -> bytes | None:
    try:
        key = base64.b64decode(written, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if len(key) == KEY_BYTES else None
