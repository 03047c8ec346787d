"""Buttons and menus in messages, modals and the App Home."""

from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.server import FakeSlack
from tests.playground.helpers import (
    ANA,
    BEN,
    LAUNCH,
    actions,
    button,
    field,
    home,
    modal,
    open_with_command,
    option,
    radio,
    section,
    text_input,
)

pytestmark = pytest.mark.usefixtures("socket")


async def test_button_click_sends_the_whole_state(
    slack: FakeSlack, app: AsyncApp, api: AsyncWebClient
) -> None:
    received: list[dict[str, Any]] = []

    @app.action("send")
    async def sent(ack: Any, body: dict[str, Any]) -> None:
        received.append(body)
        await ack()

    blocks = [
        field("q1", radio("level")),
        field("q2", radio("level")),
        field("q3", radio("level")),
        field("words", text_input("words", multiline=True), optional=True),
        actions(button("send", value="7")),
    ]
    await api.chat_postMessage(channel=BEN, text="three questions", blocks=blocks)
    ben = slack.as_user(BEN)
    await ben.click("send", values={"q1": {"level": "4"}, "q3": {"level": "5"}, "words": "fine"})

    (body,) = received
    values = body["state"]["values"]
    assert values["q1"]["level"]["selected_option"]["value"] == "4"
    assert values["q3"]["level"]["selected_option"]["value"] == "5"
    assert values["q2"]["level"] == {"type": "radio_buttons", "selected_option": None}
    assert values["words"]["words"]["value"] == "fine"
    assert body["actions"][0]["value"] == "7"
    assert (body["user"]["id"], body["container"]["is_ephemeral"]) == (BEN, False)
    assert body["message"]["ts"] == body["container"]["message_ts"]
    assert body["response_url"].startswith(slack.url)


async def test_menus_send_the_selected_option(
    slack: FakeSlack, app: AsyncApp, api: AsyncWebClient
) -> None:
    chosen = []

    @app.action("pick")
    async def picked(ack: Any, action: dict[str, Any]) -> None:
        chosen.append(action["selected_option"]["value"])
        await ack()

    select = {"type": "static_select", "action_id": "pick", "options": [option("a"), option("b")]}
    overflow = {"type": "overflow", "action_id": "pick", "options": [option("c")]}
    await api.chat_postMessage(channel=LAUNCH, text="x", blocks=[section(accessory=select)])
    await slack.as_user(ANA).click("pick", value="b")
    await api.chat_postMessage(channel=LAUNCH, text="x", blocks=[section(accessory=overflow)])
    await slack.as_user(ANA).click("pick", value="Option c")
    with pytest.raises(LookupError, match="there is: c"):
        await slack.as_user(ANA).click("pick", value="d")

    assert chosen == ["b", "c"]


async def test_click_on_a_missing_button_lists_the_existing_ones(
    slack: FakeSlack, api: AsyncWebClient
) -> None:
    await api.chat_postMessage(channel=LAUNCH, text="x", blocks=[actions(button("real"))])
    with pytest.raises(LookupError, match="real"):
        await slack.as_user(ANA).click("imagined")


async def test_button_in_a_modal_can_push_another_modal(
    slack: FakeSlack, app: AsyncApp, api: AsyncWebClient
) -> None:
    open_with_command(app, modal(actions(button("more"))))
    kinds = []

    @app.action("more")
    async def more(ack: Any, body: dict[str, Any], client: AsyncWebClient) -> None:
        kinds.append((body["container"]["type"], "response_url" in body))
        await client.views_push(trigger_id=body["trigger_id"], view=modal(section("deeper")))
        await ack()

    await slack.as_user(ANA).command("/note", LAUNCH)
    await slack.as_user(ANA).click("more")

    root, top = slack.workspace.stack_of(ANA)
    assert kinds == [("view", False)]
    assert (top.previous_id, top.root_id) == (root.id, root.id)


async def test_home_tab_opens_and_keeps_its_state(
    slack: FakeSlack, app: AsyncApp, api: AsyncWebClient
) -> None:
    opened = []

    @app.event("app_home_opened")
    async def at_home(event: dict[str, Any], client: AsyncWebClient) -> None:
        opened.append("view" in event)
        await client.views_publish(
            user_id=event["user"], view=home(field("q", radio()), actions(button("send")))
        )

    values = []

    @app.action("send")
    async def sent(ack: Any, body: dict[str, Any]) -> None:
        values.append(body["view"]["state"]["values"]["q"]["level"]["selected_option"]["value"])
        await ack()

    ana = slack.as_user(ANA)
    shown = await ana.open_home()
    await ana.click("send", values={"level": "2"})
    await ana.open_home()

    assert shown is not None
    assert (opened, values) == ([False, True], ["2"])
    assert ana.home is not None
    assert ana.home["state"]["values"]["q"]["level"]["selected_option"]["value"] == "2"
