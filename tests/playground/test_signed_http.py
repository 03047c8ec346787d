"""Signed HTTP requests instead of Socket Mode."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from slack_bolt.async_app import AsyncApp

from bot.playground.fake_slack.signed_http import signature
from bot.playground.server import FakeSlack
from tests.playground.helpers import ANA, LAUNCH


@pytest.fixture
async def listening(app: AsyncApp, slack: FakeSlack) -> AsyncIterator[AsyncApp]:
    """The app behind a request URL."""
    runner = web.AppRunner(app.web_app(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    slack.request_url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    yield app
    await runner.cleanup()


async def test_commands_and_events_are_signed(slack: FakeSlack, listening: AsyncApp) -> None:
    @listening.command("/note")
    async def note(ack: Any, command: dict[str, Any]) -> None:
        await ack(f"noted {command['text']}")

    received = asyncio.Event()

    @listening.event("user_change")
    async def changed() -> None:
        received.set()

    assert await slack.core.http.verify_url()
    assert (
        await slack.as_user(ANA).command("/note ü & <b>", LAUNCH)
    ).text == "noted ü &amp; &lt;b&gt;"
    await slack.emit({"type": "user_change", "user": {"id": ANA}})
    assert received.is_set()


async def test_app_refuses_wrong_and_stale_signatures(
    slack: FakeSlack, listening: AsyncApp
) -> None:
    http = slack.core.http
    good = http.headers(b"payload={}")
    forged = {**good, "X-Slack-Signature": "v0=" + "0" * 64}
    stale = {**good, "X-Slack-Request-Timestamp": "1000000000"}
    stale["X-Slack-Signature"] = signature(slack.signing_secret, "1000000000", b"payload={}")

    for headers in (forged, stale):
        assert (await http.post(b"payload={}", headers)).status == 401


def test_signature_matches_slacks_example() -> None:
    """From docs.slack.dev/authentication/verifying-requests-from-slack."""
    body = (
        "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow"
        "&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner"
        "&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands"
        "%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        "&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    signed = signature("8f742231b10e8888abcd99yyyzzz85a5", "1531420618", body.encode())

    assert signed == "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"


async def test_failed_events_are_retried_with_retry_headers(
    slack: FakeSlack, listening: AsyncApp
) -> None:
    slack.core.dispatch.retry_after = (0, 0, 0)
    seen = []

    @listening.middleware
    async def look(req: Any, next_: Any) -> None:
        seen.append(req.headers.get("x-slack-retry-num"))
        await next_()

    @listening.event("user_change")
    async def changed() -> None:
        if len(seen) < 3:
            raise RuntimeError("not yet")

    assert await slack.emit({"type": "user_change", "user": {"id": ANA}})
    assert seen == [None, ["1"], ["2"]]
