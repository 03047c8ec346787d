"""Slack's events about the bot's own messages: early proof of delivery."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from slack_bolt.async_app import AsyncApp, AsyncBoltContext

from bot.channel_health import late_deliveries
from bot.metrics import delivery_lookups
from bot.outbox import admin_queries
from bot.outbox.delivery_log import REPORTED
from bot.outbox.enqueue import State
from bot.outbox.queued_message import SlackLocation
from bot.outbox.transitions import confirm
from bot.outbox.web_api import is_by, message_id_in
from bot.services import Services
from bot.slack.ids import can_contain


def register(app: AsyncApp, services: Services) -> None:
    app.event("message_metadata_posted")(partial(on_message_posted, services))


async def on_message_posted(
    services: Services, body: dict[str, Any], context: AsyncBoltContext
) -> None:
    """Confirm a message that Slack reports as posted. A repeated event changes nothing.

    Other apps' metadata of the same type arrives, too, in whatever shape they gave it.
    """
    event = body["event"]
    message_id = message_id_in(event.get("metadata"))
    if message_id is None or not is_by(_this_bot(body, context), event):
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
                await late_deliveries.follow_up(tx, workspace_id, message.key, now)


def _this_bot(body: Mapping[str, Any], context: AsyncBoltContext) -> dict[str, Any]:
    return {
        "app_id": body.get("api_app_id"),
        "bot_id": context.bot_id,
        "user_id": context.bot_user_id,
    }
