"""Channels as the bot sees them in Slack, and their members. Never used inside a transaction."""

from dataclasses import dataclass

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.throttled_reads import ThrottledReads

#: Slack's maximum: somebody may be waiting, and each page takes a tenth of a second or more.
PAGE_SIZE = 999


@dataclass(frozen=True, kw_only=True)
class Channel:
    """Slack's description of one conversation, as the bot sees it."""

    channel_id: str
    name: str
    is_member: bool  # whether the bot is
    is_private: bool
    is_archived: bool
    is_shared: bool  # with another organisation
    is_direct: bool = False  # a direct message, or one of a group


#: Scopes that the bot does not ask for: it has nothing to do in direct messages of others.
_DIRECT_SCOPES = {"im:read", "mpim:read"}


class TooManyMembers(Exception):
    """Raised if a channel has more people than can be read while somebody waits."""


async def fetch_member_ids(
    reads: ThrottledReads,
    client: AsyncWebClient,
    workspace_id: str,
    channel_id: str,
    *,
    at_most: int | None = None,
) -> list[str]:
    """Return the ids of everyone in a channel, in Slack's order, over all pages.

    Raises:
        TooManyMembers: there are more than `at_most`.
        SlackApiError: the bot may not see the channel, or Slack cannot be asked now.
    """
    ids: list[str] = []
    cursor = ""
    while True:
        page = await reads.read(
            workspace_id,
            client.conversations_members,
            channel=channel_id,
            limit=PAGE_SIZE,
            cursor=cursor,
        )
        ids.extend(page["members"])
        cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
        if not cursor:
            return ids
        if at_most is not None and len(ids) >= at_most:
            raise TooManyMembers


async def is_in_channel(
    reads: ThrottledReads,
    client: AsyncWebClient,
    workspace_id: str,
    user_id: str,
    channel_id: str,
) -> bool:
    """Return whether a person is in a channel, as far as Slack tells the bot.

    It tells of public channels, and of private ones that the bot is in as well.

    Raises:
        SlackApiError: Slack cannot be asked now.
    """
    cursor = ""
    while True:
        page = await reads.read(
            workspace_id,
            client.users_conversations,
            user=user_id,
            types="public_channel,private_channel",
            limit=PAGE_SIZE,
            cursor=cursor,
        )
        if any(channel["id"] == channel_id for channel in page["channels"]):
            return True
        cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
        if not cursor:
            return False


async def fetch_channel(
    reads: ThrottledReads, client: AsyncWebClient, workspace_id: str, channel_id: str
) -> Channel | None:
    """Return the channel, or None if the bot may not see it (private, or gone).

    Raises:
        SlackApiError: Slack cannot be asked now.
    """
    try:
        answer = await reads.read(workspace_id, client.conversations_info, channel=channel_id)
    except SlackApiError as error:
        if error.response.get("error") == "channel_not_found":
            return None
        if is_of_direct_message(error):
            return _direct_message(channel_id)
        raise
    info = answer["channel"]
    return Channel(
        channel_id=info["id"],
        name=info.get("name") or info["id"],
        is_member=bool(info.get("is_member")),
        is_private=bool(info.get("is_private")),
        is_archived=bool(info.get("is_archived")),
        is_shared=bool(info.get("is_ext_shared") or info.get("is_pending_ext_shared")),
        is_direct=bool(info.get("is_im") or info.get("is_mpim")),
    )


def is_of_direct_message(error: SlackApiError) -> bool:
    """Return whether Slack refused because the conversation is a direct message, or one of a group.

    Only the missing scope tells: a group's id looks like that of a channel.
    """
    needed = str(error.response.get("needed") or "").split(",")
    return error.response.get("error") == "missing_scope" and not _DIRECT_SCOPES.isdisjoint(needed)


def _direct_message(channel_id: str) -> Channel:
    return Channel(
        channel_id=channel_id,
        name=channel_id,
        is_member=False,
        is_private=True,
        is_archived=False,
        is_shared=False,
        is_direct=True,
    )
