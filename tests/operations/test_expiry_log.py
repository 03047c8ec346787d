"""However a message expires, the expiry is counted and leaves a reason."""

from collections.abc import Awaitable, Callable

import pytest
from prometheus_client import REGISTRY
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db.engine import Database
from bot.outbox import admin_queries, enqueue, requeue
from bot.outbox.enqueue import State
from bot.outbox.keys import MessageKey
from tests.harness import WORKSPACE
from tests.operations.stuck_messages import add_message, row

KEY = MessageKey("announcement:abc")


def expired_count() -> float:
    labels = {"operation": "post", "outcome": "expired"}
    return REGISTRY.get_sample_value("imbalance_deliveries_total", labels) or 0


async def cancel(tx: AsyncConnection, _id: str) -> None:
    await enqueue.cancel(tx, WORKSPACE, keys=[KEY])


async def mark_deleted(tx: AsyncConnection, _id: str) -> None:
    await requeue.mark_deleted(tx, WORKSPACE, key=KEY, reason="deleted in Slack")


async def drop(tx: AsyncConnection, message_id: str) -> None:
    await admin_queries.drop(tx, WORKSPACE, message_id)


@pytest.mark.parametrize(
    ("expire", "state", "ts", "reason"),
    [
        (cancel, State.PENDING, None, "no longer needed"),
        (mark_deleted, State.SENT, "1763892000.123456", "deleted in Slack"),
        (drop, State.HELD, None, "dropped by a person"),
    ],
)
async def test_each_expiry_is_counted_once_and_keeps_its_reason(
    db: Database,
    expire: Callable[[AsyncConnection, str], Awaitable[None]],
    state: State,
    ts: str | None,
    reason: str,
) -> None:
    message_id = await add_message(db, KEY, state=state, ts=ts)
    before = expired_count()

    for _ in range(2):
        async with db.transaction() as tx:
            await expire(tx, message_id)

    after = await row(db, message_id)
    assert (after.state, after.error) == (State.EXPIRED, reason)
    assert expired_count() == before + 1
