"""A running bot that serves its install pages, beside a fake Slack with nothing installed yet."""

import re
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import ClientSession, CookieJar

from bot.app import Imbalance
from bot.clock import AdjustableClock
from bot.installing.handlers import BEGIN_PATH, CALLBACK_PATH
from bot.installing.scopes import OPTIONAL
from bot.outbox.delivery import RetryTimings
from bot.playground.fake_slack.directory import Team
from bot.playground.fake_slack.oauth import WHOLE_ORGANIZATION
from bot.playground.server import FakeSlack
from bot.settings import Settings
from tests.conftest import running_fake_slack
from tests.harness import OWNER, WORKSPACE, BotHarness, without_limits

#: That of an app which an organisation may install, too.
MANIFEST = Path(__file__).parents[2] / ".slack" / "manifest.http.json"
SECOND = "T0SOUTH"


def free_port() -> int:
    """Return a port that was free a moment ago; PUBLIC_URL needs it before the bot listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def oauth_settings(settings: Settings, slack: FakeSlack) -> Settings:
    """Settings of a bot for many workspaces, whose addresses the app has registered in Slack."""
    port = free_port()
    public_url = f"http://127.0.0.1:{port}"
    slack.register(public_url)
    return replace(
        settings,
        slack_bot_token="",
        slack_app_token="",
        client_id=slack.directory.client_id,
        client_secret=slack.directory.client_secret,
        public_url=public_url,
        slack_api_url=slack.api_url,
        http_port=port,
    )


@dataclass(frozen=True)
class Page:
    """A page as a browser received it."""

    status: int
    text: str
    headers: dict[str, str]

    @property
    def location(self) -> str:
        return self.headers.get("Location", "")

    @property
    def query(self) -> dict[str, str]:
        """The parameters of the address that it leads to."""
        return {name: values[0] for name, values in parse_qs(urlsplit(self.location).query).items()}

    @property
    def button(self) -> str:
        """The address behind its button."""
        found = re.search(r'class="button" href="([^"]*)"', self.text)
        assert found is not None, self.text
        return unescape(found[1])


class Browser:
    """A browser with its cookies that follows no redirect by itself."""

    def __init__(self, session: ClientSession, public_url: str) -> None:
        self.session = session
        self.public_url = public_url

    async def get(self, address: str, **query: str) -> Page:
        async with self.session.get(address, params=query, allow_redirects=False) as answer:
            return Page(answer.status, await answer.text(), dict(answer.headers))

    async def begin(self) -> Page:
        return await self.get(self.public_url + BEGIN_PATH)

    async def decide(
        self,
        begun: Page,
        *,
        team: str = WORKSPACE,
        user: str = OWNER,
        decision: str = "allow",
        ticked: Iterable[str] = OPTIONAL,
    ) -> Page:
        """Answer Slack's page to which an installation leads."""
        form = [
            *begun.query.items(),
            ("team", team),
            ("user", user),
            ("decision", decision),
            *(("optional", scope) for scope in ticked),
        ]
        address = begun.location.partition("?")[0]
        async with self.session.post(address, data=form, allow_redirects=False) as answer:
            return Page(answer.status, await answer.text(), dict(answer.headers))

    async def install(self, *, team: str = WORKSPACE, user: str = OWNER) -> Page:
        """Go through all pages; return the last."""
        return await self.get(
            (await self.decide(await self.begin(), team=team, user=user)).location
        )

    async def complete(self, **query: str) -> Page:
        return await self.get(self.public_url + CALLBACK_PATH, **query)


@dataclass(frozen=True, kw_only=True)
class Installing:
    """The bot, its Slack with two workspaces, and a browser."""

    bot: Imbalance
    slack: FakeSlack
    second: FakeSlack
    clock: AdjustableClock
    browser: Browser

    def __getitem__(self, slack: FakeSlack) -> BotHarness:
        return BotHarness(bot=self.bot, slack=slack, clock=self.clock)

    @property
    def harness(self) -> BotHarness:
        return self[self.slack]


def new_browser_session() -> ClientSession:
    return ClientSession(cookie_jar=CookieJar(unsafe=True))  # also cookies of an IP address


@pytest.fixture
async def installing(settings: Settings, clock: AdjustableClock) -> AsyncIterator[Installing]:
    async with (
        running_fake_slack(clock, MANIFEST) as slack,
        running_pages(settings, clock, slack) as running,
    ):
        yield running


@asynccontextmanager
async def running_pages(
    settings: Settings, clock: AdjustableClock, first: FakeSlack, manifest: Path = MANIFEST
) -> AsyncIterator[Installing]:
    """A bot for many workspaces, and a second workspace; both may install it by its pages."""
    second = FakeSlack(
        clock=clock.now,
        manifest=manifest,
        team=Team(id=SECOND, name="Southgate", domain="southgate"),
        beside=first,
    )
    await second.start()
    own = oauth_settings(settings, first)
    for slack in (first, second):
        slack.remove_app()
        slack.request_url = f"{own.public_url}/slack/events"
    bot = Imbalance(own, clock, http=True, **without_limits(RetryTimings(settle=0)))
    await bot.start()
    async with new_browser_session() as session:
        browser = Browser(session, own.public_url)
        yield Installing(bot=bot, slack=first, second=second, clock=clock, browser=browser)
    await bot.stop()
    await second.stop()


__all__ = ["SECOND", "WHOLE_ORGANIZATION", "Browser", "Installing", "new_browser_session"]
