"""Order within a queue, and which messages a blocked message holds up."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import AdjustableClock
from bot.db import schema
from bot.outbox import enqueue, requeue, sender_leases
from bot.outbox.keys import MessageKey
from bot.slack.content import content, section
from tests.harness import BEN, LAUNCH, WORKSPACE
from tests.outbox.sender import NO_DELAYS, Sender

#: So long that no lookup or retry becomes due by itself.
LONG_DELAYS = replace(NO_DELAYS, settle=3600, first_retry=3600)


async def edit(sender: Sender, of: str, text: str) -> None:
    async with sender.db.transaction() as tx:
        body = content(text, section(text))
        await enqueue.edit(tx, WORKSPACE, of=MessageKey(of), content=body, now=sender.clock.now())


async def publish(sender: Sender) -> None:
    async with sender.db.transaction() as tx:
        view = {"type": "home", "blocks": []}
        await enqueue.publish(tx, WORKSPACE, user_id=BEN, view=view, now=sender.clock.now())


async def make_retries_due(sender: Sender) -> None:
    """Make every lookup and retry due now."""
    async with sender.db.transaction() as tx:
        await tx.execute(update(schema.messages).values(retry_at=None))


async def no_work_due(sender: Sender) -> bool:
    async with sender.db.reading() as reader:
        return not await sender_leases.workspaces_with_work(reader, sender.clock.now(), 10)


def posts(sender: Sender) -> list[tuple[str, bool]]:
    """The text of each attempted post, and whether it was a reply."""
    return [
        (call.args["text"], call.args.get("thread_ts") is not None)
        for call in sender.slack.calls
        if call.method == "chat.postMessage"
    ]


async def test_edit_waits_for_its_postponed_message(sender: Sender, clock: AdjustableClock) -> None:
    morning = clock.now() + timedelta(hours=9)

    async def next_allowed_at(
        _tx: AsyncConnection, _ws: str, conversations: Collection[str], now: datetime
    ) -> Mapping[str, datetime]:
        return dict.fromkeys(conversations, max(now, morning))

    delivery = sender.new_delivery(next_allowed_at=next_allowed_at)
    await sender.enqueue("ask", to=BEN)
    clock.advance(timedelta(minutes=5))
    await edit(sender, "ask", "closed")
    clock.advance(timedelta(hours=1))
    assert await delivery.deliver_due() == 0
    assert (await sender.row("edit:ask")).not_before == morning
    assert await no_work_due(sender)

    clock.move_to(morning)
    while await delivery.deliver_due():
        pass
    assert [m["text"] for m in sender.slack.as_user(BEN).dm_with_bot()] == ["closed"]


async def test_edit_and_pin_of_an_unknown_message_wait_without_blocking_others(
    sender: Sender,
) -> None:
    sender.slack.faults.fail_next("chat.postMessage", status=500, after_accept=True)
    await sender.enqueue("hello")
    delivery = sender.new_delivery(LONG_DELAYS)
    await delivery.deliver_due()
    await edit(sender, "hello", "edited")
    async with sender.db.transaction() as tx:
        await enqueue.pin(tx, WORKSPACE, of=MessageKey("hello"), now=sender.clock.now())
    await sender.enqueue("to ben", to=BEN)
    await delivery.deliver_due()

    assert (await sender.row("to ben")).state == "sent"
    for key in ("edit:hello", "pin:hello"):
        assert (await sender.row(key)).state == "pending"
    assert await no_work_due(sender)

    await make_retries_due(sender)
    await sender.deliver()
    assert sender.texts() == ["edited"]
    assert (await sender.row("pin:hello")).state == "sent"


async def test_message_queued_behind_an_unknown_one_is_not_due(sender: Sender) -> None:
    sender.slack.faults.fail_next("chat.postMessage", status=500)
    await sender.enqueue("one")
    await sender.enqueue("two")
    await sender.new_delivery(LONG_DELAYS).deliver_due()

    assert (await sender.row("one")).state == "unknown"
    assert await no_work_due(sender)

    await make_retries_due(sender)
    assert not await no_work_due(sender)
    await sender.deliver()
    assert sender.texts() == ["one", "two"]


async def test_reposted_message_precedes_its_replies_and_later_messages(
    sender: Sender,
) -> None:
    """As after a channel is unarchived."""
    sender.slack.faults.fail_next("chat.postMessage", error="is_archived", times=3)
    await sender.enqueue("announcement")
    await sender.enqueue("results", thread_of="announcement")
    await sender.enqueue("ended")
    await sender.deliver()
    now = sender.clock.now()
    async with sender.db.transaction() as tx:
        body = content("announcement", section("announcement"))
        await requeue.repost(tx, WORKSPACE, key=MessageKey("announcement"), content=body, now=now)
        await requeue.retry_failed(
            tx, WORKSPACE, conversation=LAUNCH, reasons=("is_archived",), now=now
        )
    await sender.deliver()

    assert posts(sender)[3:] == [("announcement", False), ("results", True), ("ended", False)]


async def test_unknown_direct_message_does_not_block_the_app_home(sender: Sender) -> None:
    sender.slack.faults.fail_next("chat.postMessage", status=500)
    await sender.enqueue("ask", to=BEN)
    delivery = sender.new_delivery(LONG_DELAYS)
    await delivery.deliver_due()
    await publish(sender)
    await delivery.deliver_due()

    assert (await sender.row("ask")).state == "unknown"
    assert (await sender.row(f"home:{BEN}")).state == "sent"


async def test_failing_app_home_does_not_block_direct_messages(sender: Sender) -> None:
    sender.slack.faults.fail_next("views.publish", status=500)
    await publish(sender)
    await sender.enqueue("ask", to=BEN)
    await sender.new_delivery(LONG_DELAYS).deliver_due()

    assert (await sender.row(f"home:{BEN}")).state == "pending"
    assert (await sender.row("ask")).state == "sent"


async def test_failing_pin_blocks_only_the_unpin_of_its_message(sender: Sender) -> None:
    await sender.enqueue("hello")
    await sender.deliver()
    sender.slack.faults.fail_next("pins.add", status=500)
    now = sender.clock.now()
    async with sender.db.transaction() as tx:
        await enqueue.pin(tx, WORKSPACE, of=MessageKey("hello"), now=now)
        await enqueue.unpin_and_unbookmark(tx, WORKSPACE, of=MessageKey("hello"), now=now)
    await edit(sender, "hello", "edited")
    await sender.enqueue("next")
    await sender.new_delivery(LONG_DELAYS).deliver_due()

    assert sender.texts() == ["edited", "next"]
    assert (await sender.row("unpin:hello")).state == "pending"

    await make_retries_due(sender)
    await sender.deliver()
    done = [call.method for call in sender.slack.calls if call.method.startswith("pins.")]
    assert done == ["pins.add", "pins.add", "pins.remove"]


async def test_workspace_that_was_never_rate_limited_comes_first(sender: Sender) -> None:
    """Also on PostgreSQL, which sorts NULL last by default."""
    await sender.enqueue("hello")
    past = sender.clock.now() - timedelta(days=365)
    async with sender.db.transaction() as tx:
        await tx.execute(
            insert(schema.sender_leases), [{"workspace_id": "T0WAITED", "resume_at": past}]
        )
        await enqueue.post(
            tx,
            "T0WAITED",
            key=MessageKey("hello"),
            to=LAUNCH,
            content=content("hello", section("hello")),
            now=sender.clock.now(),
        )
    async with sender.db.reading() as reader:
        assert await sender_leases.workspaces_with_work(reader, sender.clock.now(), 1) == {
            WORKSPACE: False
        }
