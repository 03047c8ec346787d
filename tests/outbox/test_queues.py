"""What waits for what: order within a queue, and nothing held up that could go."""

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
from tests.outbox.sender import IMPATIENT, Sender

#: The next look or try never comes by itself.
PATIENT = replace(IMPATIENT, settle=3600, first_retry=3600)


async def edit(sender: Sender, of: str, text: str) -> None:
    async with sender.db.transaction() as tx:
        said = content(text, section(text))
        await enqueue.edit(tx, WORKSPACE, of=MessageKey(of), content=said, now=sender.clock.now())


async def publish(sender: Sender) -> None:
    async with sender.db.transaction() as tx:
        view = {"type": "home", "blocks": []}
        await enqueue.publish(tx, WORKSPACE, user_id=BEN, view=view, now=sender.clock.now())


async def look_again(sender: Sender) -> None:
    """The time to look, or to try again, has come."""
    async with sender.db.transaction() as tx:
        await tx.execute(update(schema.messages).values(retry_at=None))


async def nobody_is_needed(sender: Sender) -> bool:
    async with sender.db.reading() as reader:
        return not await sender_leases.with_work(reader, sender.clock.now(), 10)


def posts(sender: Sender) -> list[tuple[str, bool]]:
    """What was to be posted, and whether as a reply."""
    return [
        (call.args["text"], call.args.get("thread_ts") is not None)
        for call in sender.slack.calls
        if call.method == "chat.postMessage"
    ]


async def test_an_edit_waits_for_its_message_that_is_put_off(
    sender: Sender, clock: AdjustableClock
) -> None:
    morning = clock.now() + timedelta(hours=9)

    async def next_allowed_at(
        _tx: AsyncConnection, _ws: str, conversations: Collection[str], now: datetime
    ) -> Mapping[str, datetime]:
        return dict.fromkeys(conversations, max(now, morning))

    delivery = sender.another(next_allowed_at=next_allowed_at)
    await sender.say("ask", to=BEN)
    clock.advance(timedelta(minutes=5))
    await edit(sender, "ask", "closed")
    clock.advance(timedelta(hours=1))
    assert await delivery.deliver_due() == 0
    assert (await sender.row("edit:ask")).not_before == morning
    assert await nobody_is_needed(sender)

    clock.move_to(morning)
    while await delivery.deliver_due():
        pass
    assert [m["text"] for m in sender.slack.as_user(BEN).dm_with_bot()] == ["closed"]


async def test_what_refers_to_an_unknown_message_waits_and_holds_up_nobody(
    sender: Sender,
) -> None:
    sender.slack.faults.fail_next("chat.postMessage", status=500, after_accept=True)
    await sender.say("hello")
    delivery = sender.another(PATIENT)
    await delivery.deliver_due()
    await edit(sender, "hello", "edited")
    async with sender.db.transaction() as tx:
        await enqueue.pin(tx, WORKSPACE, of=MessageKey("hello"), now=sender.clock.now())
    await sender.say("to ben", to=BEN)
    await delivery.deliver_due()

    assert (await sender.row("to ben")).state == "sent"
    for key in ("edit:hello", "pin:hello"):
        assert (await sender.row(key)).state == "pending"
    assert await nobody_is_needed(sender)

    await look_again(sender)
    await sender.deliver()
    assert sender.texts() == ["edited"]
    assert (await sender.row("pin:hello")).state == "sent"


async def test_a_message_behind_an_unknown_one_wakes_nobody(sender: Sender) -> None:
    sender.slack.faults.fail_next("chat.postMessage", status=500)
    await sender.say("one")
    await sender.say("two")
    await sender.another(PATIENT).deliver_due()

    assert (await sender.row("one")).state == "unknown"
    assert await nobody_is_needed(sender)

    await look_again(sender)
    assert not await nobody_is_needed(sender)
    await sender.deliver()
    assert sender.texts() == ["one", "two"]


async def test_what_is_said_anew_comes_before_its_replies_and_they_before_the_rest(
    sender: Sender,
) -> None:
    """As when a channel can be spoken in again."""
    sender.slack.faults.fail_next("chat.postMessage", error="is_archived", times=3)
    await sender.say("announcement")
    await sender.say("results", thread_of="announcement")
    await sender.say("ended")
    await sender.deliver()
    now = sender.clock.now()
    async with sender.db.transaction() as tx:
        said = content("announcement", section("announcement"))
        await requeue.repost(tx, WORKSPACE, key=MessageKey("announcement"), content=said, now=now)
        await requeue.retry(tx, WORKSPACE, conversation=LAUNCH, reasons=("is_archived",), now=now)
    await sender.deliver()

    assert posts(sender)[3:] == [("announcement", False), ("results", True), ("ended", False)]


async def test_an_unknown_direct_message_does_not_hold_up_the_app_home(sender: Sender) -> None:
    sender.slack.faults.fail_next("chat.postMessage", status=500)
    await sender.say("ask", to=BEN)
    delivery = sender.another(PATIENT)
    await delivery.deliver_due()
    await publish(sender)
    await delivery.deliver_due()

    assert (await sender.row("ask")).state == "unknown"
    assert (await sender.row(f"home:{BEN}")).state == "sent"


async def test_an_app_home_that_fails_does_not_hold_up_direct_messages(sender: Sender) -> None:
    sender.slack.faults.fail_next("views.publish", status=500)
    await publish(sender)
    await sender.say("ask", to=BEN)
    await sender.another(PATIENT).deliver_due()

    assert (await sender.row(f"home:{BEN}")).state == "pending"
    assert (await sender.row("ask")).state == "sent"


async def test_a_pin_that_fails_holds_up_only_what_is_done_to_its_message(sender: Sender) -> None:
    await sender.say("hello")
    await sender.deliver()
    sender.slack.faults.fail_next("pins.add", status=500)
    now = sender.clock.now()
    async with sender.db.transaction() as tx:
        await enqueue.pin(tx, WORKSPACE, of=MessageKey("hello"), now=now)
        await enqueue.unmark(tx, WORKSPACE, of=MessageKey("hello"), now=now)
    await edit(sender, "hello", "edited")
    await sender.say("next")
    await sender.another(PATIENT).deliver_due()

    assert sender.texts() == ["edited", "next"]
    assert (await sender.row("unpin:hello")).state == "pending"

    await look_again(sender)
    await sender.deliver()
    done = [call.method for call in sender.slack.calls if call.method.startswith("pins.")]
    assert done == ["pins.add", "pins.add", "pins.remove"]


async def test_workspaces_that_never_waited_come_first(sender: Sender) -> None:
    """Also on PostgreSQL: those that waited for Slack's limits do not keep them from their turn."""
    await sender.say("hello")
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
        assert await sender_leases.with_work(reader, sender.clock.now(), 1) == {WORKSPACE: False}
