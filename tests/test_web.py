"""Requests are parsed and verified as Bolt does; the site stops in time."""

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

import bot.slack.http
import bot.web
from bot.clock import real_now
from bot.slack.form_decoding import decode_form_field
from bot.slack.http import SLACK_PATH, build_web_app
from bot.web import CannotListen, Site

SECRET = "secret"
BUTTON_PRESS = {
    "type": "block_actions",
    "team": {"id": "T0PLAY", "domain": "play"},
    "user": {"id": "U0BEN", "team_id": "T0PLAY"},
    "container": {"type": "message", "channel_id": "D0BEN", "message_ts": "1763892000.000100"},
    "channel": {"id": "D0BEN"},
    "actions": [{"action_id": "rounds.tap.ego.4", "value": "1 = 100 % + ä & 🏁"}],
    "response_url": "https://hooks.example/actions?a=1&b=2",
}
EVENT = {
    "type": "event_callback",
    "team_id": "T0PLAY",
    "event_id": "Ev1",
    "event_time": 1763892000,
    "event": {"type": "message"},
}
COMMAND = "command=%2Fimbalance&text={}&team_id=T0PLAY&user_id=U0BEN&channel_id=C0LAUNCH"
BODIES = (
    f"payload={quote_plus(json.dumps(BUTTON_PRESS))}",
    f"payload={quote(json.dumps(BUTTON_PRESS, ensure_ascii=False))}",
    f"token=old&payload={quote_plus(json.dumps(BUTTON_PRESS))}",
    f"payload={quote_plus(json.dumps(BUTTON_PRESS))}&token=old",
    COMMAND.format("start+2w"),
    json.dumps(EVENT),
)


class RecordingApp(AsyncApp):
    """A Bolt app that records its requests."""

    def __init__(self) -> None:
        super().__init__(signing_secret=SECRET, token="xoxb-none")
        self.requests: list[AsyncBoltRequest] = []

    async def async_dispatch(self, req: AsyncBoltRequest) -> BoltResponse:
        self.requests.append(req)
        return BoltResponse(status=200)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_unquoted_matches_urllib(text: str) -> None:
    for quoted in (quote_plus(text), quote(text), quote(text, safe="=/:")):
        assert decode_form_field(quoted) == unquote_plus(quoted) == text


@pytest.mark.parametrize("body", BODIES)
async def test_request_is_parsed_as_bolt_parses_it(body: str) -> None:
    app = RecordingApp()
    kind = "application/json" if body.startswith("{") else "application/x-www-form-urlencoded"
    assert await post(app, body, {"Content-Type": kind, **signature(body)}) == 200

    (read,) = app.requests
    theirs = AsyncBoltRequest(body=body, query="", headers=dict(read.headers))
    for name in ("raw_body", "body", "query", "headers", "content_type", "mode", "lazy_only"):
        assert getattr(read, name) == getattr(theirs, name)
    own = {"is_where_installed": body == COMMAND.format("start+2w")}
    assert dict(read.context) == {**theirs.context, **own}


async def test_command_text_may_contain_the_word_payload() -> None:
    app = RecordingApp()
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    body = COMMAND.format("start+payload")
    assert await post(app, body, {**form, **signature(body)}) == 200

    (read,) = app.requests
    assert read.body["text"] == "start payload"


@pytest.mark.parametrize("text", ["\ud83d", "a\udfc1b", "\0", "\udfc1\ud83c"])
async def test_unstorable_characters_in_a_payload_are_replaced(text: str) -> None:
    app = RecordingApp()
    whole = json.dumps(
        {**BUTTON_PRESS, "actions": [{"action_id": "a", "value": f"\\ud83d {text} 🏁"}]}
    )
    body = f"payload={quote_plus(whole)}"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert await post(app, body, {**form, **signature(body)}) == 200

    (read,) = app.requests
    replaced = "".join("\ufffd" if one in "\0\ud83d\udfc1\ud83c" else one for one in text)
    assert read.body["actions"][0]["value"] == f"\\ud83d {replaced} 🏁"


@pytest.mark.parametrize("body", BODIES[:4])
async def test_payload_with_a_wrong_signature_is_rejected(body: str) -> None:
    real = AsyncApp(signing_secret=SECRET, token="xoxb-none")
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    assert await post(real, body, {**form, **signature(body.replace("BEN", "ANA"))}) == 401


def signature(body: str) -> dict[str, str]:
    timestamp = str(int(real_now().timestamp()))
    digest = SignatureVerifier(SECRET).generate_signature(timestamp=timestamp, body=body)
    return {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": digest or ""}


async def post(bolt: Any, body: str, headers: dict[str, str]) -> int:
    async with TestClient(TestServer(build_web_app(bolt, SECRET))) as client:
        answer = await client.post(SLACK_PATH, data=body.encode(), headers=headers)
        return answer.status


async def test_hanging_handler_does_not_keep_the_site_from_stopping(
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


@pytest.mark.parametrize("sent", [b"", b"POST /slack/events HTTP/1.1\r\nHost: x\r\n"])
async def test_connection_without_a_whole_request_is_closed(
    monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(bot.web, "IDLE_SECONDS", 0.05)
    site = Site(build_web_app(AsyncApp(token="xoxb-x"), SECRET), "127.0.0.1", 0)
    port = await site.start()
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)

        assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()
    finally:
        await site.stop()


async def test_body_that_does_not_arrive_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bot.slack.http, "BODY_SECONDS", 0.05)
    site = Site(build_web_app(AsyncApp(token="xoxb-x"), SECRET), "127.0.0.1", 0)
    port = await site.start()
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf")

        assert (await asyncio.wait_for(reader.readline(), 10)).startswith(b"HTTP/1.1 408")
        writer.close()
    finally:
        await site.stop()


@pytest.mark.parametrize(
    ("host", "port", "expected"),
    [
        ("127.0.0.1", "taken", "is in use by another program. Set METRICS_PORT to a free one."),
        ("192.0.2.1", 0, "METRICS_HOST is not an address of this machine."),
        ("nowhere.invalid", 0, "METRICS_HOST is not an address of this machine."),
    ],
)
async def test_address_that_cannot_be_listened_at_names_its_setting(
    host: str, port: int | str, expected: str
) -> None:
    first = Site(web.Application(), "127.0.0.1", 0)
    taken = await first.start()
    site = Site(web.Application(), host, taken if port == "taken" else 0, "METRICS")

    with pytest.raises(CannotListen, match=expected):
        await site.start()
    await site.stop()
    await first.stop()
