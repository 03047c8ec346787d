"""Deduplication of events: Slack may deliver one again, and each is acted on once."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db import schema
from bot.db.upserts import insert_if_new

#: Slack drops events more than two hours late (a day with Delayed Events): older rows can go.
RETENTION = timedelta(days=2)


async def is_new(
    tx: AsyncConnection, workspace_id: str, body: Mapping[str, Any], now: datetime
) -> bool:
    """Return whether this event is new; record it in the transaction of its effect."""
    return await insert_if_new(
        tx,
        schema.events_seen,
        workspace_id=workspace_id,
        event_id=body["event_id"],
        seen_at=now,
    )


async def forget_old(tx: AsyncConnection, now: datetime) -> None:
    await tx.execute(
        delete(schema.events_seen).where(schema.events_seen.c.seen_at < now - RETENTION)
    )
