"""Outbox reads and writes stay within one workspace, even if both share every other id."""

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
from bot.outbox.retry_limit import MIN_AGE, MIN_ATTEMPTS, is_exhausted
from bot.slack.content import content
from tests.conftest import MONDAY
from tests.outbox.workspace_rows import (
    CHANNEL,
    LATER,
    ONE,
    PERSON,
    TS,
    TWO,
    head,
    message,
    messages_in_every_state,
    rows_of,
    write,
)

Work: TypeAlias = Callable[[AsyncConnection], Awaitable[Any]]
NEW, PLACE = content("new"), SlackLocation(channel="C9", ts="9.9")
OWNER, VIEW = "me", {"type": "home", "blocks": []}


async def claim(tx: AsyncConnection) -> None:
    await transitions.claim(tx, [await head(tx, "reply")], MONDAY)


def store_result(key: str, state: State) -> Work:
    """A write that stores this result of a message."""

    async def store(tx: AsyncConnection) -> None:
        row = replace(await head(tx, "reply"), key=MessageKey(key))
        results = [SendResult(row=row, state=state, location=PLACE, reason="why")]
        if state is State.SENT:
            await transitions.mark_sent(tx, results, MONDAY)
        else:
            await transitions.store_unsent(tx, results, real_now())

    return store


async def expire(tx: AsyncConnection) -> None:
    await transitions.expire(tx, await head(tx, "reply"), "too late")


async def postpone(tx: AsyncConnection) -> None:
    # its dependents are postponed as well
    row = replace(await head(tx, "reply"), key=MessageKey("sent"))
    await transitions.postpone(tx, row, LATER)


async def take_and_release(tx: AsyncConnection) -> None:
    assert await sender_leases.take(tx, ONE, OWNER, real_now())
    await sender_leases.release(tx, ONE, OWNER, real_now())


async def reschedule(tx: AsyncConnection) -> None:
    await requeue.reschedule_for_zone(
        tx, ONE, user_id=PERSON, next_allowed_at=lambda at: at + timedelta(hours=1), now=MONDAY
    )


async def retry(tx: AsyncConnection) -> None:
    reasons = ["not_in_channel"]
    await requeue.retry_failed(tx, ONE, conversation=CHANNEL, reasons=reasons, now=MONDAY)


#: Each write to the outbox, made in the first workspace.
WRITES: dict[str, Work] = {
    "cancel": lambda tx: enqueue.cancel(tx, ONE, keys=[MessageKey("pending")]),
    "cancel unknown": lambda tx: enqueue.cancel(tx, ONE, keys=[MessageKey("unknown")]),
    "edit scheduled": lambda tx: enqueue.edit(
        tx, ONE, of=MessageKey("later"), content=NEW, now=MONDAY
    ),
    "edit": lambda tx: enqueue.edit(tx, ONE, of=MessageKey("sent"), content=NEW, now=MONDAY),
    "publish": lambda tx: enqueue.publish(tx, ONE, user_id=PERSON, view=VIEW, now=MONDAY),
    "reschedule for zone": reschedule,
    "retry": retry,
    "mark deleted": lambda tx: requeue.mark_deleted(
        tx, ONE, key=MessageKey("sent"), reason="deleted in Slack"
    ),
    "repost": lambda tx: requeue.repost(tx, ONE, key=MessageKey("failed"), content=NEW, now=MONDAY),
    "repin": lambda tx: requeue.repin(
        tx, ONE, Operation.PIN, of=MessageKey("sent"), payload={}, now=MONDAY
    ),
    "remove": lambda tx: requeue.remove(tx, ONE, key=MessageKey("sent")),
    "remove edits": lambda tx: requeue.remove_edits(tx, ONE, of=[MessageKey("sent")]),
    "change conversation": lambda tx: requeue.change_conversation(
        tx, ONE, conversation=CHANNEL, to="C3"
    ),
    "claim": claim,
    "conclude": store_result("sending", State.SENT),
    "put back": store_result("sending", State.UNKNOWN),
    "expire": expire,
    "postpone": postpone,
    "confirm": lambda tx: transitions.confirm(tx, ONE, "id-unknown", PLACE, MONDAY),
    "take": lambda tx: sender_leases.take(tx, ONE, OWNER, real_now()),
    "take and release": take_and_release,
    "save rate usage": lambda tx: sender_leases.save(tx, ONE, {"doubts": 1}),
    "halt": lambda tx: sender_leases.halt(tx, ONE, "token_revoked"),
    "mark interrupted unknown": lambda tx: sender_leases.mark_interrupted_unknown(
        tx, ONE, real_now()
    ),
    "admin: post again": lambda tx: admin_queries.post_again(tx, ONE, "id-held"),
    "admin: is there": lambda tx: admin_queries.mark_seen_in_slack(
        tx, ONE, "id-held", PLACE, MONDAY
    ),
    "admin: drop": lambda tx: admin_queries.drop(tx, ONE, "id-held"),
}


@pytest.mark.parametrize("work", WRITES.values(), ids=WRITES)
async def test_write_in_one_workspace_leaves_the_other_unchanged(db: Database, work: Work) -> None:
    for workspace_id in (ONE, TWO):
        await write(db, workspace_id, *messages_in_every_state())
    before, others = await rows_of(db, ONE), await rows_of(db, TWO)

    async with db.transaction() as tx:
        await work(tx)

    assert await rows_of(db, TWO) == others
    assert await rows_of(db, ONE) != before


async def test_resuming_or_renewing_a_lease_leaves_the_other_workspace_unchanged(
    db: Database,
) -> None:
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


#: Each read of one workspace, and its result if the workspace is empty.
READS: dict[str, tuple[Callable[[AsyncConnection, str], Awaitable[Any]], Any]] = {
    "exists": (lambda tx, ws: requeue.exists(tx, ws, MessageKey("sent")), False),
    "was refused": (lambda tx, ws: requeue.has_failed(tx, ws, MessageKey("failed")), False),
    "refused": (lambda tx, ws: requeue.failed_message(tx, ws, "id-failed"), None),
    "others refused": (
        lambda tx, ws: requeue.another_failed_alike(
            tx, ws, other_than="id-sent", operation=Operation.POST, reason="not_in_channel"
        ),
        False,
    ),
    "is delivered": (lambda tx, ws: requeue.may_be_delivered(tx, ws, MessageKey("held")), False),
    "is waiting": (lambda tx, ws: requeue.is_open(tx, ws, MessageKey("pending")), False),
    "readable from": (
        lambda tx, ws: requeue.readable_from(tx, ws, [MessageKey("sent")], MONDAY),
        {},
    ),
    "key at": (lambda tx, ws: enqueue.key_at(tx, ws, channel=CHANNEL, ts=TS), None),
    "listed": (
        lambda tx, ws: admin_queries.list_messages(tx, [State.HELD], limit=9, workspace_id=ws),
        (),
    ),
    "count": (lambda tx, ws: admin_queries.count(tx, [State.HELD], ws), 0),
    "one": (lambda tx, ws: admin_queries.get_message(tx, ws, "id-held"), None),
    "unconfirmed": (lambda tx, ws: admin_queries.unconfirmed(tx, ws, "id-held"), None),
    "halted because": (admin_queries.halt_reason, None),
    "heads": (
        lambda tx, ws: heads(tx, ws, now=MONDAY, real=real_now(), barred=(), limit=9),
        [],
    ),
}


@pytest.mark.parametrize(("read", "nothing"), READS.values(), ids=READS)
async def test_read_of_one_workspace_ignores_the_other(
    db: Database, read: Callable[[AsyncConnection, str], Awaitable[Any]], nothing: Any
) -> None:
    await write(db, TWO, *messages_in_every_state())
    async with db.transaction() as tx:
        await sender_leases.halt(tx, TWO, "token_revoked")

        assert await read(tx, ONE) == nothing
        assert await read(tx, TWO) not in (nothing, None)


async def test_edit_and_pin_require_a_message_of_the_same_workspace(db: Database) -> None:
    await write(db, TWO, *messages_in_every_state())
    async with db.transaction() as tx:
        await enqueue.edit(tx, ONE, of=MessageKey("failed"), content=NEW, now=MONDAY)
        await enqueue.pin(tx, ONE, of=MessageKey("failed"), now=MONDAY)

    assert await rows_of(db, ONE) == []


async def test_installed_workspace_with_a_message_has_work(db: Database) -> None:
    await write(db, TWO, message("hello"))
    async with db.transaction() as tx:
        await enqueue.post(tx, ONE, key=MessageKey("hello"), to=CHANNEL, content=NEW, now=MONDAY)
        await sender_leases.resume(tx, ONE)

    async with db.reading() as reader:
        assert set(await sender_leases.workspaces_with_work(reader, MONDAY, 9)) == {ONE, TWO}


async def test_only_the_workspace_with_a_due_message_has_work(db: Database) -> None:
    await write(db, ONE)
    await write(db, TWO, message("hello"))

    async with db.reading() as reader:
        assert await sender_leases.workspaces_with_work(reader, MONDAY, 9) == {TWO: False}


async def test_earlier_message_of_another_workspace_blocks_nothing(db: Database) -> None:
    """It is in the same channel, and waits for its next attempt."""
    away = real_now() + timedelta(hours=1)
    await write(db, TWO, message("earlier", message_id="1", retry_at=away))
    await write(db, ONE, message("hello", message_id="2"))

    async with db.reading() as reader:
        assert await sender_leases.workspaces_with_work(reader, MONDAY, 9) == {ONE: False}
        assert (await head(reader, "hello")).message_id == "2"


@pytest.mark.parametrize("other", [ONE, TWO])
async def test_edit_targets_the_message_of_its_own_workspace(db: Database, other: str) -> None:
    """The target is in Slack in one workspace, and not yet in the other."""
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
        assert await sender_leases.workspaces_with_work(reader, MONDAY, 9) == {mine: False}
    assert [(row.key, row.target) for row in found[mine]] == [
        ("edit:a", SlackLocation(channel=CHANNEL, ts=TS))
    ]
    assert found[other] == []


@pytest.mark.parametrize("other", ["T0", "T2"])
async def test_reply_goes_to_the_thread_of_its_own_workspace(db: Database, other: str) -> None:
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


async def test_posts_sent_in_another_workspace_do_not_exhaust_a_message(db: Database) -> None:
    await write(db, ONE, message("hello", attempts=MIN_ATTEMPTS, first_try_at=MONDAY - MIN_AGE))
    await write(db, TWO, message("other", state="sent", sent_at=MONDAY))

    async with db.transaction() as tx:
        row = await head(tx, "hello")
        assert not await is_exhausted(tx, row, MONDAY)
        await tx.execute(update(schema.messages).values(workspace_id=ONE))
        assert await is_exhausted(tx, row, MONDAY)


async def test_many_waiting_counts_each_workspace_separately(db: Database) -> None:
    for workspace_id, count in ((ONE, 2), (TWO, 3)):
        rows = [message(f"{number}", conversation=f"U{number}") for number in range(count)]
        await write(db, workspace_id, *rows, message("later", not_before=LATER))

    async with db.reading() as reader:
        assert await sender_leases.due_counts(reader, MONDAY, 2) == {TWO: {"direct": 3}}
        assert await sender_leases.due_counts(reader, MONDAY, 3) == {}
        assert await sender_leases.due_counts(reader, MONDAY, 3, [ONE]) == {ONE: {"direct": 2}}
