"""Lookup of messages of unknown outcome: looked up in Slack before they are sent again."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.outbox.queued_message import NOWHERE, QueuedMessage, SlackLocation
from bot.outbox.web_api import is_by, message_id_in
from bot.slack.errors import ErrorKind, classify, reason_of

#: Clocks differ: look from well before the first try. We cannot correct a larger difference.
SKEW = timedelta(hours=1)
PAGE = 15  # what every kind of app may read at once
LATER_PAGE = 200  # only apps that may read more than one page a minute get this far
#: About 4,000 messages: a conversation with more since then is not read to the end.
MAX_PAGES = 20


class LookupResult(StrEnum):
    """Reasons why a lookup found no message."""

    ABSENT = "absent"  # read completely, and the message is not there
    INCONCLUSIVE = "no_proof"  # Slack does not allow the lookup, or there is too much to read


async def look_up(client: AsyncWebClient, row: QueuedMessage) -> SlackLocation | LookupResult:
    """Look for the message by its id in the conversation's history, or in its thread.

    Raises:
        SlackApiError, aiohttp.ClientError, TimeoutError: could not look now; look again later.
    """
    try:
        channel = await _channel_of(client, row)
        return await _look(client, row, channel)
    except SlackApiError as error:
        if reason_of(error) == "thread_not_found":  # with our reply in it, it would exist
            return LookupResult.ABSENT
        if classify(error).kind is ErrorKind.PERMANENT:
            return LookupResult.INCONCLUSIVE
        raise


async def _channel_of(client: AsyncWebClient, row: QueuedMessage) -> str:
    if not row.is_direct:
        return row.conversation
    opened = await client.conversations_open(users=row.conversation)
    return str(opened["channel"]["id"])


def _thread_of(row: QueuedMessage) -> str | None:
    """Return the thread of the last try: its parent may since have been deleted, or reposted."""
    return (row.target or NOWHERE).ts if row.thread_ts is None else row.thread_ts


async def _look(
    client: AsyncWebClient, row: QueuedMessage, channel: str
) -> SlackLocation | LookupResult:
    oldest = f"{(row.first_try_at - SKEW).timestamp():.6f}" if row.first_try_at else "0"
    arguments: dict[str, Any] = {
        "channel": channel,
        "oldest": oldest,
        "inclusive": True,
        "include_all_metadata": True,
    }
    read: Callable[..., Awaitable[Any]] = client.conversations_history
    if thread_ts := _thread_of(row):
        read, arguments = client.conversations_replies, {**arguments, "ts": thread_ts}
    cursor = ""
    for number in range(MAX_PAGES):
        page = await read(**arguments, cursor=cursor, limit=LATER_PAGE if number else PAGE)
        for message in page["messages"]:
            is_claimed = message_id_in(message.get("metadata")) == row.message_id
            if is_claimed and await _is_ours(client, message):
                return SlackLocation(channel=channel, ts=message["ts"])
        cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
        if not cursor:
            return LookupResult.ABSENT
    return LookupResult.INCONCLUSIVE


async def _is_ours(client: AsyncWebClient, message: Mapping[str, Any]) -> bool:
    """Return whether this bot wrote the message: any app can give its own the same metadata.

    Slack names every author; servers that do not are taken at their word.
    """
    author = {name: message.get(name) for name in ("app_id", "bot_id", "user")}
    if not any(author.values()):
        return True
    identity = (await client.auth_test()).data
    assert isinstance(identity, dict)
    return is_by(identity, {**author, "user_id": author["user"]})
