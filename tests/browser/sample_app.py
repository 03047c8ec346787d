"""A small app that shows everything the page can draw, and records what it receives."""

from typing import Any

from slack_bolt.async_app import AsyncApp

from tests.browser.sample_blocks import (
    ASK_SEND,
    FORM,
    HOME_ADD,
    SECOND,
    form,
    gallery,
    home,
    questions,
    second,
    section,
)

COMMAND = "/sample"
MANIFEST: dict[str, Any] = {
    "features": {
        "app_home": {
            "home_tab_enabled": True,
            "messages_tab_enabled": True,
            "messages_tab_read_only_enabled": True,
        },
        "slash_commands": [
            {
                "command": COMMAND,
                "description": "Try what the page can draw",
                "usage_hint": "[form | whisper | gallery | thread | ask | slow]",
                "should_escape": True,
            }
        ],
    },
    "oauth_config": {
        "scopes": {
            "bot": ["chat:write", "im:write", "pins:write", "bookmarks:write", "files:write"]
        }
    },
    "settings": {"event_subscriptions": {"bot_events": ["app_home_opened"]}},
}


class SampleApp:
    """The listeners; `received` has an entry for each payload."""

    def __init__(self, app: AsyncApp) -> None:
        self.received: list[Any] = []
        self.app = app
        self.rows = 0
        self.pressed = 0
        app.command(COMMAND)(self.command)
        app.view(FORM)(self.first_page)
        app.view(SECOND)(self.second_page)
        app.view_closed(FORM)(self.closed)
        app.action("add_row")(self.add_row)
        app.action(HOME_ADD)(self.add_to_home)
        app.action(ASK_SEND)(self.answered)
        app.event("app_home_opened")(self.home_opened)
        app.action({"block_id": "press"})(self.used)
        for name in ("over", "pick", "picks", "channel", "conversation", "day", "boxes", "moment"):
            app.action(name)(self.used)

    async def command(self, ack: Any, command: Any, client: Any) -> None:
        word = command["text"].partition(" ")[0]
        if word == "slow":
            return
        if word == "whisper":
            await ack(text="Only for you.")
            return
        await ack()
        if word == "form":
            await client.views_open(trigger_id=command["trigger_id"], view=form())
        elif word == "gallery":
            await client.chat_postMessage(
                channel=command["channel_id"], text="Gallery", blocks=gallery()
            )
        elif word == "thread":
            await self.announce(command, client)
        elif word == "ask":
            await client.chat_postMessage(
                channel=command["user_id"], text="Three questions", blocks=questions()
            )

    async def announce(self, command: Any, client: Any) -> None:
        channel = command["channel_id"]
        posted = await client.chat_postMessage(channel=channel, text="An announcement.")
        await client.pins_add(channel=channel, timestamp=posted["ts"])
        link = await client.chat_getPermalink(channel=channel, message_ts=posted["ts"])
        await client.bookmarks_add(
            channel_id=channel,
            type="link",
            title="The announcement",
            link=link["permalink"],
            emoji=":checkered_flag:",
        )
        await client.chat_postMessage(channel=channel, text="The results.", thread_ts=posted["ts"])

    async def first_page(self, ack: Any, view: Any) -> None:
        values = view["state"]["values"]
        self.received.append(("form", values))
        if "beta" not in values["what"]["value"]["value"]:
            await ack(response_action="errors", errors={"what": "Say which beta it is."})
            return
        await ack(response_action="push", view=second())

    async def second_page(self, ack: Any, view: Any) -> None:
        self.received.append(("second", view["state"]["values"]))
        await ack(response_action="clear")

    async def closed(self, ack: Any, body: Any) -> None:
        self.received.append(("closed", body["is_cleared"]))
        await ack()

    async def add_row(self, ack: Any, body: Any, client: Any) -> None:
        await ack()
        self.rows += 1
        await client.views_update(view_id=body["view"]["id"], view=form("Longer now.", self.rows))

    async def home_opened(self, event: Any, client: Any) -> None:
        await client.views_publish(user_id=event["user"], view=home(self.pressed))

    async def add_to_home(self, ack: Any, body: Any, client: Any) -> None:
        await ack()
        self.pressed += 1
        self.received.append(("home", body["view"]["state"]["values"]))
        await client.views_publish(user_id=body["user"]["id"], view=home(self.pressed))

    async def answered(self, ack: Any, body: Any, respond: Any) -> None:
        self.received.append(("ask", body["state"]["values"]))
        await ack()
        await respond(replace_original=True, text="Received.", blocks=[section("Received.")])

    async def used(self, ack: Any, action: Any) -> None:
        self.received.append((action["action_id"], action))
        await ack()
