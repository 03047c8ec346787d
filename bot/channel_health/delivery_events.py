"""Slack's events about the bot's own messages: early proof that one was delivered."""

from functools import partial
from typing import Any

from slack_bolt.async_app import AsyncApp, AsyncBoltContext

from bot.channel_health import restore_announcement
from bot.metrics import proofs
from bot.outbox import admin_queries
from bot.outbox.queued_message import Place
from bot.outbox.transitions import confirm
from bot.outbox.web_api import METADATA_TYPE
from bot.services import Services
from bot.slack.event_dedup import is_new


def register(app: AsyncApp, services: Services) -> None:
    app.event("message_metadata_posted")(partial(on_posted, services))


async def on_posted(services: Services, body: dict[str, Any], context: AsyncBoltContext) -> None:
    event = body["event"]
    if event["metadata"].get("event_type") != METADATA_TYPE:
        return
    message_id = (event["metadata"].get("event_payload") or {}).get("id")
    if not isinstance(message_id, str):
        return  # another app's, of the same type
    place = Place(channel=event["channel_id"], ts=event["message_ts"])
    async with services.db.transaction() as tx:
        workspace_id, now = str(context.team_id), services.clock.now()
        if not await is_new(tx, workspace_id, body, now):
            return
        held = await admin_queries.held_key(tx, workspace_id, message_id)
        if await confirm(tx, workspace_id, message_id, place, now):
            proofs.labels("reported").inc()
            if held is not None:
                await restore_announcement.stands(tx, workspace_id, held, now)
