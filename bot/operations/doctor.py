"""`python -m bot doctor`: checks of each part of the installation, with advice."""

import json
import stat
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

from aiohttp import ClientError, ClientSession, ClientTimeout
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse
from sqlalchemy.exc import SQLAlchemyError

from bot.clock import Clock, real_now
from bot.db.db_errors import TransactionTimeout
from bot.db.engine import Database
from bot.db.file_lock import sqlite_file
from bot.db.revision import has_pending_migrations, unusable
from bot.keys import KEY_BYTES, KeyRing
from bot.operations.findings import Finding, Severity, attention, ok, problem
from bot.operations.status_report import report_findings
from bot.resources import MANIFEST
from bot.round_keys import RoundKeys
from bot.settings import ROUND_KEYS_UNUSABLE, NotStarted, Settings, SettingsError, load
from bot.slack.errors import reason_of

#: Requests signed by Slack are rejected when more than five minutes off; this leaves a margin.
MAX_SKEW = timedelta(seconds=30)
SLACK_TIMEOUT_SECONDS = 10
READYZ_TIMEOUT_SECONDS = 5

#: Keys of older days are reported: most are deleted the night after their day.
KEYS_KEPT = timedelta(days=7)
ENV_FILE = Path(".env")
READABLE = "{file}: other users of this machine may read it: chmod 600 {file}"
NO_ROUND_KEYS = (
    "round keys: ROUND_KEYS_DIR is not set, so IMBALANCE_KEYS lock the answers. Whoever has those "
    "keys can read the answers of closed rounds, too, for as long as PostgreSQL's files, log and "
    "backups hold them. Set it to a directory that all processes share and no backup covers."
)
OLD_ROUND_KEYS = (
    "round keys: {count} of more than a week ago are still there, such as {example}. A message "
    "that waits for an admin (`python -m bot outbox list`) or a paused phase may need them; "
    "otherwise the log says why they cannot be deleted."
)

Check = Callable[[Settings], AsyncIterator[Finding]]


async def diagnose() -> int:
    """Run all checks and print a line for each. Return 1 if something is wrong, else 0."""
    try:
        settings = load()
    except SettingsError as error:
        for mistake in error.mistakes:
            print(problem(mistake))
        return 1
    code = 0
    async for finding in _findings(settings):
        print(finding, flush=True)
        code |= finding.level is Severity.WRONG
    return int(code)


async def _findings(settings: Settings) -> AsyncIterator[Finding]:
    for sentence in settings.missing_to_run(http=bool(settings.slack_signing_secret)):
        yield problem(sentence)
    for check in (_files, _process, _database, _round_keys, _slack, _socket):
        async for finding in check(settings):
            yield finding


async def _files(settings: Settings) -> AsyncIterator[Finding]:
    """Check that no other user of this machine can read secrets or answers."""
    database = sqlite_file(settings.database_url)
    for file in (ENV_FILE, *([database] if database else [])):
        try:
            mode = file.stat().st_mode
        except OSError:
            continue
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            yield attention(READABLE.format(file=file))


async def _process(settings: Settings) -> AsyncIterator[Finding]:
    """Check the bot that runs on this machine, through its own port."""
    port = settings.metrics_port
    if not port:
        return
    try:
        async with (
            ClientSession(timeout=ClientTimeout(total=READYZ_TIMEOUT_SECONDS)) as http,
            http.get(f"http://127.0.0.1:{port}/readyz") as response,
        ):
            is_ready, problems = response.ok, dict((await response.json())["wrong"])
    except (ClientError, TimeoutError, ValueError, KeyError, TypeError):
        yield attention(
            f"bot: none answers on port {port} of this machine. If it is to run here, start it; if "
            "it runs elsewhere, its /readyz tells more."
        )
        return
    if is_ready:
        yield ok(f"bot: runs and is ready (port {port})")
    for check, sentence in problems.items():
        yield problem(f"bot: {check}: {sentence}")


async def _database(settings: Settings) -> AsyncIterator[Finding]:
    file = sqlite_file(settings.database_url)
    try:
        is_missing = file is not None and not file.exists()
    except OSError as error:
        yield problem(f"database: {unusable(error)}")
        return
    if is_missing:
        yield problem(f"database: none at {file} yet: run `python -m bot migrate`.")
        return
    db = Database(settings.database_url)
    try:
        if await has_pending_migrations(db):
            yield problem("database: behind this version: run `python -m bot migrate`.")
            return
        yield ok(f"database: {db.engine.dialect.name}, at this version's schema")
        async for finding in report_findings(db, Clock().now(), real_now()):
            yield finding
    except NotStarted as error:
        yield problem(f"database: {error}")
    except (SQLAlchemyError, OSError, TransactionTimeout) as error:
        yield problem(f"database: {unusable(error)}")
    finally:
        await db.close()


async def _round_keys(settings: Settings) -> AsyncIterator[Finding]:
    folder = settings.round_keys_folder
    if folder is None:
        yield attention(NO_ROUND_KEYS)
        return
    keys = RoundKeys(folder, KeyRing([bytes(KEY_BYTES)]))  # nothing is read here
    try:
        if not folder.exists():
            yield ok(f"round keys: none yet; the bot makes {folder} when it starts")
            return
        keys.prepare()
        old = keys.before(Clock().now().date() - KEYS_KEPT)
    except OSError as error:
        yield problem(f"round keys: {ROUND_KEYS_UNUSABLE.format(why=type(error).__name__)}")
        return
    yield ok(f"round keys: in {folder}")
    if old:
        yield attention(OLD_ROUND_KEYS.format(example=min(old), count=len(old)))


async def _slack(settings: Settings) -> AsyncIterator[Finding]:
    if not settings.slack_bot_token:
        return
    client = AsyncWebClient(
        settings.slack_bot_token, base_url=settings.slack_api_url, timeout=SLACK_TIMEOUT_SECONDS
    )
    response = await _call("SLACK_BOT_TOKEN", client.auth_test)
    if isinstance(response, Finding):
        yield response
        return
    yield ok(f"SLACK_BOT_TOKEN: {response['user']} in {response['team']}")
    headers = {name.lower(): value for name, value in response.headers.items()}
    for finding in _scopes(headers.get("x-oauth-scopes", "")):
        yield finding
    if "date" in headers:
        yield _skew(headers["date"])


def _scopes(granted: str) -> Iterator[Finding]:
    manifest = json.loads(MANIFEST.read_text(encoding="utf-8"))
    scopes = manifest["oauth_config"]["scopes"]
    given = {scope.strip() for scope in granted.split(",")}
    optional = set(scopes["bot_optional"])
    needed = set(scopes["bot"]) - optional
    if needed - given:
        yield problem(
            f"scopes: missing {', '.join(sorted(needed - given))}. Add them under OAuth & "
            "Permissions and install the app again."
        )
    else:
        yield ok(f"scopes: all {len(needed)} that are needed")
    if optional - given:
        yield attention(
            f"scopes: without {', '.join(sorted(optional - given))}, which are optional. A message "
            "to such a channel whose outcome is unknown waits for Slack's word, or for an admin."
        )


def _skew(date: str) -> Finding:
    difference = abs(real_now() - parsedate_to_datetime(date))
    if difference > MAX_SKEW:
        return problem(f"clock: {difference.seconds} s away from Slack's: set this machine's.")
    return ok("clock: agrees with Slack's")


async def _socket(settings: Settings) -> AsyncIterator[Finding]:
    if not settings.slack_app_token:
        return
    client = AsyncWebClient(base_url=settings.slack_api_url, timeout=SLACK_TIMEOUT_SECONDS)

    async def connect() -> AsyncSlackResponse:
        return await client.apps_connections_open(app_token=settings.slack_app_token)

    response = await _call("SLACK_APP_TOKEN", connect)
    if isinstance(response, Finding):
        yield response
    else:
        yield ok("SLACK_APP_TOKEN: Socket Mode opens")


async def _call(
    token: str, call: Callable[[], Awaitable[AsyncSlackResponse]]
) -> AsyncSlackResponse | Finding:
    try:
        return await call()
    except SlackApiError as error:
        reason = reason_of(error)
        return problem(f"{token}: Slack says {reason}: copy it again from the app's settings.")
    except (ClientError, TimeoutError) as error:
        return problem(
            f"{token}: Slack cannot be reached ({type(error).__name__}): look at its status page, "
            "at the way out of your network, and at SLACK_API_URL if you set it."
        )
