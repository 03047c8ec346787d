"""Requests are read as Bolt reads them, and checked as Bolt checks them."""

import asyncio
import json
from typing import Any
from urllib.parse import quote, quote_plus, unquote_plus

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given
from hypothesis import strategies as st
from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.signature import SignatureVerifier

import bot.web
from bot.clock import real_now
from bot.slack.http import SLACK_PATH, signed, unquoted
from bot.web import Site

SECRET = "secret"
PRESSED = {
    "type": "block_actions",
    "team": {"id": "T0PLAY", "domain": "play"},
    "user": {"id": "U0BEN", "team_id": "T0PLAY"},
    "container": {"type": "message", "channel_id": "D0BEN", "message_ts": "1763892000.000100"},
    "channel": {"id": "D0BEN"},
    "actions": [{"action_id": "rounds.send", "value": "1 = 100 % + ä & 🏁"}],
    "response_url": "https://hooks.example/actions?a=1&b=2",
}
TOLD = {
    "type": "event_callback",
    "team_id": "T0PLAY",
    "event_id": "Ev1",
    "event_time": 1763892000,
    "event": {"type": "message"},
}
TYPED = "command=%2Fimbalance&text={}&team_id=T0PLAY&user_id=U0BEN&channel_id=C0LAUNCH"
BODIES = (
    f"payload={quote_plus(json.dumps(PRESSED))}",
    f"payload={quote(json.dumps(PRESSED, ensure_ascii=False))}",
    f"token=old&payload={quote_plus(json.dumps(PRESSED))}",
    f"payload={quote_plus(json.dumps(PRESSED))}&token=old",
    TYPED.format("start+2w"),
    json.dumps(TOLD),
)


class Heard(AsyncApp):
    """Bolt, which keeps the requests it is given."""

    def __init__(self) -> None:
        super().__init__(signing_secret=SECRET, token="xoxb-none")
        self.requests: list[AsyncBoltRequest] = []

    async def async_dispatch(self, req: AsyncBoltRequest) -> BoltResponse:
        self.requests.append(req)
        return BoltResponse(status=200)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_form_is_unquoted_as_urllib_does(text: str) -> None:
    for quoted in (quote_plus(text), quote(text), quote(text, safe="=/:")):
        assert unquoted(quoted) == unquote_plus(quoted) == text


@pytest.mark.parametrize("body", BODIES)
async def test_a_request_is_read_as_bolt_reads_it(body: str) -> None:
    heard = Heard()
    kind = "application/json" if body.startswith("{") else "application/x-www-form-urlencoded"
    assert await post(heard, body, {"Content-Type": kind, **signature(body)}) == 200

    (read,) = heard.requests
    theirs = AsyncBoltRequest(body=body, query="", headers=dict(read.headers))
    for name in ("raw_body", "body", "query", "headers", "content_type", "mode", "lazy_only"):
        assert getattr(read, name) == getattr(theirs, name)
    assert dict(read.context) == dict(theirs.context)


async def test_a_command_may_have_the_word_payload_in_its_text() -> None:
    heard = Heard()
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    body = TYPED.format("start+payload")
    assert await post(heard, body, {**form, **signature(body)}) == 200

    (read,) = heard.requests
    assert read.body["text"] == "start payload"


@pytest.mark.parametrize("text", ["\ud83d", "a\udfc1b", "\0", "\udfc1\ud83c"])
async def test_characters_that_cannot_be_stored_are_replaced(text: str) -> None:
    heard = Heard()
    whole = json.dumps({**PRESSED, "actions": [{"action_id": "a", "value": f"\\ud83d {text} 🏁"}]})
    body = f"payload={quote_plus(whole)}"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert await post(heard, body, {**form, **signature(body)}) == 200

    (read,) = heard.requests
    replaced = "".join("\ufffd" if one in "\0\ud83d\udfc1\ud83c" else one for one in text)
    assert read.body["actions"][0]["value"] == f"\\ud83d {replaced} 🏁"


@pytest.mark.parametrize("body", BODIES[:4])
async def test_a_payload_that_slack_did_not_sign_is_refused(body: str) -> None:
    real = AsyncApp(signing_secret=SECRET, token="xoxb-none")
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    assert await post(real, body, {**form, **signature(body.replace("BEN", "ANA"))}) == 401


def signature(body: str) -> dict[str, str]:
    timestamp = str(int(real_now().timestamp()))
    signed_so = SignatureVerifier(SECRET).generate_signature(timestamp=timestamp, body=body)
    return {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": signed_so or ""}


async def post(bolt: Any, body: str, headers: dict[str, str]) -> int:
    async with TestClient(TestServer(signed(bolt, SECRET))) as client:
        answer = await client.post(SLACK_PATH, data=body.encode(), headers=headers)
        return answer.status


async def test_an_answer_that_hangs_keeps_nobody_from_stopping(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bot.web, "STOPS_WITHIN_SECONDS", 0.1)
    begun = asyncio.Event()

    async def hang(_: web.Request) -> web.Response:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    app = web.Application()
    app.router.add_get("/", hang)
    site = Site(app, "127.0.0.1", 0)
    port = await site.start()

    async with ClientSession() as http, asyncio.timeout(30):
        asking = asyncio.create_task(http.get(f"http://127.0.0.1:{port}/"))
        await begun.wait()
        await site.stop()
        await asyncio.gather(asking, return_exceptions=True)
