"""Fixtures for every test: both database engines, a clock, a fake Slack, a running bot."""

import io
import logging
import os
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import hypothesis
import pytest
import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.app import Imbalance
from bot.clock import AdjustableClock, Clock
from bot.db.engine import Database
from bot.log import configure, log
from bot.outbox.delivery import RetryTimings
from bot.playground.fake_slack import dispatch, triggers
from bot.playground.server import FakeSlack
from bot.services import Services
from bot.settings import ROUND_KEYS_FOLDER, Settings
from bot.slack import deadline_app
from bot.slack.people import People
from bot.slack.throttled_reads import ThrottledReads
from tests import databases, postgres
from tests.db.workspace_filter import check_statements_of_the_bot
from tests.harness import ALL_VARIANTS, KEY, KEY_RING, KEYS, BotHarness, without_limits
from tests.two_workspaces import TwoWorkspaces

#: A Monday morning in Lisbon, where the lead lives.
MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
MANIFEST = Path(__file__).parents[1] / "manifest.json"

# Ignore the developer's own settings. What the bot does with proxies and certificates of the
# environment is tested in tests/slack/test_network.py.
for name in list(os.environ):
    if name.startswith(("SLACK_", "IMBALANCE_")) or name.lower().endswith("_proxy"):
        del os.environ[name]

# A commit on a disk takes as long as a hundred in memory.
if memory := postgres.folder_in_memory():
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(memory))

# A busy machine may stall for seconds.
hypothesis.settings.register_profile("tests", deadline=None)
hypothesis.settings.load_profile("tests")


def log_plainly() -> None:
    """Restore structlog's defaults, but for tracebacks as Python prints them.

    Its colourful ones take half a second each.
    """
    structlog.reset_defaults()
    *processors, _ = structlog.get_config()["processors"]
    renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*processors, renderer])


log_plainly()


#: Fixtures with something outside the process, or that start a server.
NOT_QUICK = {"database_url", "fake_slack", "postgres_server", "cluster", "sqlite_template"}


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> Iterator[None]:
    """Mark the tests for `make quick`, and run the slow ones first: nothing waits for them then."""
    if not (ALL_VARIANTS or any("::" in argument for argument in config.args)):
        repeated = repeated_on_postgresql(items)
        config.hook.pytest_deselected(items=[item for item in items if item in repeated])
        items[:] = [item for item in items if item not in repeated]
    for item in items:
        is_slow = item.get_closest_marker("slow") or item.get_closest_marker("browser")
        if not is_slow and NOT_QUICK.isdisjoint(getattr(item, "fixturenames", ())):
            item.add_marker("quick")
    yield  # the others deselect and shuffle
    items[:] = slow_first(items, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))


def repeated_on_postgresql(items: Iterable[pytest.Item]) -> set[pytest.Item]:
    """All variants of a test on PostgreSQL but its first, if they all run on SQLite as well.

    A variant on PostgreSQL takes three times as long as one on SQLite.
    """
    variants: dict[object, dict[str, list[pytest.Item]]] = defaultdict(lambda: defaultdict(list))
    for item in items:
        if isinstance(item, pytest.Function) and hasattr(item, "callspec"):
            engine = item.callspec.params.get("database_url")
            if isinstance(engine, str):
                variants[item.function][engine].append(item)
    found = (one["postgresql"][1:] for one in variants.values() if one["sqlite"])
    return {item for some in found for item in some}


def slow_first(items: Sequence[pytest.Item], workers: int) -> list[pytest.Item]:
    """Begin the share of each of xdist's workers with its part of the slow tests.

    Each worker is given a run of consecutive tests of the same length.
    """
    slow = [item for item in items if item.get_closest_marker("slow")]
    fast = [item for item in items if not item.get_closest_marker("slow")]
    ordered: list[pytest.Item] = []
    for worker in range(workers):
        size = (len(items) - len(ordered)) // (workers - worker)
        own = slow[worker::workers]
        more = max(0, size - len(own))
        ordered += own + fast[:more]
        del fast[:more]
    return ordered + fast


def set_generous_timeouts(patch: pytest.MonkeyPatch) -> None:
    """Lengthen deadlines in real seconds, since a busy machine may stall for some."""
    patch.setattr(deadline_app, "RESPONSE_DEADLINE_SECONDS", 8.0)
    patch.setattr(dispatch, "ACK_SECONDS", 10.0)
    patch.setattr(triggers, "TRIGGER_LIFETIME_SECONDS", 30.0)


@asynccontextmanager
async def running_fake_slack(clock: Clock, manifest: Path = MANIFEST) -> AsyncIterator[FakeSlack]:
    """A fake Slack with the example workspace, listening on a free port."""
    slack = FakeSlack(clock=clock.now, manifest=manifest)
    await slack.start()
    try:
        yield slack
    finally:
        await slack.stop()


def settings_for(database_url: str, slack: FakeSlack) -> Settings:
    """Settings of a bot on this database that talks to this fake Slack."""
    return Settings(
        slack_bot_token=slack.bot_token,
        slack_app_token=slack.app_token,
        slack_signing_secret=slack.signing_secret,
        slack_api_url=slack.api_url,
        database_url=database_url,
        keys=(KEY,),
        tick_seconds=3600,  # tests tick by hand
        http_host="127.0.0.1",
        http_port=0,
        metrics_port=0,
    )


@asynccontextmanager
async def running_bot(settings: Settings, clock: AdjustableClock) -> AsyncIterator[Imbalance]:
    """The whole bot over Socket Mode, without rate limits and with a ready-made picture."""
    app = Imbalance(settings, clock, **without_limits())
    await app.start()
    yield app
    await app.stop()


@asynccontextmanager
async def running_harness(database_url: str) -> AsyncIterator[BotHarness]:
    """The same as the fixture `harness`, for use outside pytest, on a migrated database."""
    clock = AdjustableClock(MONDAY)
    with pytest.MonkeyPatch.context() as patch:
        set_generous_timeouts(patch)
        async with (
            running_fake_slack(clock) as slack,
            running_bot(settings_for(database_url, slack), clock) as bot,
        ):
            yield BotHarness(bot=bot, slack=slack, clock=clock)


@pytest.fixture(autouse=True)
def generous_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lengthen deadlines in real seconds, since a busy machine may stall for some.

    Tests of a deadline set their own, or let time pass.
    """
    set_generous_timeouts(monkeypatch)


@pytest.fixture(scope="session", autouse=True)
def shared_statements() -> Iterator[None]:
    """Compile each SQL statement once in all tests."""
    with pytest.MonkeyPatch.context() as patch:
        shared = databases.engine_with_shared_statements
        patch.setattr("bot.db.engine.create_async_engine", shared)
        yield


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server]:
    with postgres.server() as started:
        yield started


@pytest.fixture(scope="session")
def faulty_statements() -> Iterator[list[str]]:
    """What the bot executed since the last test without naming a workspace."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield check_statements_of_the_bot(monkeypatch)


@pytest.fixture(autouse=True)
def every_statement_names_its_workspace(faulty_statements: list[str]) -> Iterator[None]:
    """Fail the test after which a statement of the bot did not."""
    yield
    found = "\n\n".join(faulty_statements)
    faulty_statements.clear()
    assert not found, found


@pytest.fixture(scope="session")
def sqlite_template(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    cache = getattr(pytestconfig, "cache", None)  # missing with -p no:cacheprovider
    return databases.sqlite_template(
        cache.mkdir("sqlite-template") if cache else tmp_path_factory.mktemp("template")
    )


@contextmanager
def migrated_database(request: pytest.FixtureRequest, file: Path) -> Iterator[str]:
    """The URL of an empty migrated database with the engine that is the fixture's parameter."""
    if request.param == "sqlite":
        yield databases.copy_of(request.getfixturevalue("sqlite_template"), file)
        return
    server: postgres.Server = request.getfixturevalue("postgres_server")
    with server.migrated() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty migrated database, once with each engine."""
    with migrated_database(request, tmp_path / "imbalance.db") as url:
        yield url


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url, KEY_RING)
    yield database
    await database.close()


@pytest.fixture
def two_workspaces(db: Database) -> TwoWorkspaces:
    """An empty database to be filled with two workspaces that share every id."""
    return TwoWorkspaces(db=db)


@pytest.fixture
def clock() -> AdjustableClock:
    return AdjustableClock(MONDAY)


@pytest.fixture
async def fake_slack(clock: AdjustableClock) -> AsyncIterator[FakeSlack]:
    """The fake Slack, with its cast, listening on a free port."""
    async with running_fake_slack(clock) as slack:
        yield slack


@pytest.fixture
def settings(database_url: str, fake_slack: FakeSlack, tmp_path: Path) -> Settings:
    folder = str(tmp_path / ROUND_KEYS_FOLDER)
    return replace(settings_for(database_url, fake_slack), round_keys_dir=folder)


@pytest.fixture
async def bot(settings: Settings, clock: AdjustableClock) -> AsyncIterator[Imbalance]:
    async with running_bot(settings, clock) as app:
        yield app


@pytest.fixture
def harness(bot: Imbalance, fake_slack: FakeSlack, clock: AdjustableClock) -> Iterator[BotHarness]:
    """The running bot, the fake Slack and the clock.

    A test fails if the bot left a payload unacknowledged, or answered with what Slack would refuse:
    Slack tells the app of neither. A test in which that is meant to happen clears `problems`.
    """
    yield BotHarness(bot=bot, slack=fake_slack, clock=clock)
    assert fake_slack.problems == []


@pytest.fixture
async def harness_over_http(
    settings: Settings, clock: AdjustableClock, fake_slack: FakeSlack
) -> AsyncIterator[BotHarness]:
    """The running bot over HTTP; the fake Slack posts signed requests to it."""
    app = Imbalance(settings, clock, http=True, **without_limits(RetryTimings(settle=0)))
    await app.start()
    fake_slack.request_url = f"http://127.0.0.1:{app.http_port}/slack/events"
    yield BotHarness(bot=app, slack=fake_slack, clock=clock)
    await app.stop()
    assert fake_slack.problems == []


@pytest.fixture(autouse=True)
def unchanged_logging() -> Iterator[None]:
    """Undo what a test configures, by itself or by a command that it runs in this process.

    Bolt gives its loggers the root's level, so a later test would miss their lines.
    """
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    if root.handlers is not handlers:
        root.handlers = handlers
        root.setLevel(level)
        log_plainly()
        vars(log).pop("bind", None)  # it caches its configuration


@pytest.fixture(params=["DEBUG json"])
def written(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """The log output: DEBUG as JSON, unless parametrized with a level and a format."""
    output = io.StringIO()
    monkeypatch.setattr(sys, "stderr", output)
    configure(*request.param.split())
    return output


@pytest.fixture
def services(db: Database, clock: AdjustableClock, fake_slack: FakeSlack) -> Services:
    """The services without the rest of the bot: for tests of one transaction."""
    client = AsyncWebClient("xoxb-playground", base_url=fake_slack.api_url, retry_handlers=[])
    reads = ThrottledReads(db)
    return Services(
        db=db,
        clock=clock,
        reads=reads,
        people=People(db, clock, reads),
        keys=KEYS,
        client_for=lambda _workspace_id: client,
    )
