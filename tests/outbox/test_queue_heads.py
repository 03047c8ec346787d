"""Queue heads and sender leases: what is sent next, by whom, and exactly when."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import real_now
from bot.db import schema
from bot.db.engine import Database
from bot.outbox import sender_leases
from bot.outbox.queue_heads import heads
from bot.outbox.queued_message import NOWHERE, QueuedMessage, SlackLocation
from tests.conftest import MONDAY
from tests.outbox.workspace_rows import CHANNEL, LATER, ONE, PERSON, TS, TWO, message, write

MOMENT = timedelta(microseconds=1)
REAL = datetime.fromisoformat("2026-11-23T10:00:00+00:00")


async def next_heads(db: Database, **overrides: Any) -> list[QueuedMessage]:
    given = {"now": MONDAY, "real": REAL, "barred": (), "limit": 9, **overrides}
    async with db.reading() as reader:
        return await heads(reader, ONE, **given)


async def has_work(db: Database, now: datetime, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether any workspace has messages due at this time, by both clocks."""

    async def real(_: AsyncConnection) -> datetime:
        return REAL

    monkeypatch.setattr(sender_leases, "real_time", real)
    async with db.reading() as reader:
        return bool(await sender_leases.workspaces_with_work(reader, now, 9))


@pytest.mark.parametrize(
    ("values", "is_head"),
    [
        ({}, True),
        ({"not_before": MONDAY + MOMENT}, False),
        ({"retry_at": REAL}, True),
        ({"retry_at": REAL + MOMENT}, False),
        ({"state": "unknown", "retry_at": REAL}, True),
        ({"state": "held"}, False),
        ({"state": "failed"}, False),
        ({"state": "expired"}, False),
        ({"target_key": "nothing"}, True),
    ],
)
async def test_message_becomes_a_queue_head_exactly_when_due(
    db: Database, values: dict[str, Any], is_head: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    await write(db, ONE, message("hello", **values))

    assert [row.key for row in await next_heads(db)] == ["hello"] * is_head
    assert await has_work(db, MONDAY, monkeypatch) == is_head


async def test_message_being_sent_is_no_head_and_blocks_only_its_queue(
    db: Database,
) -> None:
    await write(
        db,
        ONE,
        message("1", state="sending"),
        message("2"),
        message("3", conversation=PERSON),
        message("4", state="unknown", conversation="C2"),
        message("5", conversation="C2"),
    )

    assert [row.key for row in await next_heads(db)] == ["4", "3"]


async def test_channel_messages_precede_direct_messages_each_oldest_first(db: Database) -> None:
    rows = [
        message(key, message_id=key, conversation=conversation)
        for key, conversation in {"1": "U1", "5": "C2", "3": "W1", "4": "C1", "2": "C3"}.items()
    ]
    await write(db, ONE, *reversed(rows))

    assert [row.key for row in await next_heads(db)] == ["2", "4", "5", "1", "3"]
    assert [row.key for row in await next_heads(db, limit=4)] == ["2", "4", "5", "1"]
    assert [row.key for row in await next_heads(db, barred=["post"])] == ["1", "3"]
    assert [row.key for row in await next_heads(db, barred=["direct"])] == ["2", "4", "5"]


@pytest.mark.parametrize(
    ("values", "pace", "queue", "to_person"),
    [
        ({}, "post", "C1", False),
        ({"conversation": "U1"}, "direct", "U1", True),
        ({"conversation": "W1"}, "direct", "W1", True),
        ({"conversation": "W1", "state": "unknown"}, "proof", "W1", True),
        ({"operation": "update", "target_key": "a"}, "update", "hello", False),
        ({"operation": "publish", "conversation": "U1"}, "publish", "hello", True),
        ({"operation": "pin", "target_key": "a"}, "pin", "a", False),
        ({"operation": "unbookmark", "target_key": "a"}, "unbookmark", "a", False),
    ],
)
async def test_rate_limit_and_queue_of_each_kind_of_message(
    db: Database, values: dict[str, Any], pace: str, queue: str, to_person: bool
) -> None:
    await write(db, ONE, message("hello", **values))

    (row,) = await next_heads(db)
    assert (row.rate_limit, row.queue, row.is_direct) == (pace, queue, to_person)


PLACED = {"channel": CHANNEL, "ts": TS, "file_id": "F1"}
THERE = SlackLocation(channel=CHANNEL, ts=TS, file_id="F1")


@pytest.mark.parametrize(
    ("target", "found"),
    [
        (None, [None]),  # never enqueued, or removed
        ({"state": "sent", **PLACED}, [THERE]),
        ({"state": "pending", **PLACED}, [THERE]),  # in Slack, and edited since
        ({"state": "expired"}, [None]),
        ({"state": "failed"}, [None]),
        ({"state": "held"}, [None]),
        ({"state": "pending", "not_before": LATER}, []),
        ({"state": "unknown", "retry_at": LATER}, []),
        ({"state": "sending"}, []),
    ],
)
async def test_edit_waits_for_its_target_or_gets_none_if_it_never_comes(
    db: Database, target: dict[str, Any] | None, found: list[SlackLocation | None]
) -> None:
    if target is not None:
        await write(db, ONE, message("a", conversation="C2", **target))
    await write(db, ONE, message("edit:a", operation="update", target_key="a", file_id="F2"))

    edits = [row for row in await next_heads(db) if row.key == "edit:a"]
    assert [row.target for row in edits] == found


async def test_message_without_a_target_has_no_location_and_no_delay(db: Database) -> None:
    await write(db, ONE, message("a", picture={"facts": {}}, file_id="F1"), message("b"))

    (row,) = await next_heads(db)
    assert (row.target, row.was_scheduled, row.needs_picture) == (NOWHERE, False, False)


@pytest.mark.parametrize(
    ("lease", "has_work_due", "taken"),
    [
        ({"owner": None}, True, True),
        ({"owner": "other", "lease_until": REAL - MOMENT}, True, True),
        ({"owner": "other", "lease_until": REAL}, False, False),
        ({"owner": "me", "lease_until": REAL}, False, False),
        ({"resume_at": REAL}, True, True),
        ({"resume_at": REAL + MOMENT}, False, True),
        ({"halted": "token_revoked"}, False, False),
    ],
)
async def test_lease_is_taken_only_if_free_or_expired_and_not_halted(
    db: Database,
    lease: dict[str, Any],
    has_work_due: bool,
    taken: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await write(db, ONE, message("hello"))
    async with db.transaction() as tx:
        await tx.execute(update(schema.sender_leases).values(**lease))

    assert await has_work(db, MONDAY, monkeypatch) == has_work_due
    async with db.transaction() as tx:
        assert (await sender_leases.take(tx, ONE, "me", REAL) is not None) == taken
    assert (await read_lease(db)).owner == ("me" if taken else lease.get("owner"))


@pytest.mark.parametrize(
    ("lease", "renewed"),
    [
        ({"owner": "me", "lease_until": REAL - timedelta(days=1)}, True),
        ({"owner": "other"}, False),
        ({"owner": None}, False),
        ({"owner": "me", "halted": "token_revoked"}, False),
    ],
)
async def test_only_the_lease_owner_renews_and_releases_it(
    db: Database, lease: dict[str, Any], renewed: bool
) -> None:
    await write(db, ONE)
    async with db.transaction() as tx:
        await tx.execute(update(schema.sender_leases).values(**lease))
        assert (await sender_leases.renew(tx, ONE, "me", REAL) is not None) == renewed
    if renewed:
        assert (await read_lease(db)).lease_until == REAL + timedelta(seconds=15)

    async with db.transaction() as tx:
        await sender_leases.release(tx, ONE, "me", LATER)
    after = await read_lease(db)
    mine = lease["owner"] == "me"
    assert after.owner == (None if mine else lease["owner"])
    assert after.resume_at == (LATER if mine else None)


async def read_lease(db: Database) -> Any:
    async with db.reading() as reader:
        return (await reader.execute(schema.sender_leases.select())).one()


def test_lease_lasts_three_renewal_intervals() -> None:
    assert (
        timedelta(seconds=sender_leases.RENEW_EVERY_SECONDS) * 3
        == sender_leases.LEASE_DURATION
        == timedelta(seconds=15)
    )


async def test_workspaces_never_rate_limited_come_first_then_by_resume_time(
    db: Database,
) -> None:
    past = real_now() - timedelta(hours=1)
    for workspace_id, resume_at in (("T3", past), ("T1", past - MOMENT), ("T2", None)):
        await write(db, workspace_id, message("hello"))
        async with db.transaction() as tx:
            mine = schema.sender_leases.c.workspace_id == workspace_id
            await tx.execute(update(schema.sender_leases).where(mine).values(resume_at=resume_at))

    async with db.reading() as reader:
        assert list(await sender_leases.workspaces_with_work(reader, MONDAY, 9)) == [
            "T2",
            "T1",
            "T3",
        ]


async def test_interrupted_posts_become_unknown_and_interrupted_edits_pending(db: Database) -> None:
    await write(
        db,
        ONE,
        message("post", state="sending"),
        message("edit:a", state="sending", operation="update"),
        message("waits"),
        message("sent", state="sent"),
    )
    async with db.transaction() as tx:
        assert await sender_leases.mark_interrupted_unknown(tx, ONE, REAL) == 1
        rows = (await tx.execute(schema.messages.select())).all()

    assert {row.key: (row.state, row.retry_at) for row in rows} == {
        "post": ("unknown", REAL),
        "edit:a": ("pending", None),
        "waits": ("pending", None),
        "sent": ("sent", None),
    }


async def test_next_due_is_the_earliest_future_pending_message(db: Database) -> None:
    async with db.reading() as reader:
        assert await sender_leases.next_due(reader, MONDAY) is None
    first, second = MONDAY + timedelta(hours=1), MONDAY + timedelta(hours=2)
    sent = message("sent", state="sent", not_before=MONDAY + MOMENT)
    await write(db, TWO, message("now"), message("second", not_before=second), sent)
    await write(db, ONE, message("first", not_before=first))

    async with db.reading() as reader:
        assert await sender_leases.next_due(reader, MONDAY) == first
        assert await sender_leases.next_due(reader, first) == second
        assert await sender_leases.next_due(reader, second) is None


async def test_counts_cover_every_state_except_sent_and_expired(db: Database) -> None:
    states = ("pending", "sending", "unknown", "held", "failed")
    for number, state in enumerate((*states, "sent", "expired")):
        for workspace_id in (ONE, TWO)[: number + 1]:
            await write(db, workspace_id, message(state, state=state))

    async with db.reading() as reader:
        counts = await sender_leases.message_counts(reader)
    assert counts == {"pending": 1, **dict.fromkeys(states[1:], 2)}
