"""Slack tells us of our own messages: an early proof that one is there."""

from functools import partial
from typing import Any

from slack_bolt.async_app import AsyncApp, AsyncBoltContext

from bot.clock import Clock
from bot.db.engine import Database
from bot.metrics import proofs
from bot.outbox.calls import METADATA_TYPE
from bot.outbox.row import Place
from bot.outbox.steps import confirm
from bot.slack.events import is_new


def register(app: AsyncApp, db: Database, clock: Clock) -> None:
    app.event("message_metadata_posted")(partial(on_posted, db, clock))


async def on_posted(
    db: Database, clock: Clock, body: dict[str, Any], context: AsyncBoltContext
) -> None:
    event = body["event"]
    if event["metadata"].get("event_type") != METADATA_TYPE:
        return
    message_id = event["metadata"]["event_payload"]["id"]
    place = Place(channel=event["channel_id"], ts=event["message_ts"])
    async with db.transaction() as tx:
        workspace_id, now = str(context.team_id), clock.now()
        news = await is_new(tx, workspace_id, body, now)
        if news and await confirm(tx, workspace_id, message_id, place, now):
            proofs.labels("reported").inc()
