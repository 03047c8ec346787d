"""Posts with an unknown outcome are found wherever they are, and sent once."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.channel_health.delivery_confirmations import on_message_posted
from bot.clock import real_now
from bot.db import schema
from bot.outbox import enqueue, requeue
from bot.outbox.keys import MessageKey
from bot.outbox.outcome_lookup import PAGE
from bot.services import Services
from bot.slack.content import content, section
from tests.harness import BEN, LAUNCH, WORKSPACE
from tests.outbox.sender import NO_DELAYS, Sender, bolt_context, message_posted_event


async def post_with_unknown_outcome(
    sender: Sender, key: str, *, accepted: bool, **more: Any
) -> None:
    """Post with an unknown outcome that is not looked up yet."""
    sender.slack.faults.fail_next("chat.postMessage", status=500, after_accept=accepted)
    await sender.enqueue(key, **more)
    await sender.new_delivery(replace(NO_DELAYS, settle=600)).deliver_due()
    assert (await sender.row(key)).state == "unknown"


async def change(sender: Sender, key: str, **values: Any) -> None:
    async with sender.db.transaction() as tx:
        await tx.execute(
            update(schema.messages).where(schema.messages.c.key == key).values(**values)
        )


async def run_lookup(sender: Sender, key: str) -> None:
    await change(sender, key, retry_at=None)
    await sender.deliver()


async def repost(sender: Sender, key: str) -> None:
    async with sender.db.transaction() as tx:
        body, now = content(key, section(key)), sender.clock.now()
        await requeue.repost(tx, WORKSPACE, key=MessageKey(key), content=body, now=now)


async def mark_deleted(sender: Sender, key: str) -> None:
    async with sender.db.transaction() as tx:
        await requeue.mark_deleted(tx, WORKSPACE, key=MessageKey(key), reason="deleted in Slack")


def posts(sender: Sender, key: str) -> list[str | None]:
    """The thread of each attempt to post it."""
    return [
        call.args.get("thread_ts")
        for call in sender.slack.calls
        if call.method == "chat.postMessage" and call.args["text"] == key
    ]


def lookup_attempts(sender: Sender) -> int:
    return [call.method for call in sender.slack.calls].count("conversations.history")


def direct_texts(sender: Sender) -> list[str]:
    return [message["text"] for message in sender.slack.as_user(BEN).dm_with_bot()]


async def test_message_event_confirms_a_post_until_it_is_resent(
    sender: Sender, services: Services
) -> None:
    """It arrives after lookups that did not find the message yet."""
    await post_with_unknown_outcome(sender, "hello", accepted=True)
    await change(sender, "hello", state="pending", retry_at=None, error="proven absent")
    ts = sender.slack.as_user(BEN).visible(LAUNCH)[-1]["ts"]
    event = message_posted_event((await sender.row("hello")).message_id, message_ts=ts)
    await on_message_posted(services, {"event_id": "Ev1", "event": event}, bolt_context())
    assert (await sender.row("hello")).ts == event["message_ts"]

    await sender.deliver()
    assert sender.texts() == ["hello"]


@pytest.mark.parametrize("accepted", [True, False], ids=["accepted", "not accepted"])
async def test_unknown_message_past_its_expiry_is_still_looked_up(
    sender: Sender, accepted: bool
) -> None:
    soon = sender.clock.now() + timedelta(minutes=2)
    await post_with_unknown_outcome(sender, "remind", accepted=accepted, to=BEN, expires_at=soon)
    sender.clock.advance(timedelta(minutes=3))
    await run_lookup(sender, "remind")

    row = await sender.row("remind")
    assert (row.state, row.ts is not None) == (("sent", True) if accepted else ("expired", False))
    assert direct_texts(sender) == ["remind"] * accepted


@pytest.mark.parametrize("accepted", [True, False], ids=["accepted", "not accepted"])
async def test_cancelled_unknown_message_is_looked_up_but_not_resent(
    sender: Sender, accepted: bool
) -> None:
    await post_with_unknown_outcome(sender, "warn", accepted=accepted, to=BEN)
    async with sender.db.transaction() as tx:
        await enqueue.cancel(tx, WORKSPACE, keys=[MessageKey("warn")])
    await run_lookup(sender, "warn")

    assert (await sender.row("warn")).state == ("sent" if accepted else "expired")
    assert direct_texts(sender) == ["warn"] * accepted


@pytest.mark.parametrize(
    "thread_stored", [True, False], ids=["thread stored", "stored by an older version"]
)
async def test_reply_is_looked_up_in_the_thread_of_its_attempt(
    sender: Sender, thread_stored: bool
) -> None:
    await sender.enqueue("announcement")
    await sender.deliver()
    there = (await sender.row("announcement")).ts
    await post_with_unknown_outcome(sender, "results", accepted=True, thread_of="announcement")
    if thread_stored:
        await mark_deleted(sender, "announcement")
        await repost(sender, "announcement")
    else:
        await change(sender, "results", thread_ts=None)
    await run_lookup(sender, "results")

    assert posts(sender, "results") == [there]
    assert (await sender.row("results")).state == "sent"


async def test_top_level_post_is_not_looked_up_in_a_thread_started_since(
    sender: Sender,
) -> None:
    await sender.enqueue("announcement")
    await sender.deliver()
    await mark_deleted(sender, "announcement")
    await post_with_unknown_outcome(sender, "results", accepted=True, thread_of="announcement")
    await change(sender, "announcement", state="sent", channel=LAUNCH, ts="1795424401.000000")
    await run_lookup(sender, "results")

    assert posts(sender, "results") == [None]
    assert (await sender.row("results")).state == "sent"


async def test_reply_to_a_deleted_thread_is_resent_as_a_top_level_post(sender: Sender) -> None:
    """It need not be held for a decision."""
    await sender.enqueue("announcement")
    await sender.deliver()
    there = await sender.row("announcement")
    await post_with_unknown_outcome(sender, "results", accepted=False, thread_of="announcement")
    await sender.client.chat_delete(channel=LAUNCH, ts=there.ts)
    await mark_deleted(sender, "announcement")
    await run_lookup(sender, "results")

    assert posts(sender, "results") == [there.ts, None]
    assert sender.texts() == ["results"]


async def test_revoked_token_during_a_lookup_halts_the_lease(sender: Sender) -> None:
    await post_with_unknown_outcome(sender, "hello", accepted=True)
    sender.slack.faults.fail_next("conversations.history", error="token_revoked", times=100)
    await run_lookup(sender, "hello")

    assert lookup_attempts(sender) == 1
    async with sender.db.reading() as reader:
        assert await reader.scalar(select(schema.sender_leases.c.halted)) == "token_revoked"
    assert (await sender.row("hello")).state == "unknown"


async def test_failing_lookups_back_off(sender: Sender) -> None:
    sender.slack.faults.fail_next("conversations.history", status=500, times=5)
    await post_with_unknown_outcome(sender, "hello", accepted=True)
    patient = sender.new_delivery(replace(NO_DELAYS, first_retry=10))
    for _ in range(5):
        await change(sender, "hello", retry_at=None)
        await patient.deliver_due()

    assert (await sender.row("hello")).lookup_attempts == 5
    assert (await sender.row("hello")).retry_at - real_now() > timedelta(seconds=60)


async def test_failed_lookup_does_not_count_as_one_of_the_two(sender: Sender) -> None:
    await post_with_unknown_outcome(sender, "hello", accepted=False)
    sender.slack.faults.fail_next("conversations.history", status=500)
    await run_lookup(sender, "hello")

    assert lookup_attempts(sender) == 3
    assert sender.texts() == ["hello"]


async def test_lookup_finds_the_message_with_a_clock_ahead_of_slack(sender: Sender) -> None:
    ahead = sender.clock.now() + timedelta(minutes=50)
    await post_with_unknown_outcome(sender, "hello", accepted=True)
    await change(sender, "hello", first_try_at=ahead)
    await run_lookup(sender, "hello")

    assert sender.texts() == ["hello"]
    assert (await sender.row("hello")).state == "sent"


@pytest.mark.parametrize("pages", [1, 2])
async def test_message_behind_many_others_is_found_within_the_page_limit_or_held(
    sender: Sender, monkeypatch: pytest.MonkeyPatch, pages: int
) -> None:
    monkeypatch.setattr("bot.outbox.outcome_lookup.MAX_PAGES", pages)
    await post_with_unknown_outcome(sender, "hello", accepted=True)
    for number in range(PAGE):
        await sender.client.chat_postMessage(channel=LAUNCH, text=f"{number}")
    await run_lookup(sender, "hello")

    assert lookup_attempts(sender) == pages
    assert (await sender.row("hello")).state == ("held", "sent")[pages - 1]
    assert sender.texts().count("hello") == 1
