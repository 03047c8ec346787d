"""Messages and calls of the bot as seen in the fake Slack."""

from typing import Any

from sqlalchemy import select

from bot.db import schema
from tests.harness import ANA, LAUNCH, BotHarness


def dm_texts(harness: BotHarness, user_id: str = ANA) -> list[str]:
    """Return the texts of the bot's direct messages to this person, oldest first."""
    return [message["text"] for message in harness.slack.as_user(user_id).dm_with_bot()]


def dm_containing(harness: BotHarness, user_id: str, phrase: str) -> dict[str, Any]:
    """Return the only direct message to this person whose text contains the phrase."""
    (found,) = [m for m in harness.slack.as_user(user_id).dm_with_bot() if phrase in m["text"]]
    return found


def call_count(harness: BotHarness, *methods: str, channel: str = LAUNCH) -> int:
    """Return the number of calls of these methods for a channel."""
    return sum(
        call.method in methods
        and channel in (call.args.get("channel"), call.args.get("channel_id"))
        for call in harness.slack.calls
    )


async def phase(harness: BotHarness) -> Any:
    async with harness.bot.db.reading() as reader:
        return (await reader.execute(select(schema.phases))).one()


def channel_texts(harness: BotHarness, channel_id: str = LAUNCH) -> list[str]:
    return [message["text"] for message in harness.slack.as_user(ANA).visible(channel_id)]


async def press(harness: BotHarness, user_id: str, button: str, message: dict[str, Any]) -> None:
    """Press a button in a direct message to this person."""
    user = harness.slack.as_user(user_id)
    assert user.direct_message is not None
    await user.click(button, channel=user.direct_message.id, ts=message["ts"])
    await harness.settle()


def posts_to(harness: BotHarness, user_id: str) -> int:
    return call_count(harness, "chat.postMessage", channel=user_id)


async def failed_messages(harness: BotHarness) -> list[tuple[str, str]]:
    """Return the failed messages: the kind in each key, and the error."""
    messages = schema.messages
    async with harness.bot.db.reading() as reader:
        rows = await reader.execute(
            select(messages.c.key, messages.c.error).where(messages.c.state == "failed")
        )
    return sorted({(row.key.split(":")[0], row.error) for row in rows})
