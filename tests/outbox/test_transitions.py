"""What is written of a message on its way: by its claim, its call, and what put it off."""

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
async def test_a_claim_counts_the_try_and_keeps_when_the_first_one_was(
    db: Database, first_try_at: Any
) -> None:
    await write(db, ONE, message("hello", first_try_at=first_try_at, target_key="nothing"))
    async with db.transaction() as tx:
        (claimed,) = await transitions.claim(tx, [await head(tx, "hello")], MONDAY)

    after = await row_of(db, "hello")
    assert (after.state, after.attempts, after.fence) == ("sending", 4, 4)
    assert after.first_try_at == (first_try_at or MONDAY)
    assert after.thread_ts == ""  # tried in no thread
    assert (claimed.fence, claimed.payload) == (4, {"text": "hello", "blocks": []})


@pytest.mark.parametrize("state", [state for state in State if state is not State.PENDING])
async def test_only_what_waits_is_claimed_or_expires(db: Database, state: str) -> None:
    await write(db, ONE, message("hello"))
    async with db.reading() as reader:
        row = await head(reader, "hello")
    await change(db, "hello", state=state)
    before = await row_of(db, "hello")
    async with db.transaction() as tx:
        assert await transitions.claim(tx, [row], MONDAY) == []
        await transitions.expire(tx, row, "too late")

    assert await row_of(db, "hello") == before


async def test_what_expires_is_erased(db: Database) -> None:
    await write(db, ONE, message("hello", picture={"facts": {}}))
    async with db.transaction() as tx:
        await transitions.expire(tx, await head(tx, "hello"), "too late")

    after = await row_of(db, "hello")
    assert (after.state, after.payload, after.picture) == ("expired", None, None)
    assert after.error == "too late"


async def concluded(db: Database, *, meanwhile: dict[str, Any], **found: Any) -> Any:
    """How a message reads whose call ended with this finding, after these changes meanwhile."""
    await write(
        db,
        ONE,
        message("hello", picture={"facts": {}}, file_id="F1", error="before", retry_at=real_now()),
    )
    await change(db, "hello", retry_at=None)
    async with db.transaction() as tx:
        (claimed,) = await transitions.claim(tx, [await head(tx, "hello")], MONDAY)
    await change(db, "hello", **{"lookup_attempts": 2, "retry_at": LATER, **meanwhile})
    finding = SendResult(row=claimed, **found)
    async with db.transaction() as tx:
        if finding.state is State.SENT:
            await transitions.conclude(tx, [finding], MONDAY)
        else:
            await transitions.put_back(tx, [finding], MONDAY)
    return await row_of(db, "hello")


@pytest.mark.parametrize(
    ("meanwhile", "state", "erased"),
    [
        ({}, "sent", True),
        ({"state": "unknown"}, "sent", True),
        ({"revision": 1}, "pending", False),  # it reads otherwise by now, and goes out again
        ({"state": "held"}, "held", False),
        ({"state": "expired"}, "expired", False),
        ({"state": "pending"}, "pending", False),
        ({"fence": 5}, "sending", False),  # another sender has it now
    ],
)
async def test_what_was_sent_is_so_unless_something_else_became_of_it(
    db: Database, meanwhile: dict[str, Any], state: str, erased: bool
) -> None:
    after = await concluded(db, meanwhile=meanwhile, state=State.SENT, place=PLACE)

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
async def test_what_was_not_sent_is_put_back_unless_something_else_became_of_it(
    db: Database, meanwhile: dict[str, Any], found: State, state: str
) -> None:
    after = await concluded(
        db, meanwhile=meanwhile, state=found, reason="why", wait=60, tried=-1, looked=1
    )

    assert after.state == state
    untouched = meanwhile.get("state", "pending") != "pending" or "fence" in meanwhile
    assert (after.attempts, after.lookup_attempts) == ((4, 2) if untouched else (3, 3))
    assert (after.error, after.retry_at) == (
        ("before", LATER) if untouched else ("why", MONDAY + timedelta(seconds=60))
    )
    assert (after.file_id, after.picture) == ("F1", {"facts": {}})


async def test_without_a_wait_it_is_tried_at_once(db: Database) -> None:
    after = await concluded(db, meanwhile={}, state=State.PENDING)

    assert (after.retry_at, after.error, after.attempts) == (None, None, 4)


@pytest.mark.parametrize(
    ("found", "file_id", "picture"),
    [
        ({"file_id": "F2"}, "F2", {"facts": {}}),
        ({"drop_picture": True}, None, None),
    ],
)
async def test_a_picture_is_uploaded_or_done_without(
    db: Database, found: dict[str, Any], file_id: Any, picture: Any
) -> None:
    after = await concluded(db, meanwhile={}, state=State.PENDING, **found)

    assert (after.file_id, after.picture) == (file_id, picture)


async def test_who_is_put_off_takes_along_what_refers_to_it_and_would_come_sooner(
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
