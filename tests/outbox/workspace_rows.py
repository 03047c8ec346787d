"""Message rows for two workspaces that share every channel, user, key and message id."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Table, insert, select

from bot.clock import real_now
from bot.db import schema
from bot.db.engine import Database
from bot.outbox.enqueue import State
from bot.outbox.queue_heads import heads
from bot.outbox.queued_message import QueuedMessage
from tests.conftest import MONDAY

ONE, TWO = "T1", "T2"
CHANNEL, PERSON = "C1", "U1"
TS = "1795424400.000100"
LATER = MONDAY + timedelta(hours=5)


def message(key: str, **values: Any) -> dict[str, Any]:
    """The columns of a message that is due; its id is derived from its key."""
    return {
        "workspace_id": ONE,
        "message_id": f"id-{key}",
        "key": key,
        "operation": "post",
        "conversation": CHANNEL,
        "target_key": None,
        "payload": {"text": key, "blocks": []},
        "state": "pending",
        "not_before": MONDAY,
        "created_at": MONDAY,
        "attempts": 3,
        "fence": 3,
        "retry_at": None,
        "error": None,
        "first_try_at": None,
        "channel": None,
        "ts": None,
        "sent_at": None,
        **values,
    }


def messages_in_every_state() -> list[dict[str, Any]]:
    """One message in each state, and messages that target them."""
    placed = {"channel": CHANNEL, "ts": TS, "sent_at": MONDAY, "payload": None}
    states = [
        message(
            state,
            state=state,
            error="not_in_channel" if state is State.FAILED else None,
            **(placed if state is State.SENT else {}),
        )
        for state in State
    ]
    return [
        *states,
        message("later", conversation=PERSON, not_before=LATER),
        message(f"home:{PERSON}", operation="publish", conversation=PERSON),
        message("edit:sent", operation="update", target_key="sent"),
        message("pin:sent", operation="pin", target_key="sent", **{**placed, "state": "sent"}),
        message("reply", target_key="sent", conversation="C2"),
    ]


async def write(db: Database, workspace_id: str, *rows: Mapping[str, Any]) -> None:
    """Insert these messages into a workspace, and its lease if it has none."""
    async with db.transaction() as tx:
        here = schema.sender_leases.c.workspace_id == workspace_id
        if await tx.scalar(select(schema.sender_leases.c.workspace_id).where(here)) is None:
            await tx.execute(insert(schema.sender_leases).values(workspace_id=workspace_id))
        for row in rows:
            await tx.execute(insert(schema.messages).values({**row, "workspace_id": workspace_id}))


async def rows_of(db: Database, workspace_id: str) -> list[Any]:
    """All lease and message rows of a workspace."""
    async with db.reading() as reader:
        return [
            row
            for table in (schema.sender_leases, schema.messages)
            for row in (await reader.execute(_rows_query(table, workspace_id))).mappings()
        ]


def _rows_query(table: Table, workspace_id: str) -> Any:
    mine = select(table).where(table.c.workspace_id == workspace_id)
    return mine.order_by(table.c.key) if "key" in table.c else mine


async def head(tx: Any, key: str, now: datetime = MONDAY) -> QueuedMessage:
    """The queue head with this key in the first workspace."""
    found = await heads(tx, ONE, now=now, real=real_now(), barred=(), limit=100)
    return next(row for row in found if row.key == key)
