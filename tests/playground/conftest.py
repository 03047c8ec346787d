"""A fake Slack and a small app connected to it: these tests cover the fake Slack itself."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from aiohttp import ClientSession
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import AdjustableClock
from bot.playground.server import FakeSlack
from tests.playground.helpers import MANIFEST


@pytest.fixture
def clock() -> AdjustableClock:
    return AdjustableClock(datetime(2026, 11, 23, 9, 0, tzinfo=UTC))


@pytest.fixture
async def slack(clock: AdjustableClock) -> AsyncIterator[FakeSlack]:
    fake_slack = FakeSlack(clock=clock.now, manifest=MANIFEST)
    await fake_slack.start()
    yield fake_slack
    await fake_slack.stop()


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with ClientSession() as open_session:
        yield open_session


@pytest.fixture
def api(slack: FakeSlack, session: ClientSession) -> AsyncWebClient:
    return AsyncWebClient(
        slack.bot_token, base_url=slack.api_url, session=session, retry_handlers=[]
    )


@pytest.fixture
def app(api: AsyncWebClient) -> AsyncApp:
    """A Bolt app set up like the bot's; tests add listeners before or after it connects."""
    return AsyncApp(
        client=api,
        signing_secret=FakeSlack.signing_secret,
        process_before_response=True,
        ignoring_self_events_enabled=False,
    )


@pytest.fixture
async def socket(app: AsyncApp, slack: FakeSlack) -> AsyncIterator[AsyncSocketModeHandler]:
    """The app, connected over Socket Mode."""
    handler = AsyncSocketModeHandler(app, slack.app_token)
    await handler.connect_async()
    yield handler
    await handler.close_async()
