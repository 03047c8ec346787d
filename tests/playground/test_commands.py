"""Slash commands as people type them, and Slack's built-in ones."""

import asyncio
from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp

from bot.playground.server import FakeSlack
from tests.playground.helpers import ANA, BEN, BOT, LAUNCH, PLATFORM, XAVIER

pytestmark = pytest.mark.usefixtures("socket")


@pytest.mark.parametrize(
    ("typed", "received"),
    [
        ("add @Ben", "add <@U0BEN>"),
        ("add @ben okafor, @finn o'brien", "add <@U0BEN>, <@U0FIN>"),
        ("in #launch", "in <#C0LAUNCH|launch>"),
        ("in #secret-plan", "in <#C0SECRET|>"),
        ("<!channel> & <b>", "&lt;!channel&gt; &amp; &lt;b&gt;"),
        ("see https://a.b/c?d=1&e", "see <https://a.b/c?d=1&amp;e>"),
        ("mail ben@northwind or @benny", "mail ben@northwind or @benny"),
        ("picked <@U0BEN> from a menu", "picked <@U0BEN> from a menu"),
        ("<@U0NOBODY>", "&lt;@U0NOBODY&gt;"),
    ],
)
async def test_command_text_is_escaped_as_by_slack(
    slack: FakeSlack, app: AsyncApp, typed: str, received: str
) -> None:
    texts = []

    @app.command("/note")
    async def note(ack: Any, command: dict[str, Any]) -> None:
        texts.append(command["text"])
        await ack()

    await slack.as_user(ANA).command(f"/note {typed}", LAUNCH)

    assert texts == [received]


async def test_without_should_escape_names_stay_plain_text(slack: FakeSlack, app: AsyncApp) -> None:
    @app.command("/plain")
    async def plain(ack: Any, command: dict[str, Any]) -> None:
        await ack(command["text"])

    assert (await slack.as_user(ANA).command("/plain @Ben", LAUNCH)).text == "@Ben"


async def test_command_works_in_a_channel_without_the_app(slack: FakeSlack, app: AsyncApp) -> None:
    @app.command("/note")
    async def note(ack: Any, respond: Any) -> None:
        await respond("by url")
        await ack(response_type="in_channel", text="for all")

    await slack.as_user(ANA).command("/note", PLATFORM)

    assert [message["text"] for message in slack.as_user(ANA).ephemerals(PLATFORM)] == ["by url"]
    seen = [message["text"] for message in slack.as_user(BEN).visible(PLATFORM)]
    assert seen == ["/note", "for all"]


async def test_slack_refuses_unknown_commands_and_external_users(slack: FakeSlack) -> None:
    unknown = await slack.as_user(ANA).command("/nothing", LAUNCH)
    outsider = await slack.as_user(XAVIER).command("/note", "C0PARTN")

    assert (unknown.status, unknown.text) == (0, "/nothing is not a valid command.")
    assert "other organisations" in outsider.text


async def test_invite_command_adds_the_app_to_the_channel(slack: FakeSlack, app: AsyncApp) -> None:
    joined_event = asyncio.Event()

    @app.event("member_joined_channel")
    async def joined(event: dict[str, Any]) -> None:
        assert (event["user"], event["inviter"]) == (BOT, ANA)
        joined_event.set()

    await slack.as_user(ANA).command("/invite @Imbalance", PLATFORM)

    assert joined_event.is_set()
    assert BOT in slack.workspace.conversations[PLATFORM].members
