"""Responses through a response_url."""

from typing import Any

import pytest
from aiohttp import ClientSession
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.server import FakeSlack
from tests.playground.helpers import ANA, BEN, LAUNCH, actions, button, plain, section

pytestmark = pytest.mark.usefixtures("socket")


async def test_response_can_replace_delete_or_add_a_message(
    slack: FakeSlack, app: AsyncApp, api: AsyncWebClient
) -> None:
    @app.action("go")
    async def go(ack: Any, respond: Any, action: dict[str, Any]) -> None:
        if action["value"] == "replace":
            await respond(replace_original=True, text="replaced")
        elif action["value"] == "delete":
            await respond(delete_original=True)
        else:
            await respond(replace_original=False, text="added")
        await ack()

    posted = []
    for value in ("replace", "delete", "add"):
        blocks = [actions(button("go", value=value))]
        posted.append((await api.chat_postMessage(channel=LAUNCH, text=value, blocks=blocks))["ts"])
    for ts in posted:
        await slack.as_user(ANA).click("go", channel=LAUNCH, ts=ts)

    seen = [message["text"] for message in slack.as_user(ANA).visible(LAUNCH)]
    assert seen == ["replaced", "add", "added"]
    assert "blocks" not in slack.as_user(BEN).visible(LAUNCH)[0]


async def test_button_in_an_ephemeral_message_can_replace_it(
    slack: FakeSlack, app: AsyncApp, api: AsyncWebClient
) -> None:
    bodies = []

    @app.action("go")
    async def go(ack: Any, respond: Any, body: dict[str, Any]) -> None:
        bodies.append(body)
        await respond(replace_original=True, text="done")
        await ack()

    blocks = [actions(button("go"))]
    await api.chat_postEphemeral(channel=LAUNCH, user=ANA, text="x", blocks=blocks)
    await slack.as_user(ANA).click("go")

    assert bodies[0]["container"]["is_ephemeral"]
    assert "message" not in bodies[0]
    assert [message["text"] for message in slack.as_user(ANA).visible(LAUNCH)] == ["done"]


async def test_response_url_works_five_times_and_expires(
    slack: FakeSlack, app: AsyncApp, session: ClientSession
) -> None:
    urls = []

    @app.command("/note")
    async def note(ack: Any, command: dict[str, Any]) -> None:
        urls.append(command["response_url"])
        await ack()

    async def post(url: str) -> tuple[int, str]:
        async with session.post(url, json={"text": "hi"}) as response:
            return response.status, await response.text()

    for _ in range(2):
        await slack.as_user(ANA).command("/note", LAUNCH)
    answers = [await post(urls[0]) for _ in range(6)]
    slack.core.tickets.age()

    assert answers == [(200, "ok")] * 5 + [(404, "used_url")]
    assert await post(urls[1]) == (404, "expired_url")


async def test_empty_or_invalid_response_is_refused(
    slack: FakeSlack, app: AsyncApp, session: ClientSession
) -> None:
    @app.command("/note")
    async def note(ack: Any, command: dict[str, Any]) -> None:
        invalid_bodies = [{}, {"blocks": [{"type": "header", "text": plain("x" * 151)}]}]
        for body in invalid_bodies:
            async with session.post(command["response_url"], json=body) as response:
                assert response.status == 400
        await ack()

    await slack.as_user(ANA).command("/note", LAUNCH)

    assert any("json-pointer" in problem for problem in slack.problems)


async def test_too_long_response_is_refused(
    slack: FakeSlack, app: AsyncApp, session: ClientSession
) -> None:
    answers = []

    @app.command("/note")
    async def note(ack: Any, command: dict[str, Any]) -> None:
        body = {"blocks": [section("x" * 3000)] * 5}
        async with session.post(command["response_url"], json=body) as response:
            answers.append((response.status, await response.text()))
        await ack()

    await slack.as_user(ANA).command("/note", LAUNCH)

    assert answers == [(400, "msg_blocks_too_long")]
    assert "response_url: msg_blocks_too_long" in slack.problems
