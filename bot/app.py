"""The application: its parts are built, started and stopped here, in order."""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from datetime import datetime
from functools import partial
from typing import Any

from aiohttp import ClientError
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot import (
    __version__,
    announcement,
    channel_health,
    decisions,
    ending,
    habits,
    history,
    home,
    on_hold,
    results,
    rounds,
    start,
    status,
    workspaces,
)
from bot.agenda.schedule import next_due
from bot.agenda.ticker import Ticker
from bot.channel_health.delivery_failures import on_refused
from bot.clock import AdjustableClock, Clock
from bot.db.engine import Database
from bot.installing.handlers import InstallPages, InstallSettings
from bot.keys import KeyRing
from bot.log import log
from bot.operations.event_gap_monitor import EventGapMonitor
from bot.operations.metric_series import create_known_series
from bot.operations.readiness import readiness_problems
from bot.outbox import sender_leases
from bot.outbox.delivery import Delivery, RetryTimings
from bot.outbox.pictures import Draw
from bot.outbox.rate_limits import RateLimits
from bot.phases.quiet_hours import next_allowed_at
from bot.results.chart import draw_in_child
from bot.round_keys import RoundKeys
from bot.services import Services
from bot.settings import ROUND_KEYS_UNUSABLE, NotStarted, Settings
from bot.slack.app import Authorize, build_bolt_app
from bot.slack.errors import reason_of
from bot.slack.http import build_web_app
from bot.slack.network import Network
from bot.slack.people import People
from bot.slack.sockets import Sockets
from bot.slack.throttled_reads import ThrottledReads
from bot.web import Site, health_and_metrics
from bot.workspaces.clients import Clients
from bot.workspaces.identity import token_problem
from bot.workspaces.installation_store import InstallationStore
from bot.workspaces.lifecycle import install, resume_work, schedule_catch_up
from bot.workspaces.oauth_state_store import OAuthStateStore
from bot.workspaces.store import known_workspaces
from bot.workspaces.token_health import halting_on_refused_token

API_TIMEOUT_SECONDS = 20
#: How long moved business time waits for the retries of failed actions, and how often it looks.
RETRY_PATIENCE_SECONDS = 7.0
RETRY_CHECK_SECONDS = 0.1

#: Bolt tries listeners one after the other, about 10 µs each: the busiest package comes first. Home
#: comes last, since it also takes all remaining commands and events.
PACKAGES = (
    rounds,
    channel_health,
    start,
    announcement,
    on_hold,
    status,
    ending,
    habits,
    history,
    decisions,
    results,
    workspaces,
    home,
)
ACTIONS = {action.name: action for package in PACKAGES for action in package.ACTIONS}


class StartupError(NotStarted):
    """Raised if the bot cannot start; the message says why and what to do."""


class Imbalance:
    """The bot: listens to Slack, runs due actions, delivers queued messages."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        *,
        http: bool = False,
        rate_limits: RateLimits | None = None,
        retry_timings: RetryTimings | None = None,
        draw: Draw = draw_in_child,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._http = http
        self._network = Network(settings)
        self._resources = AsyncExitStack()
        self._sockets: Sockets | None = None
        self.db = Database(settings.database_url, KeyRing.of(settings.keys))
        self.client = AsyncWebClient(
            token=settings.slack_bot_token or None,
            base_url=settings.slack_api_url,
            timeout=API_TIMEOUT_SECONDS,
            retry_handlers=[],  # slack_sdk's own retries post twice if a reply is lost
        )
        self.services = self._build_services()
        self.installations = InstallationStore(self.db, clock, KeyRing(settings.keys))
        self._clients = Clients(self.client, self.installations)
        self.ticker = Ticker(
            self.db,
            clock,
            {
                name: partial(halting_on_refused_token(action.run), self.services)
                for name, action in ACTIONS.items()
            },
            [name for name, action in ACTIONS.items() if action.is_batched],
        )
        retry_timings = retry_timings or RetryTimings(settle=settings.settle_seconds)
        self.delivery = self._build_delivery(draw, rate_limits, retry_timings)
        self.http_port = settings.http_port

    def _build_services(self) -> Services:
        reads = ThrottledReads(self.db)
        fallback = KeyRing(self._settings.keys)
        return Services(
            db=self.db,
            clock=self._clock,
            reads=reads,
            people=People(self.db, self._clock, reads),
            keys=RoundKeys(self._settings.round_keys_folder, fallback),
            client_for=self.client_for,
        )

    def _build_delivery(
        self, draw: Draw, rate_limits: RateLimits | None, retry_timings: RetryTimings
    ) -> Delivery:
        return Delivery(
            self.db,
            self._clock,
            self.services.client_for,
            draw,
            self.services.keys,
            rate_limits=rate_limits,
            retry_timings=retry_timings,
            on_failed=on_refused,
            next_allowed_at=next_allowed_at,
        )

    async def start(self) -> None:
        """Connect to Slack and start to work.

        Raises:
            NotStarted: Slack or the database refused, or could not be reached; or a port is taken.
        """
        create_known_series()
        session = await self._resources.enter_async_context(
            self._network.session(timeout_seconds=API_TIMEOUT_SECONDS)
        )
        self.client.session = session
        self._resources.push_async_callback(self.db.close)
        self._prepare_round_keys()
        self._resources.push_async_callback(self.services.background_tasks.stop)
        bolt = await self._build_bolt()
        delivery_task = asyncio.create_task(self.delivery.run(), name="delivery")
        self._resources.push_async_callback(self._stop_working, delivery_task)
        monitor_task = asyncio.create_task(
            EventGapMonitor(self._can_receive, self._schedule_catch_up).watch(),
            name="event gap monitor",
        )
        self._resources.callback(monitor_task.cancel)
        self.ticker.start(self._settings.tick_seconds)
        if self._settings.metrics_port:
            await self._serve_metrics()
        if self._http:
            self.http_port = await self._serve_slack(bolt)
        else:
            await self._connect(bolt)
        log.info("started", version=__version__, mode="http" if self._http else "socket")

    def _prepare_round_keys(self) -> None:
        try:
            self.services.keys.prepare()
        except OSError as error:
            raise StartupError(ROUND_KEYS_UNUSABLE.format(why=type(error).__name__)) from error

    async def stop(self) -> None:
        """Take nothing new, let what is under way end, and close."""
        self.delivery.stop_starting_calls()
        await self._resources.aclose()
        log.info("stopped")

    async def catch_up(self) -> None:
        """Run actions and deliver messages until nothing is due any more."""
        await self.services.background_tasks.wait_until_idle()
        while await self.ticker.tick() + await self.delivery.deliver_due():
            await self.services.background_tasks.wait_until_idle()

    async def next_due(self, *, after: datetime | None = None) -> datetime | None:
        """Return when the next agenda item or message is due, of those later than `after`."""
        return await self._next_time(after=after)

    async def next_event(self) -> datetime | None:
        """Return when the next agenda item or message is due that somebody may notice."""
        return await self._next_time(
            [name for name, action in ACTIONS.items() if not action.is_visible]
        )

    async def _next_time(
        self, excluding: Iterable[str] = (), *, after: datetime | None = None
    ) -> datetime | None:
        async with self.db.reading() as reader:
            action_at = await next_due(reader, excluding, after=after)
            message_at = await sender_leases.next_due(reader, self._clock.now())
        return min((at for at in (action_at, message_at) if at is not None), default=None)

    async def not_ready(self) -> Mapping[str, str]:
        """Return what keeps the bot from working now, a sentence each; empty if nothing does."""
        return await readiness_problems(self.db, self._clock, self._is_connected)

    async def _can_receive(self) -> bool:
        return not {"database", "socket"} & (await self.not_ready()).keys()

    async def _schedule_catch_up(self) -> None:
        async with self.db.transaction() as tx:
            await schedule_catch_up(tx, self._clock.now())

    async def _is_connected(self) -> bool:
        if self._http:
            return True
        return self._sockets is not None and await self._sockets.is_connected()

    def client_for(self, workspace_id: str) -> AsyncWebClient:
        """Return the Web API client that calls with a workspace's token."""
        return self._clients.of(workspace_id) if self._settings.many_workspaces else self.client

    async def _build_bolt(self) -> AsyncApp:
        authorize = await self._open_installations()
        bolt = build_bolt_app(self.client, authorize)
        for package in PACKAGES:
            package.register(bolt, self.services)
        return bolt

    async def _open_installations(self) -> Authorize:
        """Return how requests are authorized: for many workspaces, or for the token's own."""
        if not self._settings.many_workspaces:
            return await self._install()
        async with self.db.transaction() as tx:
            await resume_work(tx, self._clock.now())
        return self._clients.authorize

    async def _install(self) -> Authorize:
        """Install the bot's own workspace, as Slack identifies it; return its authorization."""
        try:
            identity = (await self.client.auth_test()).data
        except SlackApiError as error:
            raise StartupError(f"Slack refused SLACK_BOT_TOKEN: {reason_of(error)}.") from error
        except (ClientError, TimeoutError) as error:
            raise StartupError(f"Slack cannot be reached at {self.client.base_url}.") from error
        assert isinstance(identity, dict)
        await self._check_token(identity)
        await install(self.db, identity, self._clock.now())
        return _authorize_only(identity, self.client)

    async def _check_token(self, identity: Mapping[str, Any]) -> None:
        """Raise StartupError if the token is not one of the database's own workspace."""
        async with self.db.reading() as reader:
            wrong = token_problem(identity, await known_workspaces(reader))
        if wrong:
            raise StartupError(wrong)

    async def _connect(self, bolt: AsyncApp) -> None:
        settings = self._settings
        self._sockets = Sockets(bolt, settings.slack_app_token, settings.sockets, self._network)
        self._resources.push_async_callback(self._sockets.close)
        try:
            await self._sockets.connect()
        except SlackApiError as error:
            raise StartupError(f"Slack refused SLACK_APP_TOKEN: {reason_of(error)}.") from error

    async def _serve_metrics(self) -> None:
        settings = self._settings
        app = health_and_metrics(self.not_ready)
        await self._serve(Site(app, settings.metrics_host, settings.metrics_port, "METRICS"))

    async def _serve_slack(self, bolt: AsyncApp) -> int:
        settings = self._settings
        app = build_web_app(bolt, settings.slack_signing_secret)
        if settings.many_workspaces:
            self._install_pages().add_to(app)
        return await self._serve(Site(app, settings.http_host, settings.http_port))

    def _install_pages(self) -> InstallPages:
        settings = self._settings
        return InstallPages(
            InstallSettings(
                settings.client_id,
                settings.client_secret,
                settings.public_url,
                settings.slack_api_url,
                settings.asks_for_history,
            ),
            self._clock,
            self.client,
            OAuthStateStore(self.db, self._clock),
            self.installations,
        )

    async def _serve(self, site: Site) -> int:
        self._resources.push_async_callback(site.stop)
        return await site.start()

    async def _stop_working(self, delivery_task: asyncio.Task[None]) -> None:
        await asyncio.gather(self.ticker.stop(), self.delivery.stop())
        # Cancelling it halfway would leave a connection open; but a database may hang.
        await asyncio.wait({delivery_task}, timeout=1)
        delivery_task.cancel()


def _authorize_only(identity: dict[str, Any], client: AsyncWebClient) -> Authorize:
    """Return Bolt's authorization for one workspace: its own, and no other."""
    result = AuthorizeResult(
        enterprise_id=identity.get("enterprise_id"),
        team_id=identity["team_id"],
        bot_user_id=identity["user_id"],
        bot_id=identity.get("bot_id"),
        bot_token=client.token,
    )

    async def authorize(team_id: str | None, **_: Any) -> AuthorizeResult | None:
        return result if team_id == identity["team_id"] else None

    return authorize


async def advance_clock(app: Imbalance, clock: AdjustableClock, until: datetime) -> None:
    """Move business time, stopping at everything that becomes due on the way.

    An action that failed is tried again after some real time. It is waited for, but not longer than
    RETRY_PATIENCE_SECONDS in all: then time moves on without it, as it does outside the playground.
    """
    patience = RETRY_PATIENCE_SECONDS
    await app.catch_up()
    while (due := await app.next_due()) is not None and due <= until:
        if due <= clock.now():  # it failed just now
            if patience > 0:
                await asyncio.sleep(RETRY_CHECK_SECONDS)
                patience -= RETRY_CHECK_SECONDS
            elif (due := await app.next_due(after=clock.now())) is None or due > until:
                break
        clock.move_to(max(due, clock.now()))
        await app.catch_up()
    clock.move_to(max(until, clock.now()))
    await app.catch_up()
