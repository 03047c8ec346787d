"""The Web API call of each operation, and how a message finds the one it refers to."""

from collections.abc import Mapping
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.outbox.enqueue import Operation
from bot.outbox.queued_message import NOWHERE, QueuedMessage, SlackLocation
from bot.slack.content import with_picture
from bot.slack.errors import reason_of

#: Marks our messages in Slack with their opaque id, so that an unknown outcome can be looked up.
METADATA_TYPE = "imbalance_message"

#: Names of the fields in which Slack names an author, and whether it proves who it was: several
#: bots may belong to one app.
_AUTHOR_FIELDS = {"app_id": False, "bot_id": True, "user_id": True}

#: Slack's errors if the work was already done.
_ALREADY = {"already_pinned", "no_pin", "not_pinned", "not_found", "bookmark_not_found"}
_REPEATABLE = {Operation.PIN, Operation.UNPIN, Operation.UNBOOKMARK}


def message_id_in(metadata: Any) -> str | None:
    """Return the id of one of our messages from metadata, which other apps may fill as they like.

    None: it is missing, of another type, or not of our shape.
    """
    if not isinstance(metadata, dict) or metadata.get("event_type") != METADATA_TYPE:
        return None
    payload = metadata.get("event_payload")
    message_id = payload.get("id") if isinstance(payload, dict) else None
    return message_id if isinstance(message_id, str) else None


def is_by(bot: Mapping[str, Any], author: Mapping[str, Any]) -> bool:
    """Return whether Slack names this bot as the author. Nothing that it says may contradict it.

    Another app may copy our metadata, so its id alone proves nothing. Both mappings have `app_id`,
    `bot_id` and `user_id`, as far as they are known.
    """
    compared = [name for name in _AUTHOR_FIELDS if author.get(name) and bot.get(name)]
    is_proven = any(_AUTHOR_FIELDS[name] for name in compared)
    return is_proven and all(author[name] == bot[name] for name in compared)


async def perform(
    client: AsyncWebClient, row: QueuedMessage, target: SlackLocation
) -> SlackLocation:
    """Make the call. `target` is the location of the message edited or pinned.

    Raises:
        SlackApiError: Slack refused.
        aiohttp.ClientError, TimeoutError: no answer; the outcome may be unknown.
    """
    call = _CALLS[row.operation]
    try:
        return await call(client, row, target)
    except SlackApiError as error:
        if row.operation in _REPEATABLE and reason_of(error) in _ALREADY:
            return target
        raise


async def _post(client: AsyncWebClient, row: QueuedMessage, target: SlackLocation) -> SlackLocation:
    answer = await client.chat_postMessage(
        channel=row.conversation,
        text=row.payload["text"],
        blocks=with_picture(row.payload["blocks"], row.file_id),
        thread_ts=row.thread_ts or None,  # as stored by the claim: lookups search there
        reply_broadcast=bool(row.thread_ts and row.payload.get("is_broadcast")) or None,
        metadata={"event_type": METADATA_TYPE, "event_payload": {"id": row.message_id}},
        client_msg_id=row.message_id,  # undocumented: may help if Slack honours it
        unfurl_links=False,
        unfurl_media=False,
        parse="none",
        link_names=False,
    )
    return SlackLocation(channel=answer["channel"], ts=answer["ts"])


async def _update(
    client: AsyncWebClient, row: QueuedMessage, target: SlackLocation
) -> SlackLocation:
    # Never with `reply_broadcast`: Slack refuses that beside new content
    # (`no_dual_broadcast_content_update`), and a broadcast stays one.
    await client.chat_update(
        channel=str(target.channel),
        ts=str(target.ts),
        text=row.payload["text"],
        blocks=with_picture(row.payload["blocks"], target.file_id),
        parse="none",
        link_names=False,
    )
    return target


async def _pin(client: AsyncWebClient, row: QueuedMessage, target: SlackLocation) -> SlackLocation:
    await client.pins_add(channel=str(target.channel), timestamp=target.ts)
    return target


async def _unpin(
    client: AsyncWebClient, row: QueuedMessage, target: SlackLocation
) -> SlackLocation:
    await client.pins_remove(channel=str(target.channel), timestamp=target.ts)
    return target


async def _bookmark(
    client: AsyncWebClient, row: QueuedMessage, target: SlackLocation
) -> SlackLocation:
    channel = str(target.channel)
    permalink = await client.chat_getPermalink(channel=channel, message_ts=str(target.ts))
    link = permalink["permalink"]
    if row.fence > 1:  # an earlier try may have been carried out
        bookmark_id = await _find_bookmark(client, channel, link)
        if bookmark_id:
            return SlackLocation(channel=channel, ts=bookmark_id)
    answer = await client.bookmarks_add(
        channel_id=channel,
        title=row.payload["title"],
        type="link",
        link=link,
        emoji=row.payload["emoji"],
    )
    return SlackLocation(channel=channel, ts=answer["bookmark"]["id"])


async def _find_bookmark(client: AsyncWebClient, channel: str, link: str) -> str | None:
    listed: list[dict[str, Any]] = (await client.bookmarks_list(channel_id=channel))["bookmarks"]
    return next((bookmark["id"] for bookmark in listed if bookmark.get("link") == link), None)


async def _unbookmark(
    client: AsyncWebClient, row: QueuedMessage, target: SlackLocation
) -> SlackLocation:
    await client.bookmarks_remove(channel_id=str(target.channel), bookmark_id=str(target.ts))
    return target


async def _publish(
    client: AsyncWebClient, row: QueuedMessage, target: SlackLocation
) -> SlackLocation:
    await client.views_publish(user_id=row.conversation, view=row.payload)
    return NOWHERE


_CALLS = {
    Operation.POST: _post,
    Operation.UPDATE: _update,
    Operation.PIN: _pin,
    Operation.UNPIN: _unpin,
    Operation.BOOKMARK: _bookmark,
    Operation.UNBOOKMARK: _unbookmark,
    Operation.PUBLISH: _publish,
}
