"""`python -m bot doctor`: checks of each part of the installation, with advice."""

import json
import stat
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

from aiohttp import ClientError, ClientSession, ClientTimeout
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse
from sqlalchemy.exc import SQLAlchemyError
from yarl import URL

from bot.clock import Clock, real_now
from bot.db.db_errors import TransactionTimeout
from bot.db.engine import Database
from bot.db.explanations import explain
from bot.db.file_lock import check_file, sqlite_file
from bot.db.revision import has_pending_migrations
from bot.keys import KEY_BYTES, KeyRing
from bot.operations.database_command import open_database
from bot.operations.findings import Finding, Severity, attention, ok, problem
from bot.operations.status_report import report_findings
from bot.resources import MANIFEST
from bot.round_keys import RoundKeys
from bot.settings import ROUND_KEYS_UNUSABLE, NotStarted, Settings, SettingsError, load
from bot.slack.errors import reason_of
from bot.slack.network import Network
from bot.workspaces.identity import token_problem
from bot.workspaces.installation_store import unreadable_tokens
from bot.workspaces.store import known_workspaces

#: Requests signed by Slack are rejected when more than five minutes off; this leaves a margin.
MAX_SKEW = timedelta(seconds=30)
SLACK_TIMEOUT_SECONDS = 10
READYZ_TIMEOUT_SECONDS = 5
#: Where a server that listens at all addresses is reached from its own machine.
LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - nothing listens here

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
    http = settings.many_workspaces or bool(settings.slack_signing_secret)
    for sentence in settings.missing_to_run(http=http):
        yield problem(sentence)
    for check in (_files, _process, _database, _round_keys, _slack):
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
    host = LOOPBACK.get(settings.metrics_host, settings.metrics_host)
    try:
        async with (
            ClientSession(timeout=ClientTimeout(total=READYZ_TIMEOUT_SECONDS)) as http,
            http.get(URL.build(scheme="http", host=host, port=port, path="/readyz")) as response,
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
    if file is not None:
        try:
            check_file(file)
        except NotStarted as error:
            yield problem(f"database: {error}")
            return
        if not file.exists():
            yield problem(f"database: none at {file} yet: run `python -m bot migrate`.")
            return
    db = Database(settings.database_url, KeyRing.of(settings.keys))
    try:
        if await has_pending_migrations(db):
            yield problem("database: behind this version: run `python -m bot migrate`.")
            return
        await db.check_writable()
        yield ok(f"database: {db.engine.dialect.name}, at this version's schema")
        async for finding in report_findings(db, Clock().now(), real_now()):
            yield finding
        async for finding in _stored_tokens(settings, db):
            yield finding
    except NotStarted as error:
        yield problem(f"database: {error}")
    except (SQLAlchemyError, OSError, TransactionTimeout) as error:
        yield problem(f"database: {explain(error)}")
    finally:
        await db.close()


async def _stored_tokens(settings: Settings, db: Database) -> AsyncIterator[Finding]:
    if not settings.keys:  # reported as missing
        return
    async with db.reading() as reader:
        for sentence in await unreadable_tokens(reader, KeyRing(settings.keys)):
            yield problem(f"installations: {sentence}")


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
    async with Network(settings).session(timeout_seconds=SLACK_TIMEOUT_SECONDS) as session:
        client = AsyncWebClient(
            settings.slack_bot_token, base_url=settings.slack_api_url, session=session
        )
        if settings.slack_bot_token:
            async for finding in _bot_token(settings, client):
                yield finding
        if settings.slack_app_token:
            yield await _app_token(settings, client)


async def _bot_token(settings: Settings, client: AsyncWebClient) -> AsyncIterator[Finding]:
    response = await _call("SLACK_BOT_TOKEN", client.auth_test)
    if isinstance(response, Finding):
        yield response
        return
    identity = response.data
    assert isinstance(identity, dict)
    wrong = token_problem(identity, await _workspaces(settings))
    if wrong:
        yield problem(f"SLACK_BOT_TOKEN: {wrong}")
        return
    yield ok(f"SLACK_BOT_TOKEN: {identity.get('user')} in {identity.get('team')}")
    headers = {name.lower(): value for name, value in response.headers.items()}
    for finding in _scopes(headers.get("x-oauth-scopes", "")):
        yield finding
    if "date" in headers:
        yield _skew(headers["date"])


async def _workspaces(settings: Settings) -> Mapping[str, str]:
    """Return the workspaces in the database; none if it cannot be read, as reported elsewhere."""
    try:
        async with open_database(settings) as db, db.reading() as reader:
            return await known_workspaces(reader)
    except (NotStarted, SQLAlchemyError, OSError, TransactionTimeout):
        return {}


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
            "there whose outcome is unknown waits for Slack's event, or for an admin's decision."
        )


def _skew(date: str) -> Finding:
    difference = abs(real_now() - parsedate_to_datetime(date))
    if difference > MAX_SKEW:
        return problem(f"clock: {difference.seconds} s away from Slack's: set this machine's.")
    return ok("clock: agrees with Slack's")


async def _app_token(settings: Settings, client: AsyncWebClient) -> Finding:
    async def connect() -> AsyncSlackResponse:
        return await client.apps_connections_open(app_token=settings.slack_app_token)

    response = await _call("SLACK_APP_TOKEN", connect)
    if isinstance(response, Finding):
        return response
    return ok("SLACK_APP_TOKEN: Socket Mode opens")


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
            "at the way out of your network (HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE), and at "
            "SLACK_API_URL if you set it."
        )
