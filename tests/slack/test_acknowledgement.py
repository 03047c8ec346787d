"""Every request that a handler takes is acknowledged once, whatever the handler forgets."""

import re
from collections.abc import Mapping
from typing import Any

import pytest
from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncAck
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.app import build_bolt_app
from bot.slack.errors import Refused
from bot.slack.payloads import bolt_request
from bot.slack.request import Body, Request, as_listener

WHO: dict[str, Any] = {"team": {"id": "T1"}, "user": {"id": "U1"}, "api_app_id": "A1"}
VIEW: dict[str, Any] = {
    "id": "V1",
    "type": "modal",
    "callback_id": "known",
    "private_metadata": "",
    "blocks": [{"type": "input", "block_id": "words"}],
    "state": {"values": {}},
}
COMMAND: dict[str, Any] = {
    "command": "/known",
    "team_id": "T1",
    "user_id": "U1",
    "channel_id": "C1",
    "text": "",
}
CLICK: dict[str, Any] = {
    **WHO,
    "type": "block_actions",
    "container": {"type": "view"},
    "view": {**VIEW, "blocks": []},
    "actions": [{"type": "button", "action_id": "known", "block_id": "b"}],
}
SUBMISSION: dict[str, Any] = {**WHO, "type": "view_submission", "view": VIEW}
REQUESTS = {"command": COMMAND, "button": CLICK, "form": SUBMISSION}
ANSWER = "Here you are."
NOBODY_KNOWS = "Nothing was changed: nobody knows this."


async def response_to(body: Mapping[str, Any], handle: Any) -> tuple[BoltResponse, list[str]]:
    """Dispatch a request that `handle` takes, before the listeners for unknown requests."""
    unknown: list[str] = []

    async def authorize(**_: Any) -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=None, team_id="T1", bot_user_id="UBOT", bot_token="xoxb-1"
        )

    async def refuse_unknown() -> None:
        unknown.append("unknown")
        raise Refused(NOBODY_KNOWS)

    app = build_bolt_app(AsyncWebClient("xoxb-1"), authorize)
    for listen in (app.command("/known"), app.action("known"), app.view("known")):
        listen(as_listener(None, handle))
    anything = re.compile("")
    app.command(anything)(refuse_unknown)
    app.view(anything)(refuse_unknown)
    app.action({"type": "block_actions", "action_id": anything})(refuse_unknown)
    return await app.async_dispatch(bolt_request(body, mode="socket_mode")), unknown


@pytest.mark.parametrize("body", REQUESTS.values(), ids=REQUESTS)
async def test_a_handler_that_forgets_to_acknowledge_is_no_unknown_request(
    body: dict[str, Any],
) -> None:
    handled: list[str] = []

    async def handle(_services: None, request: Request, _ack: AsyncAck, _body: Body) -> None:
        handled.append(request.user_id)

    response, unknown = await response_to(body, handle)

    assert handled == ["U1"]
    assert unknown == []
    assert (response.status, response.body) == (200, "")


@pytest.mark.parametrize("body", REQUESTS.values(), ids=REQUESTS)
async def test_what_a_handler_answers_is_not_replaced(body: dict[str, Any]) -> None:
    answer = (
        {"response_action": "errors", "errors": {"words": ANSWER}}
        if body is SUBMISSION
        else {"text": ANSWER}
    )

    async def handle(_services: None, _request: Request, ack: AsyncAck, _body: Body) -> None:
        await ack(**answer)

    response, unknown = await response_to(body, handle)

    assert unknown == []
    assert response.status == 200
    assert ANSWER in response.body
