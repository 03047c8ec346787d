"""What people and Slack saw of the bot, for stories about refusals."""

from typing import Any

from sqlalchemy import select

from bot.db import schema
from tests.harness import ANA, LAUNCH, BotHarness


def told(harness: BotHarness, user_id: str = ANA) -> list[str]:
    """The first lines of what this person was told in private, oldest first."""
    return [message["text"] for message in harness.slack.as_user(user_id).dm_with_bot()]


def said(harness: BotHarness, user_id: str, starts: str) -> dict[str, Any]:
    """The one direct message to this person whose first line has these words."""
    (found,) = [m for m in harness.slack.as_user(user_id).dm_with_bot() if starts in m["text"]]
    return found


def calls(harness: BotHarness, *methods: str, channel: str = LAUNCH) -> int:
    """How often Slack was asked to do something in a channel."""
    return sum(
        call.method in methods
        and channel in (call.args.get("channel"), call.args.get("channel_id"))
        for call in harness.slack.calls
    )


async def phase(harness: BotHarness) -> Any:
    async with harness.bot.db.reading() as reader:
        return (await reader.execute(select(schema.phases))).one()


def in_channel(harness: BotHarness, channel_id: str = LAUNCH) -> list[str]:
    return [message["text"] for message in harness.slack.as_user(ANA).visible(channel_id)]


async def press(harness: BotHarness, user_id: str, button: str, message: dict[str, Any]) -> None:
    """Press a button in a direct message."""
    me = harness.slack.as_user(user_id)
    assert me.direct_message is not None
    await me.click(button, channel=me.direct_message.id, ts=message["ts"])
    await harness.settle()


def posts_to(harness: BotHarness, user_id: str) -> int:
    return calls(harness, "chat.postMessage", channel=user_id)


async def failed(harness: BotHarness) -> list[tuple[str, str]]:
    """The messages that Slack never took, by the first word of their key, and why."""
    messages = schema.messages
    async with harness.bot.db.reading() as reader:
        rows = await reader.execute(
            select(messages.c.key, messages.c.error).where(messages.c.state == "failed")
        )
    return sorted({(row.key.split(":")[0], row.error) for row in rows})
