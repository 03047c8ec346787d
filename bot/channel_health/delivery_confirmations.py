"""Slack's events about the bot's own messages: early proof of delivery."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from slack_bolt.async_app import AsyncApp, AsyncBoltContext

from bot.channel_health import restore_announcement
from bot.metrics import delivery_lookups
from bot.outbox import admin_queries
from bot.outbox.delivery_log import REPORTED
from bot.outbox.enqueue import State
from bot.outbox.queued_message import SlackLocation
from bot.outbox.transitions import confirm
from bot.outbox.web_api import METADATA_TYPE
from bot.services import Services
from bot.slack.ids import can_contain


def register(app: AsyncApp, services: Services) -> None:
    app.event("message_metadata_posted")(partial(on_message_posted, services))


async def on_message_posted(
    services: Services, body: dict[str, Any], context: AsyncBoltContext
) -> None:
    """Confirm a message that Slack reports as posted. A repeated event changes nothing."""
    event = body["event"]
    message_id = (event["metadata"].get("event_payload") or {}).get("id")
    if not isinstance(message_id, str) or not _is_ours(event, context):
        return
    workspace_id, now = str(context.team_id), services.clock.now()
    location = SlackLocation(channel=event["channel_id"], ts=event["message_ts"])
    async with services.db.transaction() as tx:
        message = await admin_queries.unconfirmed(tx, workspace_id, message_id)
        if message is None or not can_contain(event["channel_id"], message.conversation):
            return
        if await confirm(tx, workspace_id, message_id, location, now):
            delivery_lookups.labels(REPORTED).inc()
            if message.state is State.HELD:
                await restore_announcement.restore_announcement(tx, workspace_id, message.key, now)


def _is_ours(event: Mapping[str, Any], context: AsyncBoltContext) -> bool:
    """Return whether this bot posted it; other apps' metadata of the same type may arrive, too."""
    if event["metadata"].get("event_type") != METADATA_TYPE:
        return False
    by_user = event.get("user_id") is not None and event["user_id"] == context.bot_user_id
    return by_user or (event.get("bot_id") is not None and event["bot_id"] == context.bot_id)
