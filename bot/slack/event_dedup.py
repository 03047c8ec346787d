"""Deduplication of what Slack may deliver, or a person may press, again; it is acted on once."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db import schema
from bot.db.tenancy import across_workspaces
from bot.db.upserts import insert_if_new
from bot.slack.request import Request

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


async def is_first_press(tx: AsyncConnection, request: Request, now: datetime) -> bool:
    """Return whether a button of this message is pressed for the first time; record that."""
    row = {"workspace_id": request.workspace_id, "event_id": _press_id(request)}
    return await insert_if_new(tx, schema.events_seen, **row, seen_at=now)


async def forget_press(tx: AsyncConnection, request: Request) -> None:
    """Let the button be pressed again, because the first press had no effect."""
    seen = schema.events_seen
    await tx.execute(
        delete(seen).where(
            seen.c.workspace_id == request.workspace_id, seen.c.event_id == _press_id(request)
        )
    )


def _press_id(request: Request) -> str:
    return f"press:{':'.join(request.message or ())}"


async def last_event_at(tx: AsyncConnection) -> datetime | None:
    """Return when the last event was acted on, in any workspace; None: none is remembered."""
    latest = select(func.max(schema.events_seen.c.seen_at))
    last: datetime | None = await tx.scalar(
        across_workspaces(latest, "Slack's events reach the bot, or none does")
    )
    return last


async def forget_old(tx: AsyncConnection, now: datetime) -> None:
    await tx.execute(
        across_workspaces(
            delete(schema.events_seen).where(schema.events_seen.c.seen_at < now - RETENTION),
            "old events of every workspace are forgotten",
        )
    )
