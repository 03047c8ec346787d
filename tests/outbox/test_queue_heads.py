"""What may go next, whose turn it is, and when: to the very moment."""

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


async def next_ones(db: Database, **how: Any) -> list[QueuedMessage]:
    given = {"now": MONDAY, "real": REAL, "barred": (), "limit": 9, **how}
    async with db.reading() as reader:
        return await heads(reader, ONE, **given)


async def work(db: Database, now: datetime, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether anybody is needed at this time, by both clocks."""

    async def real(_: AsyncConnection) -> datetime:
        return REAL

    monkeypatch.setattr(sender_leases, "real_time", real)
    async with db.reading() as reader:
        return bool(await sender_leases.with_work(reader, now, 9))


@pytest.mark.parametrize(
    ("values", "goes"),
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
async def test_a_message_goes_at_its_very_moment(
    db: Database, values: dict[str, Any], goes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    await write(db, ONE, message("hello", **values))

    assert [row.key for row in await next_ones(db)] == ["hello"] * goes
    assert await work(db, MONDAY, monkeypatch) == goes


async def test_what_is_being_sent_is_not_sent_again_and_holds_up_its_queue_alone(
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

    assert [row.key for row in await next_ones(db)] == ["4", "3"]


async def test_channels_come_first_and_of_each_what_was_decided_first(db: Database) -> None:
    rows = [
        message(key, message_id=key, conversation=conversation)
        for key, conversation in {"1": "U1", "5": "C2", "3": "W1", "4": "C1", "2": "C3"}.items()
    ]
    await write(db, ONE, *reversed(rows))

    assert [row.key for row in await next_ones(db)] == ["2", "4", "5", "1", "3"]
    assert [row.key for row in await next_ones(db, limit=4)] == ["2", "4", "5", "1"]
    assert [row.key for row in await next_ones(db, barred=["post"])] == ["1", "3"]
    assert [row.key for row in await next_ones(db, barred=["direct"])] == ["2", "4", "5"]


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
async def test_which_limit_and_which_queue_a_message_is_of(
    db: Database, values: dict[str, Any], pace: str, queue: str, to_person: bool
) -> None:
    await write(db, ONE, message("hello", **values))

    (row,) = await next_ones(db)
    assert (row.pace, row.queue, row.to_person) == (pace, queue, to_person)


PLACED = {"channel": CHANNEL, "ts": TS, "file_id": "F1"}
THERE = SlackLocation(channel=CHANNEL, ts=TS, file_id="F1")


@pytest.mark.parametrize(
    ("target", "found"),
    [
        (None, [None]),  # never decided, or dropped
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
async def test_what_refers_to_a_message_waits_for_it_or_learns_that_it_never_comes(
    db: Database, target: dict[str, Any] | None, found: list[SlackLocation | None]
) -> None:
    if target is not None:
        await write(db, ONE, message("a", conversation="C2", **target))
    await write(db, ONE, message("edit:a", operation="update", target_key="a", file_id="F2"))

    edits = [row for row in await next_ones(db) if row.key == "edit:a"]
    assert [row.target for row in edits] == found


async def test_what_refers_to_nothing_is_nowhere(db: Database) -> None:
    await write(db, ONE, message("a", picture={"facts": {}}, file_id="F1"), message("b"))

    (row,) = await next_ones(db)
    assert (row.target, row.was_to_wait, row.needs_picture) == (NOWHERE, False, False)


@pytest.mark.parametrize(
    ("lease", "works", "taken"),
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
async def test_a_lease_is_free_or_its_senders_silent(
    db: Database,
    lease: dict[str, Any],
    works: bool,
    taken: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await write(db, ONE, message("hello"))
    async with db.transaction() as tx:
        await tx.execute(update(schema.sender_leases).values(**lease))

    assert await work(db, MONDAY, monkeypatch) == works
    async with db.transaction() as tx:
        assert (await sender_leases.take(tx, ONE, "me", REAL) is not None) == taken
    assert (await the_lease(db)).owner == ("me" if taken else lease.get("owner"))


@pytest.mark.parametrize(
    ("lease", "renewed"),
    [
        ({"owner": "me", "lease_until": REAL - timedelta(days=1)}, True),
        ({"owner": "other"}, False),
        ({"owner": None}, False),
        ({"owner": "me", "halted": "token_revoked"}, False),
    ],
)
async def test_only_who_has_a_lease_renews_it_and_gives_it_back(
    db: Database, lease: dict[str, Any], renewed: bool
) -> None:
    await write(db, ONE)
    async with db.transaction() as tx:
        await tx.execute(update(schema.sender_leases).values(**lease))
        assert (await sender_leases.renew(tx, ONE, "me", REAL) is not None) == renewed
    if renewed:
        assert (await the_lease(db)).lease_until == REAL + timedelta(seconds=15)

    async with db.transaction() as tx:
        await sender_leases.release(tx, ONE, "me", LATER)
    after = await the_lease(db)
    mine = lease["owner"] == "me"
    assert after.owner == (None if mine else lease["owner"])
    assert after.resume_at == (LATER if mine else None)


async def the_lease(db: Database) -> Any:
    async with db.reading() as reader:
        return (await reader.execute(schema.sender_leases.select())).one()


def test_a_lease_outlives_some_renewals_that_fail() -> None:
    assert (
        timedelta(seconds=sender_leases.RENEW_EVERY_SECONDS) * 3
        == sender_leases.LEASE
        == timedelta(seconds=15)
    )


async def test_who_waited_longest_for_slacks_limits_comes_first_after_who_never_did(
    db: Database,
) -> None:
    past = real_now() - timedelta(hours=1)
    for workspace_id, resume_at in (("T3", past), ("T1", past - MOMENT), ("T2", None)):
        await write(db, workspace_id, message("hello"))
        async with db.transaction() as tx:
            mine = schema.sender_leases.c.workspace_id == workspace_id
            await tx.execute(update(schema.sender_leases).where(mine).values(resume_at=resume_at))

    async with db.reading() as reader:
        assert list(await sender_leases.with_work(reader, MONDAY, 9)) == ["T2", "T1", "T3"]


async def test_what_a_dead_sender_left_is_doubted_if_it_may_be_seen_twice(db: Database) -> None:
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


async def test_the_next_message_is_the_first_that_waits_for_its_hour(db: Database) -> None:
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


async def test_messages_are_counted_in_every_state_that_is_no_good_end(db: Database) -> None:
    states = ("pending", "sending", "unknown", "held", "failed")
    for number, state in enumerate((*states, "sent", "expired")):
        for workspace_id in (ONE, TWO)[: number + 1]:
            await write(db, workspace_id, message(state, state=state))

    async with db.reading() as reader:
        counts = await sender_leases.counts(reader)
    assert counts == {"pending": 1, **dict.fromkeys(states[1:], 2)}
