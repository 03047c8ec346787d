"""Database updates of a message: claim, result of a call, expiry and postponement."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.clock import real_now
from bot.db import schema
from bot.db.engine import Database
from bot.outbox import transitions
from bot.outbox.enqueue import State
from bot.outbox.queued_message import SendResult, SlackLocation
from tests.conftest import MONDAY
from tests.outbox.workspace_rows import LATER, ONE, head, message, write

_messages = schema.messages
PLACE = SlackLocation(channel="C9", ts="9.9")
EARLIER = MONDAY - timedelta(hours=1)


async def row_of(db: Database, key: str) -> Any:
    async with db.reading() as reader:
        return (await reader.execute(select(_messages).where(_messages.c.key == key))).one()


async def change(db: Database, key: str, **values: Any) -> None:
    async with db.transaction() as tx:
        await tx.execute(update(_messages).where(_messages.c.key == key).values(**values))


@pytest.mark.parametrize("first_try_at", [None, EARLIER])
async def test_claim_counts_the_attempt_and_keeps_the_time_of_the_first(
    db: Database, first_try_at: Any
) -> None:
    await write(db, ONE, message("hello", first_try_at=first_try_at, target_key="nothing"))
    async with db.transaction() as tx:
        (claimed,) = await transitions.claim(tx, [await head(tx, "hello")], MONDAY)

    after = await row_of(db, "hello")
    assert (after.state, after.attempts, after.fence) == ("sending", 4, 4)
    assert after.first_try_at == (first_try_at or MONDAY)
    assert after.thread_ts == ""  # attempted outside a thread
    assert (claimed.fence, claimed.payload) == (4, {"text": "hello", "blocks": []})


@pytest.mark.parametrize("state", [state for state in State if state is not State.PENDING])
async def test_only_pending_messages_are_claimed_or_expire(db: Database, state: str) -> None:
    await write(db, ONE, message("hello"))
    async with db.reading() as reader:
        row = await head(reader, "hello")
    await change(db, "hello", state=state)
    before = await row_of(db, "hello")
    async with db.transaction() as tx:
        assert await transitions.claim(tx, [row], MONDAY) == []
        await transitions.expire(tx, row, "too late")

    assert await row_of(db, "hello") == before


async def test_expired_message_is_erased(db: Database) -> None:
    await write(db, ONE, message("hello", picture={"facts": {}}))
    async with db.transaction() as tx:
        await transitions.expire(tx, await head(tx, "hello"), "too late")

    after = await row_of(db, "hello")
    assert (after.state, after.payload, after.picture) == ("expired", None, None)
    assert after.error == "too late"


async def row_after_result(db: Database, *, meanwhile: dict[str, Any], **found: Any) -> Any:
    """The row after a call with this outcome, where `meanwhile` changed during the call."""
    await write(
        db,
        ONE,
        message("hello", picture={"facts": {}}, file_id="F1", error="before", retry_at=real_now()),
    )
    await change(db, "hello", retry_at=None)
    async with db.transaction() as tx:
        (claimed,) = await transitions.claim(tx, [await head(tx, "hello")], MONDAY)
    await change(db, "hello", **{"lookup_attempts": 2, "retry_at": LATER, **meanwhile})
    result = SendResult(row=claimed, **found)
    async with db.transaction() as tx:
        if result.state is State.SENT:
            await transitions.mark_sent(tx, [result], MONDAY)
        else:
            await transitions.store_unsent(tx, [result], MONDAY)
    return await row_of(db, "hello")


@pytest.mark.parametrize(
    ("meanwhile", "state", "erased"),
    [
        ({}, "sent", True),
        ({"state": "unknown"}, "sent", True),
        ({"revision": 1}, "pending", False),  # edited meanwhile, so it is sent again
        ({"state": "held"}, "held", False),
        ({"state": "expired"}, "expired", False),
        ({"state": "pending"}, "pending", False),
        ({"fence": 5}, "sending", False),  # claimed by another sender
    ],
)
async def test_sent_result_is_stored_unless_the_message_changed_meanwhile(
    db: Database, meanwhile: dict[str, Any], state: str, erased: bool
) -> None:
    after = await row_after_result(db, meanwhile=meanwhile, state=State.SENT, location=PLACE)

    assert (after.state, after.payload is None) == (state, erased)
    if erased or "revision" in meanwhile:
        assert (after.channel, after.ts, after.sent_at) == ("C9", "9.9", MONDAY)
        assert (after.error, after.retry_at, after.picture) == (None, None, None)
    else:
        assert (after.channel, after.sent_at) == (None, None)


@pytest.mark.parametrize(
    ("meanwhile", "found", "state"),
    [
        ({}, State.UNKNOWN, "unknown"),
        ({}, State.FAILED, "failed"),
        ({}, State.PENDING, "pending"),
        ({"state": "pending"}, State.FAILED, "failed"),  # given up, or its picture was refused
        ({"revision": 1}, State.FAILED, "pending"),
        ({"revision": 1}, State.UNKNOWN, "unknown"),
        ({"revision": 1}, State.HELD, "held"),
        ({"state": "expired"}, State.PENDING, "expired"),
        ({"state": "held"}, State.PENDING, "held"),
        ({"state": "sent"}, State.UNKNOWN, "sent"),
        ({"fence": 5}, State.FAILED, "sending"),
    ],
)
async def test_unsent_result_is_put_back_unless_the_message_changed_meanwhile(
    db: Database, meanwhile: dict[str, Any], found: State, state: str
) -> None:
    after = await row_after_result(
        db,
        meanwhile=meanwhile,
        state=found,
        reason="why",
        wait_seconds=60,
        attempts_change=-1,
        lookup_attempts_change=1,
    )

    assert after.state == state
    untouched = meanwhile.get("state", "pending") != "pending" or "fence" in meanwhile
    assert (after.attempts, after.lookup_attempts) == ((4, 2) if untouched else (3, 3))
    assert (after.error, after.retry_at) == (
        ("before", LATER) if untouched else ("why", MONDAY + timedelta(seconds=60))
    )
    assert (after.file_id, after.picture) == ("F1", {"facts": {}})


async def test_result_without_a_wait_is_retried_at_once(db: Database) -> None:
    after = await row_after_result(db, meanwhile={}, state=State.PENDING)

    assert (after.retry_at, after.error, after.attempts) == (None, None, 4)


@pytest.mark.parametrize(
    ("found", "file_id", "picture"),
    [
        ({"file_id": "F2"}, "F2", {"facts": {}}),
        ({"drop_picture": True}, None, None),
    ],
)
async def test_picture_result_stores_the_file_or_drops_the_picture(
    db: Database, found: dict[str, Any], file_id: Any, picture: Any
) -> None:
    after = await row_after_result(db, meanwhile={}, state=State.PENDING, **found)

    assert (after.file_id, after.picture) == (file_id, picture)


async def test_postponing_a_message_also_postpones_its_earlier_pending_dependents(
    db: Database,
) -> None:
    much_later = LATER + timedelta(days=1)
    await write(
        db,
        ONE,
        message("a"),
        message("edit:a", operation="update", target_key="a"),
        message("reply", target_key="a", not_before=much_later),
        message("pin:a", operation="pin", target_key="a", state="sent"),
        message("b"),
    )
    async with db.transaction() as tx:
        await transitions.postpone(tx, await head(tx, "a"), LATER)

    keys = ("a", "edit:a", "reply", "pin:a", "b")
    assert [(await row_of(db, key)).not_before for key in keys] == [
        *(LATER, LATER, much_later),
        *(MONDAY, MONDAY),
    ]
