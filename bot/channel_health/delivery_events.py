"""Slack tells us of our own messages: an early proof that one is there."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Any

from slack_bolt.async_app import AsyncApp, AsyncBoltContext
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import Clock
from bot.db.engine import Database
from bot.metrics import proofs
from bot.outbox import admin_queries
from bot.outbox.queued_message import Place
from bot.outbox.transitions import confirm
from bot.outbox.web_api import METADATA_TYPE
from bot.slack.event_dedup import is_new

#: Makes up for what the message of this key, known to stand now, did without while it was held.
Standing = Callable[[AsyncConnection, str, str, datetime], Awaitable[None]]


def register(app: AsyncApp, db: Database, clock: Clock, stands: Standing) -> None:
    app.event("message_metadata_posted")(partial(on_posted, db, clock, stands))


async def on_posted(
    db: Database,
    clock: Clock,
    stands: Standing,
    body: dict[str, Any],
    context: AsyncBoltContext,
) -> None:
    event = body["event"]
    if event["metadata"].get("event_type") != METADATA_TYPE:
        return
    message_id = (event["metadata"].get("event_payload") or {}).get("id")
    if not isinstance(message_id, str):
        return  # another app's, of the same type
    place = Place(channel=event["channel_id"], ts=event["message_ts"])
    async with db.transaction() as tx:
        workspace_id, now = str(context.team_id), clock.now()
        if not await is_new(tx, workspace_id, body, now):
            return
        held = await admin_queries.held_key(tx, workspace_id, message_id)
        if await confirm(tx, workspace_id, message_id, place, now):
            proofs.labels("reported").inc()
            if held is not None:
                await stands(tx, workspace_id, held, now)
