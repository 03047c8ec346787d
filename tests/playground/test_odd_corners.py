"""The corners in which Slack differs from what one expects, as the fake reproduces them."""

from typing import Any

import pytest
from aiohttp import ClientSession, web
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.server import FakeSlack
from bot.web import Site
from tests.playground.helpers import ANA, BEN, LAUNCH, PARTNER, XAVIER, actions, button, plain

GRID = {"enterprise_id": "E0GRID", "teams": ["T0PLAY", "T2"]}


async def test_grid_colleague_has_another_team_id_and_this_workspace_in_their_list(
    slack: FakeSlack, api: AsyncWebClient
) -> None:
    slack.add_user(slack.copy_of(BEN, id="U0GRID", team_id="T2", **GRID))
    shown = (await api.users_info(user="U0GRID"))["user"]

    assert (shown["team_id"], "teams" in shown) == ("T2", False)
    assert shown["enterprise_user"]["teams"] == ["T0PLAY", "T2"]
    assert (await api.chat_postMessage(channel="U0GRID", text="hello"))["ok"]
    assert (await slack.as_user("U0GRID").command("/note")).error != "not_installed"


async def test_grid_outsider_without_a_team_id_is_listed_elsewhere(
    slack: FakeSlack, api: AsyncWebClient
) -> None:
    slack.add_user(slack.copy_of(BEN, id="U0OUT", team_id="", enterprise_id="E0ELSE", teams=["T9"]))
    shown = (await api.users_info(user="U0OUT"))["user"]

    assert "team_id" not in shown
    assert shown["teams"] == shown["enterprise_user"]["teams"] == ["T9"]
    assert (await slack.as_user("U0OUT").command("/note")).error == "not_installed"


async def test_person_may_have_no_zone_no_shown_name_and_an_open_invitation(
    slack: FakeSlack, api: AsyncWebClient
) -> None:
    slack.change_user(BEN, tz=None, display_name="", real_name="", is_invited=True)
    shown = (await api.users_info(user=BEN))["user"]

    assert (shown["tz"], shown["real_name"], shown["profile"]["display_name"]) == (None, "", "")
    assert shown["is_invited_user"] is True


@pytest.mark.usefixtures("socket")
async def test_group_message_has_its_own_name_and_needs_its_own_scope(
    slack: FakeSlack, api: AsyncWebClient, app: AsyncApp
) -> None:
    names = []

    @app.command("/note")
    async def note(ack: Any, body: dict[str, Any]) -> None:
        names.append(body["channel_name"])
        await ack()

    group = slack.open_group_message(ANA, BEN)
    await slack.as_user(ANA).command("/note", group.id)

    assert names == ["mpdm-ana--ben-1"]
    for ask in (api.conversations_info, api.conversations_members):
        with pytest.raises(SlackApiError) as refused:
            await ask(channel=group.id)
        assert refused.value.response["error"] == "missing_scope"
        assert refused.value.response["needed"] == "mpim:read"


@pytest.mark.usefixtures("socket")
async def test_second_quick_press_carries_the_outdated_hash(
    slack: FakeSlack, app: AsyncApp
) -> None:
    outcomes = []
    view = {"type": "modal", "title": plain("Form"), "blocks": [actions(button("add"))]}

    @app.command("/note")
    async def note(ack: Any, body: dict[str, Any], client: AsyncWebClient) -> None:
        await client.views_open(trigger_id=body["trigger_id"], view=view)
        await ack()

    @app.action("add")
    async def add(ack: Any, body: dict[str, Any], client: AsyncWebClient) -> None:
        shown = body["view"]
        try:
            await client.views_update(view_id=shown["id"], hash=shown["hash"], view=view)
            outcomes.append("ok")
        except SlackApiError as error:
            outcomes.append(error.response["error"])
        await ack()

    ana = slack.as_user(ANA)
    await ana.command("/note")
    await ana.press_quickly("add", "add")

    assert outcomes == ["ok", "hash_conflict"]


@pytest.mark.usefixtures("socket")
@pytest.mark.parametrize("own_team", [False, True])
async def test_payload_of_an_outsider_names_our_workspace_or_theirs(
    slack: FakeSlack, app: AsyncApp, api: AsyncWebClient, own_team: bool
) -> None:
    teams = []

    @app.action("go")
    async def go(ack: Any, body: dict[str, Any]) -> None:
        teams.append((body["team"]["id"], body["user"]["team_id"]))
        await ack()

    slack.faults.outsiders_own_team = own_team
    await api.chat_postMessage(channel=PARTNER, text="hello", blocks=[actions(button("go"))])
    await slack.as_user(XAVIER).click("go", channel=PARTNER)

    assert teams == [("T0OTHER" if own_team else "T0PLAY", "T0OTHER")]


@pytest.mark.usefixtures("socket")
async def test_subscription_to_every_app_brings_events_of_other_apps(
    slack: FakeSlack, app: AsyncApp, api: AsyncWebClient
) -> None:
    received = []

    @app.event("message_metadata_posted")
    async def posted(event: dict[str, Any]) -> None:
        received.append((event["app_id"], event["bot_id"], event["user_id"]))

    metadata = {"event_type": "note", "event_payload": {"id": "42"}}
    slack.post_as_other_app(LAUNCH, "Not yours", metadata=metadata)
    await slack.settled()

    assert received == [("A0OTHER", "B0OTHER", "U0CIB")]


@pytest.mark.usefixtures("socket")
async def test_rate_limited_events_are_reported_by_a_payload_that_is_no_event(
    slack: FakeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = []

    async def deliver(kind: str, payload: Any, attempt: int, reason: str) -> Any:
        sent.append((kind, payload["type"], "event" in payload))
        raise TimeoutError

    monkeypatch.setattr(slack.core.sockets, "deliver", deliver)
    await slack.report_rate_limit()

    assert sent == [("events_api", "app_rate_limited", False)]


async def test_certificate_check_is_posted_without_a_signature(slack: FakeSlack) -> None:
    received = []

    async def answer(request: web.Request) -> web.Response:
        received.append((await request.text(), "X-Slack-Signature" in request.headers))
        return web.Response()

    application = web.Application()
    application.router.add_post("/slack", answer)
    site = Site(application, "127.0.0.1", 0)
    slack.request_url = f"http://127.0.0.1:{await site.start()}/slack"
    try:
        assert (await slack.check_certificate()).status == 200
    finally:
        await site.stop()

    assert received == [("ssl_check=1&token=playground", False)]


async def test_full_channel_takes_no_more_pins_or_bookmarks(
    slack: FakeSlack, api: AsyncWebClient
) -> None:
    posted = await api.chat_postMessage(channel=LAUNCH, text="hello")
    slack.fill_pins_and_bookmarks(LAUNCH)

    with pytest.raises(SlackApiError, match="too_many_pins"):
        await api.pins_add(channel=LAUNCH, timestamp=posted["ts"])
    with pytest.raises(SlackApiError, match="too_many_bookmarks"):
        await api.bookmarks_add(
            channel_id=LAUNCH, title="Mine", type="link", link="https://example.com"
        )


async def test_channel_of_thousands_is_read_in_pages_of_a_thousand_at_most(
    slack: FakeSlack, api: AsyncWebClient
) -> None:
    slack.crowd(LAUNCH, 3_000)
    pages, cursor = 0, ""
    while pages == 0 or cursor:
        page = await api.conversations_members(channel=LAUNCH, limit=1000, cursor=cursor)
        pages, cursor = pages + 1, (page.get("response_metadata") or {}).get("next_cursor", "")

    assert pages == 4


async def test_broadcast_reply_is_in_the_thread_and_in_the_history(
    slack: FakeSlack, api: AsyncWebClient, session: ClientSession
) -> None:
    parent = (await api.chat_postMessage(channel=LAUNCH, text="parent"))["ts"]
    await api.chat_postMessage(channel=LAUNCH, text="quiet", thread_ts=parent)
    reply = await api.chat_postMessage(
        channel=LAUNCH, text="loud", thread_ts=parent, reply_broadcast=True
    )
    await api.chat_update(channel=LAUNCH, ts=reply["ts"], text="louder")

    history = (await api.conversations_history(channel=LAUNCH))["messages"]
    replies = (await api.conversations_replies(channel=LAUNCH, ts=parent))["messages"]
    assert [(m["text"], m.get("subtype")) for m in history] == [
        ("louder", "thread_broadcast"),
        ("parent", None),
    ]
    assert [message["text"] for message in replies] == ["parent", "quiet", "louder"]


async def test_old_reply_is_broadcast_without_new_content_only(
    slack: FakeSlack, api: AsyncWebClient
) -> None:
    parent = (await api.chat_postMessage(channel=LAUNCH, text="parent"))["ts"]
    reply = (await api.chat_postMessage(channel=LAUNCH, text="quiet", thread_ts=parent))["ts"]
    for ts, text, error in (
        (reply, "loud", "no_dual_broadcast_content_update"),
        (parent, None, "cant_broadcast_message"),
    ):
        call = {"channel": LAUNCH, "ts": ts, "text": text, "reply_broadcast": True}
        with pytest.raises(SlackApiError, match=error):
            await api.api_call("chat.update", json=call)

    place = {"channel": LAUNCH, "ts": reply, "reply_broadcast": True}
    await api.api_call("chat.update", json=place)

    history = (await api.conversations_history(channel=LAUNCH))["messages"]
    assert [message["text"] for message in history] == ["quiet", "parent"]
