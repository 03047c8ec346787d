"""Builders for blocks and views, a manifest, and listeners for the tests of the fake Slack."""

from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

ANA, BEN, CHIARA, OTTO, GRETA = "U0ANA", "U0BEN", "U0CHI", "U0OLD", "U0GST"
XAVIER, OWNER, BOT = "U0EXT", "U0OWN", "U0IMBAL"
LAUNCH, PLATFORM, SECRET = "C0LAUNCH", "C0PLATF", "C0SECRET"
ARCHIVED, PARTNER = "C0OLDPR", "C0PARTN"

METADATA = {"event_type": "note", "event_payload": {"id": "42"}}

MANIFEST: dict[str, Any] = {
    "features": {
        "app_home": {"home_tab_enabled": True, "messages_tab_enabled": True},
        "slash_commands": [
            {"command": "/note", "usage_hint": "[add | list]", "should_escape": True},
            {"command": "/plain"},
        ],
    },
    "oauth_config": {
        "scopes": {
            "bot": [
                *("chat:write", "im:write", "im:read", "im:history", "users:read", "team:read"),
                *("channels:read", "channels:join", "channels:history", "groups:read"),
                *("groups:history", "pins:write", "pins:read", "bookmarks:read"),
                *("bookmarks:write", "reactions:write", "files:write", "files:read"),
            ]
        }
    },
    "settings": {
        "event_subscriptions": {
            "bot_events": [
                *("app_home_opened", "app_uninstalled", "app_mention", "message.im"),
                *("channel_archive", "channel_rename", "channel_unarchive", "channel_deleted"),
                *("channel_id_changed", "member_joined_channel", "member_left_channel"),
                *("message_metadata_posted", "message_metadata_updated", "team_join"),
                *("message_metadata_deleted", "tokens_revoked", "user_change"),
            ],
            "metadata_subscriptions": [{"app_id": "*", "event_type": "note"}],
        }
    },
}


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text}


def section(text: str = "hello", **more: Any) -> dict[str, Any]:
    return {"type": "section", "text": mrkdwn(text), **more}


def button(action_id: str = "go", **more: Any) -> dict[str, Any]:
    return {"type": "button", "action_id": action_id, "text": plain("Go"), **more}


def actions(*elements: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements), **more}


def option(value: str) -> dict[str, Any]:
    return {"text": plain(f"Option {value}"), "value": value}


def radio(action_id: str = "level", values: str = "12345", **more: Any) -> dict[str, Any]:
    options = [option(value) for value in values]
    return {"type": "radio_buttons", "action_id": action_id, "options": options, **more}


def text_input(action_id: str = "text", **more: Any) -> dict[str, Any]:
    return {"type": "plain_text_input", "action_id": action_id, **more}


def field(block_id: str, element: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "type": "input",
        "block_id": block_id,
        "label": plain("Label"),
        "element": element,
        **more,
    }


def modal(*blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    view = {"type": "modal", "title": plain("Title"), "blocks": list(blocks), "callback_id": "form"}
    if any(block["type"] == "input" for block in blocks):
        view["submit"] = plain("Send")
    return {**view, **more}


def home(*blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "home", "blocks": list(blocks), **more}


def error_name(error: SlackApiError) -> str:
    """The name of the error in Slack's response."""
    return str(error.response["error"])


def open_with_command(app: AsyncApp, view: dict[str, Any]) -> list[dict[str, Any]]:
    """Let /note open this view. Returns a list that collects the opened views."""
    opened: list[dict[str, Any]] = []

    @app.command("/note")
    async def note(ack: Any, body: dict[str, Any], client: AsyncWebClient) -> None:
        answer = await client.views_open(trigger_id=body["trigger_id"], view=view)
        opened.append(answer["view"])
        await ack()

    return opened


def answer_submissions(app: AsyncApp, *answers: dict[str, Any]) -> list[dict[str, Any]]:
    """Answer submissions of "form" in this order. Returns a list that collects the payloads."""
    received: list[dict[str, Any]] = []

    @app.view("form")
    async def submitted(ack: Any, body: dict[str, Any]) -> None:
        received.append(body)
        await ack(**answers[min(len(received), len(answers)) - 1])

    return received
