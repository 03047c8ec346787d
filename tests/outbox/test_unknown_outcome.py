"""Posts of which nobody knows whether Slack took them: found wherever they are, sent once."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.channel_health.delivery_events import on_message_posted
from bot.clock import real_now
from bot.db import schema
from bot.outbox import enqueue, requeue
from bot.outbox.keys import MessageKey
from bot.outbox.outcome_lookup import PAGE
from bot.services import Services
from bot.slack.content import content, section
from tests.harness import BEN, LAUNCH, WORKSPACE
from tests.outbox.sender import IMPATIENT, Sender, our_context, our_event


async def leave_in_doubt(sender: Sender, key: str, *, accepted: bool, **more: Any) -> None:
    """Post it so that nobody knows; it is to be looked for later."""
    sender.slack.faults.fail_next("chat.postMessage", status=500, after_accept=accepted)
    await sender.say(key, **more)
    await sender.another(replace(IMPATIENT, settle=600)).deliver_due()
    assert (await sender.row(key)).state == "unknown"


async def change(sender: Sender, key: str, **values: Any) -> None:
    async with sender.db.transaction() as tx:
        await tx.execute(
            update(schema.messages).where(schema.messages.c.key == key).values(**values)
        )


async def look_now(sender: Sender, key: str) -> None:
    await change(sender, key, retry_at=None)
    await sender.deliver()


async def anew(sender: Sender, key: str) -> None:
    async with sender.db.transaction() as tx:
        said, now = content(key, section(key)), sender.clock.now()
        await requeue.repost(tx, WORKSPACE, key=MessageKey(key), content=said, now=now)


async def forget(sender: Sender, key: str) -> None:
    async with sender.db.transaction() as tx:
        await requeue.mark_deleted(tx, WORKSPACE, key=MessageKey(key), reason="deleted in Slack")


def posts(sender: Sender, key: str) -> list[str | None]:
    """The thread of each time it was posted."""
    return [
        call.args.get("thread_ts")
        for call in sender.slack.calls
        if call.method == "chat.postMessage" and call.args["text"] == key
    ]


def lookup_attempts(sender: Sender) -> int:
    return [call.method for call in sender.slack.calls].count("conversations.history")


def direct(sender: Sender) -> list[str]:
    return [message["text"] for message in sender.slack.as_user(BEN).dm_with_bot()]


async def test_slacks_own_event_is_heeded_as_long_as_it_is_not_sent_again(
    sender: Sender, services: Services
) -> None:
    """It comes after looks that did not find the message yet."""
    await leave_in_doubt(sender, "hello", accepted=True)
    await change(sender, "hello", state="pending", retry_at=None, error="proven absent")
    ts = sender.slack.as_user(BEN).visible(LAUNCH)[-1]["ts"]
    event = our_event((await sender.row("hello")).message_id, message_ts=ts)
    await on_message_posted(services, {"event_id": "Ev1", "event": event}, our_context())
    assert (await sender.row("hello")).ts == event["message_ts"]

    await sender.deliver()
    assert sender.texts() == ["hello"]


@pytest.mark.parametrize("accepted", [True, False], ids=["accepted", "not accepted"])
async def test_what_expires_in_doubt_is_looked_for_all_the_same(
    sender: Sender, accepted: bool
) -> None:
    soon = sender.clock.now() + timedelta(minutes=2)
    await leave_in_doubt(sender, "remind", accepted=accepted, to=BEN, expires_at=soon)
    sender.clock.advance(timedelta(minutes=3))
    await look_now(sender, "remind")

    row = await sender.row("remind")
    assert (row.state, row.ts is not None) == (("sent", True) if accepted else ("expired", False))
    assert direct(sender) == ["remind"] * accepted


@pytest.mark.parametrize("accepted", [True, False], ids=["accepted", "not accepted"])
async def test_what_is_cancelled_in_doubt_is_not_sent_again(sender: Sender, accepted: bool) -> None:
    await leave_in_doubt(sender, "warn", accepted=accepted, to=BEN)
    async with sender.db.transaction() as tx:
        await enqueue.cancel(tx, WORKSPACE, keys=[MessageKey("warn")])
    await look_now(sender, "warn")

    assert (await sender.row("warn")).state == ("sent" if accepted else "expired")
    assert direct(sender) == ["warn"] * accepted


@pytest.mark.parametrize("noted", [True, False], ids=["noted", "by an older version"])
async def test_a_reply_is_looked_for_in_the_thread_it_was_tried_in(
    sender: Sender, noted: bool
) -> None:
    await sender.say("announcement")
    await sender.deliver()
    there = (await sender.row("announcement")).ts
    await leave_in_doubt(sender, "results", accepted=True, thread_of="announcement")
    if noted:
        await forget(sender, "announcement")
        await anew(sender, "announcement")
    else:
        await change(sender, "results", thread_ts=None)
    await look_now(sender, "results")

    assert posts(sender, "results") == [there]
    assert (await sender.row("results")).state == "sent"


async def test_a_message_of_its_own_is_not_looked_for_in_a_thread_that_began_since(
    sender: Sender,
) -> None:
    await sender.say("announcement")
    await sender.deliver()
    await forget(sender, "announcement")
    await leave_in_doubt(sender, "results", accepted=True, thread_of="announcement")
    await change(sender, "announcement", state="sent", channel=LAUNCH, ts="1795424401.000000")
    await look_now(sender, "results")

    assert posts(sender, "results") == [None]
    assert (await sender.row("results")).state == "sent"


async def test_a_thread_that_is_gone_holds_no_reply(sender: Sender) -> None:
    """It is said as a message of its own then, and nobody has to decide."""
    await sender.say("announcement")
    await sender.deliver()
    there = await sender.row("announcement")
    await leave_in_doubt(sender, "results", accepted=False, thread_of="announcement")
    await sender.client.chat_delete(channel=LAUNCH, ts=there.ts)
    await forget(sender, "announcement")
    await look_now(sender, "results")

    assert posts(sender, "results") == [there.ts, None]
    assert sender.texts() == ["results"]


async def test_a_token_that_is_no_good_any_more_ends_the_looks_too(sender: Sender) -> None:
    await leave_in_doubt(sender, "hello", accepted=True)
    sender.slack.faults.fail_next("conversations.history", error="token_revoked", times=100)
    await look_now(sender, "hello")

    assert lookup_attempts(sender) == 1
    async with sender.db.reading() as reader:
        assert await reader.scalar(select(schema.sender_leases.c.halted)) == "token_revoked"
    assert (await sender.row("hello")).state == "unknown"


async def test_looks_that_cannot_be_made_become_ever_rarer(sender: Sender) -> None:
    sender.slack.faults.fail_next("conversations.history", status=500, times=5)
    await leave_in_doubt(sender, "hello", accepted=True)
    patient = sender.another(replace(IMPATIENT, first_retry=10))
    for _ in range(5):
        await change(sender, "hello", retry_at=None)
        await patient.deliver_due()

    assert (await sender.row("hello")).lookup_attempts == 5
    assert (await sender.row("hello")).retry_at - real_now() > timedelta(seconds=60)


async def test_a_look_that_could_not_be_made_is_none_of_the_two(sender: Sender) -> None:
    await leave_in_doubt(sender, "hello", accepted=False)
    sender.slack.faults.fail_next("conversations.history", status=500)
    await look_now(sender, "hello")

    assert lookup_attempts(sender) == 3
    assert sender.texts() == ["hello"]


async def test_a_clock_ahead_of_slacks_hides_nothing(sender: Sender) -> None:
    ahead = sender.clock.now() + timedelta(minutes=50)
    await leave_in_doubt(sender, "hello", accepted=True)
    await change(sender, "hello", first_try_at=ahead)
    await look_now(sender, "hello")

    assert sender.texts() == ["hello"]
    assert (await sender.row("hello")).state == "sent"


@pytest.mark.parametrize("pages", [1, 2])
async def test_what_much_was_said_after_is_found_or_for_a_person_to_decide(
    sender: Sender, monkeypatch: pytest.MonkeyPatch, pages: int
) -> None:
    monkeypatch.setattr("bot.outbox.outcome_lookup.MOST_PAGES", pages)
    await leave_in_doubt(sender, "hello", accepted=True)
    for number in range(PAGE):
        await sender.client.chat_postMessage(channel=LAUNCH, text=f"{number}")
    await look_now(sender, "hello")

    assert lookup_attempts(sender) == pages
    assert (await sender.row("hello")).state == ("held", "sent")[pages - 1]
    assert sender.texts().count("hello") == 1
