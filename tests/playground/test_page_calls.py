"""The HTTP calls and the change stream of the playground's page."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import AdjustableClock
from bot.playground import example_phases
from bot.playground.server import FakeSlack
from tests.playground.helpers import (
    ANA,
    ARCHIVED,
    BEN,
    GRETA,
    LAUNCH,
    MANIFEST,
    SECRET,
    actions,
    button,
    field,
    home,
    modal,
    radio,
    section,
    text_input,
)

Call = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
def get(slack: FakeSlack, session: ClientSession) -> Call:
    async def call(path: str, **query: str) -> dict[str, Any]:
        async with session.get(f"{slack.url}/ui/{path}", params=query) as response:
            return dict(await response.json())

    return call


@pytest.fixture
def post(slack: FakeSlack, session: ClientSession) -> Call:
    async def call(path: str, **body: Any) -> dict[str, Any]:
        async with session.post(f"{slack.url}/ui/{path}", json=body) as response:
            return dict(await response.json())

    return call


@pytest.fixture
async def stream(
    slack: FakeSlack, session: ClientSession
) -> AsyncIterator[ClientWebSocketResponse]:
    async with session.ws_connect(f"{slack.url}/ui/stream?user={ANA}") as socket:
        yield socket


async def changes(
    stream: ClientWebSocketResponse, count: int, *, times: bool = False
) -> list[dict[str, Any]]:
    """Receive the next changes, without those of the time unless `times` is set."""
    found: list[dict[str, Any]] = []
    while len(found) < count:
        change = json.loads((await stream.receive(timeout=20)).data)
        if times or change["type"] != "time":
            found.append(change)
    return found


async def test_state_shows_what_one_user_can_see(get: Call) -> None:
    ana, greta = await get("state", user=ANA), await get("state", user=GRETA)

    names = {c["name"]: c["kind"] for c in ana["conversations"]}
    assert names["launch"] == "channel"
    assert names["secret-plan"] == "private"
    assert names["Imbalance"] == "im"
    assert {c["name"] for c in greta["conversations"]} == {"general", "launch", "Imbalance"}
    assert ana["commands"][0] == {
        "command": "/note",
        "description": "",
        "usage_hint": "[add | list]",
        "subcommands": ["add", "list"],
    }
    assert ana["now"] == "2026-11-23T09:00:00+00:00"
    finn = next(user for user in ana["users"] if user["id"] == "U0FIN")
    assert (finn["initials"], finn["tz"]) == ("FO", "America/New_York")


async def test_unread_counts_rise_and_are_reset_by_reading(
    api: AsyncWebClient, get: Call, post: Call
) -> None:
    async def launch() -> dict[str, Any]:
        listed = (await get("state", user=ANA))["conversations"]
        return next(c for c in listed if c["id"] == LAUNCH)

    await api.chat_postMessage(channel=LAUNCH, text="one")
    await api.chat_postMessage(channel=LAUNCH, text=f"two <@{ANA}>")
    before = await launch()
    await post("read", user=ANA, channel=LAUNCH)
    after = await launch()

    assert (before["unread"], before["mentions"]) == (2, 1)
    assert (after["unread"], after["mentions"]) == (0, 0)


async def test_history_shows_reply_counts_and_own_ephemeral_messages(
    api: AsyncWebClient, get: Call, post: Call
) -> None:
    ts = (await api.chat_postMessage(channel=LAUNCH, text="parent"))["ts"]
    await post("send", user=BEN, channel=LAUNCH, text="reply", thread_ts=ts)
    await api.chat_postEphemeral(channel=LAUNCH, user=ANA, text="psst")

    shown = (await get("history", user=ANA, channel=LAUNCH))["messages"]
    thread = (await get("replies", user=ANA, channel=LAUNCH, thread_ts=ts))["messages"]
    assert [(m["text"], m["ephemeral"]) for m in shown] == [("parent", False), ("psst", True)]
    assert shown[0]["reply_count"] == 1
    assert [message["text"] for message in thread] == ["parent", "reply"]


async def test_history_of_an_invisible_channel_is_refused(get: Call) -> None:
    refused = await get("history", user=GRETA, channel=SECRET)

    assert refused == {"ok": False, "error": "That is not there any more."}


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"channel": ARCHIVED, "text": "x"}, "archived"),
        ({"channel": LAUNCH, "text": "/nothing"}, "not a valid command"),
        ({"channel": LAUNCH, "text": "/note", "thread_ts": "1.2"}, "threads"),
        ({"channel": LAUNCH, "text": "/note"}, "dispatch_failed"),
        ({"channel": "C0NOWHER", "text": "x"}, "not there"),
    ],
)
async def test_send_reports_why_it_failed(post: Call, body: dict[str, Any], why: str) -> None:
    answer = await post("send", user=ANA, **body)

    assert not answer["ok"]
    assert why in answer["error"]


async def test_changes_are_streamed(
    slack: FakeSlack, api: AsyncWebClient, stream: ClientWebSocketResponse
) -> None:
    ts = (await api.chat_postMessage(channel=LAUNCH, text="one"))["ts"]
    await api.chat_update(channel=LAUNCH, ts=ts, text="two")
    await api.pins_add(channel=LAUNCH, timestamp=ts)
    await api.chat_postEphemeral(channel=LAUNCH, user=ANA, text="psst")
    await api.chat_postEphemeral(channel=LAUNCH, user=BEN, text="not for Ana")
    await api.chat_delete(channel=LAUNCH, ts=ts)
    await api.views_publish(user_id=ANA, view=home(section()))
    trigger_id = slack.core.triggers.issue(ANA)
    slack.core.triggers.age()
    with pytest.raises(SlackApiError):
        await api.views_open(trigger_id=trigger_id, view=modal(section()))

    found_changes = await changes(stream, 8)
    assert [change["type"] for change in found_changes] == [
        *("message", "conversation", "message_changed", "conversation"),
        *("ephemeral", "message_deleted", "home", "notice"),
    ]
    assert found_changes[3]["conversation"]["pins"] == [ts]
    assert found_changes[7]["text"].endswith("expired_trigger_id.")


async def test_page_submits_a_form(
    slack: FakeSlack,
    app: AsyncApp,
    socket: AsyncSocketModeHandler,
    get: Call,
    post: Call,
    stream: ClientWebSocketResponse,
) -> None:
    @app.command("/note")
    async def note(ack: Any, body: dict[str, Any], client: AsyncWebClient) -> None:
        await client.views_open(trigger_id=body["trigger_id"], view=modal(field("q", text_input())))
        await ack()

    texts = []

    @app.view("form")
    async def submitted(ack: Any, view: dict[str, Any]) -> None:
        texts.append(view["state"]["values"]["q"]["text"]["value"])
        await ack()

    await post("send", user=ANA, channel=LAUNCH, text="/note")
    (opened,) = await changes(stream, 1)
    view_id = opened["stack"][0]["id"]
    empty = await post("view/submit", user=ANA, view_id=view_id, state={"values": {}})
    state = {"values": {"q": {"text": {"type": "plain_text_input", "value": "hi"}}}}
    sent = await post("view/submit", user=ANA, view_id=view_id, state=state)

    assert empty["errors"]["q"].startswith("Please")
    assert (sent["ok"], texts) == (True, ["hi"])
    assert (await changes(stream, 1))[0]["stack"] == []
    gone = await post("view/close", user=ANA, view_id=view_id, all=False)
    assert not gone["ok"]


async def test_page_presses_a_button(
    app: AsyncApp, api: AsyncWebClient, socket: AsyncSocketModeHandler, post: Call
) -> None:
    chosen = []

    @app.action("send")
    async def sent(ack: Any, body: dict[str, Any]) -> None:
        chosen.append(body["state"]["values"]["q"]["level"]["selected_option"])
        await ack()

    blocks = [field("q", radio()), actions(button("send"), block_id="b")]
    ts = (await api.chat_postMessage(channel=LAUNCH, text="x", blocks=blocks))["ts"]
    picked = blocks[0]["element"]["options"][1]
    state = {"q": {"level": {"type": "radio_buttons", "selected_option": picked}}}
    answer = await post(
        "action",
        user=ANA,
        container={"type": "message", "channel_id": LAUNCH, "message_ts": ts},
        action={"type": "button", "block_id": "b", "action_id": "send"},
        state={"values": state},
    )

    assert answer["ok"]
    assert chosen == [picked]


async def test_example_needs_a_clock_and_a_playground_where_nothing_has_happened(
    slack: FakeSlack, clock: AdjustableClock, get: Call, post: Call, api: AsyncWebClient
) -> None:
    before = await get("state", user=ANA)
    assert (before["is_fresh"], before["building"]) == (True, None)
    assert await post("example") == {"ok": False, "error": example_phases.NO_CLOCK}

    async def advance(_: str) -> None:
        clock.advance(timedelta(days=1))

    slack.hooks.advance = advance
    stuck = await post("example")  # this app has no command of that name
    assert stuck["error"].startswith("The example stopped half way: /imbalance is not a valid")
    assert (await get("state", user=ANA))["building"] is None

    await api.chat_postMessage(channel=LAUNCH, text="something has happened")
    assert not (await get("state", user=ANA))["is_fresh"]
    assert await post("example") == {"ok": False, "error": example_phases.NOT_FRESH}


async def test_time_can_be_moved_only_through_hooks(
    slack: FakeSlack,
    clock: AdjustableClock,
    get: Call,
    post: Call,
    stream: ClientWebSocketResponse,
) -> None:
    refused = await post("time", advance="day")

    async def advance(kind: str) -> None:
        clock.advance({"hour": timedelta(hours=1), "day": timedelta(days=1)}[kind])

    async def next_event() -> Any:
        return clock.now() + timedelta(minutes=5)

    slack.hooks.advance, slack.hooks.next_event = advance, next_event
    moved = await post("time", advance="day")

    assert "cannot be moved" in refused["error"]
    assert moved["now"] == "2026-11-24T09:00:00+00:00"
    assert moved["next_event"] == "2026-11-24T09:05:00+00:00"
    assert (await changes(stream, 1, times=True))[0]["type"] == "time"
    assert (await get("state", user=ANA))["now"] == moved["now"]


async def test_home_view_team_answers_and_reset(
    slack: FakeSlack, api: AsyncWebClient, get: Call, post: Call
) -> None:
    assert (await get("home", user=ANA))["view"] is None
    await api.views_publish(user_id=ANA, view=home(section()))
    assert (await get("home", user=ANA))["view"]["type"] == "home"
    assert (await post("team-answers"))["answered"] == 0
    await post("reset")

    assert slack.as_user(ANA).home is None


async def test_requests_from_other_origins_are_refused(
    slack: FakeSlack, session: ClientSession
) -> None:
    for origin, status in (("https://evil.example", 403), ("null", 403), (slack.url, 200)):
        async with session.post(
            f"{slack.url}/ui/reset", json={}, headers={"Origin": origin}
        ) as response:
            assert response.status == status


@pytest.mark.parametrize("path", ["/", "/ui/bootstrap", "/archives/C0LAUNCH/p1", "/files/F1"])
@pytest.mark.parametrize(
    ("host", "is_own"),
    [
        ("localhost:1", True),
        ("[::1]:1", True),
        ("evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("[", False),
        ("", False),
    ],
)
async def test_page_answers_to_names_of_this_machine_only(
    slack: FakeSlack, session: ClientSession, path: str, host: str, is_own: bool
) -> None:
    """Another site may let a name of its own point here, and then read what comes back."""
    headers = {"Host": host, "Origin": f"http://{host}"}
    async with session.get(f"{slack.url}{path}", headers=headers) as response:
        assert (response.status != 403) is is_own


async def test_uploads_are_served(
    slack: FakeSlack, api: AsyncWebClient, session: ClientSession
) -> None:
    answer = await api.files_upload_v2(content=b"png", filename="a.png")
    async with session.get(f"{slack.url}/files/{answer['files'][0]['id']}") as response:
        assert (response.content_type, await response.read()) == ("image/png", b"png")
    async with session.get(f"{slack.url}/files/F0") as response:
        assert response.status == 404


async def test_port_in_use_is_an_error(slack: FakeSlack, clock: AdjustableClock) -> None:
    port = int(slack.url.rsplit(":", 1)[1])
    with pytest.raises(OSError, match="in use"):
        await FakeSlack(clock=clock.now, manifest=MANIFEST, port=port).start()
