"""One workspace's messages, lease and limits are its own, even where every other id is the same."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeAlias

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import real_now
from bot.db import schema
from bot.db.engine import Database
from bot.outbox import admin_queries, enqueue, requeue, sender_leases, transitions
from bot.outbox.enqueue import Operation, State
from bot.outbox.keys import MessageKey
from bot.outbox.queue_heads import heads
from bot.outbox.queued_message import SendResult, SlackLocation
from bot.outbox.retry_limit import AT_LEAST, ENOUGH_TRIES, is_exhausted
from bot.slack.content import content
from tests.conftest import MONDAY
from tests.outbox.workspace_rows import (
    CHANNEL,
    LATER,
    ONE,
    PERSON,
    TS,
    TWO,
    everything,
    head,
    message,
    rows_of,
    write,
)

Work: TypeAlias = Callable[[AsyncConnection], Awaitable[Any]]
NEW, PLACE = content("new"), SlackLocation(channel="C9", ts="9.9")
OWNER, VIEW = "me", {"type": "home", "blocks": []}


async def claim(tx: AsyncConnection) -> None:
    await transitions.claim(tx, [await head(tx, "reply")], MONDAY)


def finding(key: str, state: State) -> Work:
    """What was learnt of a message, noted down."""

    async def note(tx: AsyncConnection) -> None:
        row = replace(await head(tx, "reply"), key=MessageKey(key))
        learnt = [SendResult(row=row, state=state, place=PLACE, reason="why")]
        if state is State.SENT:
            await transitions.conclude(tx, learnt, MONDAY)
        else:
            await transitions.put_back(tx, learnt, real_now())

    return note


async def expire(tx: AsyncConnection) -> None:
    await transitions.expire(tx, await head(tx, "reply"), "too late")


async def postpone(tx: AsyncConnection) -> None:
    row = replace(
        await head(tx, "reply"), key=MessageKey("sent")
    )  # what refers to it waits as well
    await transitions.postpone(tx, row, LATER)


async def take_and_release(tx: AsyncConnection) -> None:
    assert await sender_leases.take(tx, ONE, OWNER, real_now())
    await sender_leases.release(tx, ONE, OWNER, real_now())


async def follow(tx: AsyncConnection) -> None:
    await requeue.reschedule_for_zone(
        tx, ONE, user_id=PERSON, next_allowed_at=lambda at: at + timedelta(hours=1), now=MONDAY
    )


async def retry(tx: AsyncConnection) -> None:
    reasons = ["not_in_channel"]
    await requeue.retry(tx, ONE, conversation=CHANNEL, reasons=reasons, now=MONDAY)


#: Everything that writes, done in the first workspace.
WRITES: dict[str, Work] = {
    "cancel": lambda tx: enqueue.cancel(tx, ONE, keys=[MessageKey("pending")]),
    "cancel in doubt": lambda tx: enqueue.cancel(tx, ONE, keys=[MessageKey("unknown")]),
    "edit of what is for later": lambda tx: enqueue.edit(
        tx, ONE, of=MessageKey("later"), content=NEW, now=MONDAY
    ),
    "edit": lambda tx: enqueue.edit(tx, ONE, of=MessageKey("sent"), content=NEW, now=MONDAY),
    "publish": lambda tx: enqueue.publish(tx, ONE, user_id=PERSON, view=VIEW, now=MONDAY),
    "follow": follow,
    "retry": retry,
    "forget": lambda tx: requeue.mark_deleted(
        tx, ONE, key=MessageKey("sent"), reason="deleted in Slack"
    ),
    "post anew": lambda tx: requeue.repost(
        tx, ONE, key=MessageKey("failed"), content=NEW, now=MONDAY
    ),
    "mark anew": lambda tx: requeue.repin(
        tx, ONE, Operation.PIN, of=MessageKey("sent"), payload={}, now=MONDAY
    ),
    "drop": lambda tx: requeue.remove(tx, ONE, key=MessageKey("sent")),
    "drop edits": lambda tx: requeue.remove_edits(tx, ONE, of=[MessageKey("sent")]),
    "move": lambda tx: requeue.change_conversation(tx, ONE, conversation=CHANNEL, to="C3"),
    "claim": claim,
    "conclude": finding("sending", State.SENT),
    "put back": finding("sending", State.UNKNOWN),
    "expire": expire,
    "postpone": postpone,
    "confirm": lambda tx: transitions.confirm(tx, ONE, "id-unknown", PLACE, MONDAY),
    "take": lambda tx: sender_leases.take(tx, ONE, OWNER, real_now()),
    "take and release": take_and_release,
    "save": lambda tx: sender_leases.save(tx, ONE, {"doubts": 1}),
    "halt": lambda tx: sender_leases.halt(tx, ONE, "token_revoked"),
    "doubt": lambda tx: sender_leases.mark_interrupted_unknown(tx, ONE, real_now()),
    "post again": lambda tx: admin_queries.post_again(tx, ONE, "id-held"),
    "it is there": lambda tx: admin_queries.is_there(tx, ONE, "id-held", PLACE, MONDAY),
    "drop by a person": lambda tx: admin_queries.drop(tx, ONE, "id-held"),
}


@pytest.mark.parametrize("work", WRITES.values(), ids=WRITES)
async def test_what_is_written_for_one_workspace_leaves_the_other_as_it_is(
    db: Database, work: Work
) -> None:
    for workspace_id in (ONE, TWO):
        await write(db, workspace_id, *everything())
    before, others = await rows_of(db, ONE), await rows_of(db, TWO)

    async with db.transaction() as tx:
        await work(tx)

    assert await rows_of(db, TWO) == others
    assert await rows_of(db, ONE) != before


async def test_a_lease_that_is_resumed_or_renewed_is_its_own(db: Database) -> None:
    for workspace_id in (ONE, TWO):
        await write(db, workspace_id)
        async with db.transaction() as tx:
            await sender_leases.take(tx, workspace_id, OWNER, real_now())
            await sender_leases.halt(tx, workspace_id, "token_revoked")
    others = await rows_of(db, TWO)

    async with db.transaction() as tx:
        await sender_leases.resume(tx, ONE)
        assert await sender_leases.renew(tx, ONE, OWNER, real_now() + timedelta(seconds=5))

    assert await rows_of(db, TWO) == others


#: Everything that reads about one workspace, and what it finds where there is nothing.
READS: dict[str, tuple[Callable[[AsyncConnection, str], Awaitable[Any]], Any]] = {
    "is known": (lambda tx, ws: requeue.exists(tx, ws, MessageKey("sent")), False),
    "was refused": (lambda tx, ws: requeue.was_refused(tx, ws, MessageKey("failed")), False),
    "refused key": (lambda tx, ws: requeue.refused(tx, ws, "id-failed"), None),
    "others refused": (
        lambda tx, ws: requeue.others_refused(
            tx, ws, but="id-sent", operation=Operation.POST, reason="not_in_channel"
        ),
        False,
    ),
    "was said": (lambda tx, ws: requeue.is_delivered(tx, ws, MessageKey("held")), False),
    "is waiting": (lambda tx, ws: requeue.is_waiting(tx, ws, MessageKey("pending")), False),
    "read from": (lambda tx, ws: requeue.readable_from(tx, ws, [MessageKey("sent")], MONDAY), {}),
    "key at": (lambda tx, ws: enqueue.key_at(tx, ws, channel=CHANNEL, ts=TS), None),
    "listed": (
        lambda tx, ws: admin_queries.list_messages(tx, [State.HELD], limit=9, workspace_id=ws),
        (),
    ),
    "count": (lambda tx, ws: admin_queries.count(tx, [State.HELD], ws), 0),
    "one": (lambda tx, ws: admin_queries.one(tx, ws, "id-held"), None),
    "unconfirmed": (lambda tx, ws: admin_queries.unconfirmed(tx, ws, "id-held"), None),
    "halted because": (lambda tx, ws: admin_queries.halted_because(tx, ws), None),
    "heads": (
        lambda tx, ws: heads(tx, ws, now=MONDAY, real=real_now(), barred=(), limit=9),
        [],
    ),
}


@pytest.mark.parametrize(("read", "nothing"), READS.values(), ids=READS)
async def test_what_is_read_of_one_workspace_is_not_the_others(
    db: Database, read: Callable[[AsyncConnection, str], Awaitable[Any]], nothing: Any
) -> None:
    await write(db, TWO, *everything())
    async with db.transaction() as tx:
        await sender_leases.halt(tx, TWO, "token_revoked")

        assert await read(tx, ONE) == nothing
        assert await read(tx, TWO) not in (nothing, None)


async def test_edits_and_pins_are_only_made_of_ones_own_messages(db: Database) -> None:
    await write(db, TWO, *everything())
    async with db.transaction() as tx:
        await enqueue.edit(tx, ONE, of=MessageKey("failed"), content=NEW, now=MONDAY)
        await enqueue.pin(tx, ONE, of=MessageKey("failed"), now=MONDAY)

    assert await rows_of(db, ONE) == []


async def test_a_workspace_is_sent_for_once_it_is_installed(db: Database) -> None:
    await write(db, TWO, message("hello"))
    async with db.transaction() as tx:
        await enqueue.post(tx, ONE, key=MessageKey("hello"), to=CHANNEL, content=NEW, now=MONDAY)
        await sender_leases.resume(tx, ONE)

    async with db.reading() as reader:
        assert set(await sender_leases.with_work(reader, MONDAY, 9)) == {ONE, TWO}


async def test_only_the_workspace_that_has_work_is_worked_for(db: Database) -> None:
    await write(db, ONE)
    await write(db, TWO, message("hello"))

    async with db.reading() as reader:
        assert await sender_leases.with_work(reader, MONDAY, 9) == {TWO: False}


async def test_an_earlier_message_of_another_workspace_holds_up_nothing(db: Database) -> None:
    """It is of the same channel, and waits for its next try."""
    away = real_now() + timedelta(hours=1)
    await write(db, TWO, message("earlier", message_id="1", retry_at=away))
    await write(db, ONE, message("hello", message_id="2"))

    async with db.reading() as reader:
        assert await sender_leases.with_work(reader, MONDAY, 9) == {ONE: False}
        assert (await head(reader, "hello")).message_id == "2"


@pytest.mark.parametrize("other", [ONE, TWO])
async def test_what_refers_to_a_message_finds_the_one_of_its_own_workspace(
    db: Database, other: str
) -> None:
    """In one of them it is in Slack, in the other not yet."""
    mine = TWO if other == ONE else ONE
    edit = message("edit:a", operation="update", target_key="a", message_id="2")
    await write(db, other, message("a", message_id="1", not_before=LATER), edit)
    placed = {"state": "sent", "channel": CHANNEL, "ts": TS}
    await write(db, mine, message("a", message_id="1", **placed), edit)

    async with db.reading() as reader:
        found = {
            workspace_id: await heads(
                reader, workspace_id, now=MONDAY, real=real_now(), barred=(), limit=9
            )
            for workspace_id in (mine, other)
        }
        assert await sender_leases.with_work(reader, MONDAY, 9) == {mine: False}
    assert [(row.key, row.target) for row in found[mine]] == [
        ("edit:a", SlackLocation(channel=CHANNEL, ts=TS))
    ]
    assert found[other] == []


@pytest.mark.parametrize("other", ["T0", "T2"])
async def test_a_reply_goes_to_the_thread_of_its_own_workspace(db: Database, other: str) -> None:
    for workspace_id, ts in ((other, "2.2"), (ONE, "1.1")):
        await write(
            db,
            workspace_id,
            message("a", state="sent", channel=CHANNEL, ts=ts),
            message("reply", target_key="a"),
        )

    async with db.transaction() as tx:
        (claimed,) = await transitions.claim(tx, [await head(tx, "reply")], MONDAY)

    assert claimed.thread_ts == "1.1"
    assert claimed.target == SlackLocation(channel=CHANNEL, ts="1.1")


async def test_posts_that_another_workspace_took_say_nothing_of_ours(db: Database) -> None:
    await write(db, ONE, message("hello", attempts=ENOUGH_TRIES, first_try_at=MONDAY - AT_LEAST))
    await write(db, TWO, message("other", state="sent", sent_at=MONDAY))

    async with db.transaction() as tx:
        row = await head(tx, "hello")
        assert not await is_exhausted(tx, row, MONDAY)
        await tx.execute(update(schema.messages).values(workspace_id=ONE))
        assert await is_exhausted(tx, row, MONDAY)


async def test_many_messages_are_many_in_one_workspace(db: Database) -> None:
    for workspace_id, count in ((ONE, 2), (TWO, 3)):
        rows = [message(f"{number}", conversation=f"U{number}") for number in range(count)]
        await write(db, workspace_id, *rows, message("later", not_before=LATER))

    async with db.reading() as reader:
        assert await sender_leases.many_waiting(reader, MONDAY, 2) == {TWO: {"direct": 3}}
        assert await sender_leases.many_waiting(reader, MONDAY, 3) == {}
        assert await sender_leases.many_waiting(reader, MONDAY, 3, [ONE]) == {ONE: {"direct": 2}}
