"""`python -m bot doctor`: what works, what does not, and what to do about it."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

from aiohttp import ClientError
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from bot.clock import real_now
from bot.db import schema
from bot.db.engine import Database
from bot.db.lock import sqlite_file
from bot.db.revision import pending
from bot.outbox.outbox import State
from bot.settings import Settings, SettingsError, load

MANIFEST = Path(__file__).parents[1] / "manifest.json"
#: Slack's signatures are refused more than five minutes off; this leaves room.
LARGEST_SKEW = timedelta(seconds=30)
WAIT_SECONDS = 10
_ATTENTION = (State.UNKNOWN, State.HELD, State.FAILED)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    good: bool
    text: str

    def __str__(self) -> str:
        return f"{'ok  ' if self.good else 'MEND'}  {self.text}"


Check = Callable[[Settings], AsyncIterator[Finding]]


def _ok(text: str) -> Finding:
    return Finding(good=True, text=text)


def _mend(text: str) -> Finding:
    return Finding(good=False, text=text)


async def examine() -> int:
    """Look at everything and print a line each. Returns 0 if all is well, else 1."""
    try:
        settings = load()
    except SettingsError as error:
        for mistake in error.mistakes:
            print(_mend(mistake))
        return 1
    findings = [finding async for finding in _all(settings)]
    for finding in findings:
        print(finding)
    return 0 if all(finding.good for finding in findings) else 1


async def _all(settings: Settings) -> AsyncIterator[Finding]:
    for sentence in settings.missing_to_run(http=bool(settings.slack_signing_secret)):
        yield _mend(sentence)
    for check in (_database, _slack, _socket):
        async for finding in check(settings):
            yield finding


async def _database(settings: Settings) -> AsyncIterator[Finding]:
    file = sqlite_file(settings.database_url)
    if file is not None and not file.exists():
        yield _mend(f"There is no database at {file} yet: run `python -m bot migrate`.")
        return
    db = Database(settings.database_url)
    try:
        if await pending(db):
            yield _mend("The database is behind this version: run `python -m bot migrate`.")
            return
        yield _ok(f"database: {db.engine.dialect.name}, at this version's schema")
        async for finding in _state(db):
            yield finding
    except (SQLAlchemyError, OSError) as error:
        yield _mend(f"The database cannot be used ({type(error).__name__}): check DATABASE_URL.")
    finally:
        await db.close()


async def _state(db: Database) -> AsyncIterator[Finding]:
    messages, agenda = schema.messages, schema.agenda
    async with db.reading() as reader:
        counted = await reader.execute(
            select(messages.c.state, func.count()).group_by(messages.c.state)
        )
        counts = {str(row[0]): int(row[1]) for row in counted}
        failing = await reader.scalar(
            select(func.count()).select_from(agenda).where(agenda.c.attempts > 0)
        )
    for state in _ATTENTION:
        if counts.get(state):
            yield _mend(f"messages {state}: {counts[state]}; the log says why each one is.")
    yield _ok(f"messages sent: {counts.get(State.SENT, 0)}, to send: {counts.get('pending', 0)}")
    if failing:
        yield _mend(f"agenda: {failing} due things failed and will be tried again; see the log.")


async def _slack(settings: Settings) -> AsyncIterator[Finding]:
    if not settings.slack_bot_token:
        return
    client = AsyncWebClient(
        settings.slack_bot_token, base_url=settings.slack_api_url, timeout=WAIT_SECONDS
    )
    answer = await _asked(client.auth_test)
    if isinstance(answer, Finding):
        yield answer
        return
    yield _ok(f"SLACK_BOT_TOKEN: {answer['user']} in {answer['team']}")
    headers = {name.lower(): value for name, value in answer.headers.items()}
    yield _scopes(headers.get("x-oauth-scopes", ""))
    if "date" in headers:
        yield _skew(headers["date"])


def _scopes(granted: str) -> Finding:
    manifest = json.loads(MANIFEST.read_text(encoding="utf-8"))
    scopes = manifest["oauth_config"]["scopes"]
    needed = set(scopes["bot"]) - set(scopes["bot_optional"])
    missing = sorted(needed - {scope.strip() for scope in granted.split(",")})
    if missing:
        return _mend(
            f"Scopes missing: {', '.join(missing)}. Add them under OAuth & Permissions and "
            "install the app again."
        )
    return _ok(f"scopes: all {len(needed)} that are needed")


def _skew(date: str) -> Finding:
    apart = abs(real_now() - parsedate_to_datetime(date))
    if apart > LARGEST_SKEW:
        return _mend(f"This machine's clock is {apart.seconds} s away from Slack's: set it.")
    return _ok("clock: agrees with Slack's")


async def _socket(settings: Settings) -> AsyncIterator[Finding]:
    if not settings.slack_app_token:
        return
    client = AsyncWebClient(base_url=settings.slack_api_url, timeout=WAIT_SECONDS)

    async def connect() -> AsyncSlackResponse:
        return await client.apps_connections_open(app_token=settings.slack_app_token)

    answer = await _asked(connect)
    if isinstance(answer, Finding):
        yield answer
    else:
        yield _ok("SLACK_APP_TOKEN: Socket Mode opens")


async def _asked(
    call: Callable[[], Awaitable[AsyncSlackResponse]],
) -> AsyncSlackResponse | Finding:
    try:
        return await call()
    except SlackApiError as error:
        return _mend(f"Slack says {error.response['error']}: check the token and its scopes.")
    except (ClientError, TimeoutError) as error:
        return _mend(f"Slack cannot be reached ({type(error).__name__}): check SLACK_API_URL.")
