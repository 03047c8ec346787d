"""Messages arrive in Slack once and in order, however Slack responds."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.clock import real_now
from bot.db import schema
from bot.outbox import enqueue
from bot.outbox.keys import MessageKey
from bot.slack.content import Picture, content, picture_block, section
from tests.harness import BEN, CHIARA, LAUNCH, PLATFORM, WORKSPACE
from tests.outbox.sender import NO_DELAYS, Sender


async def test_posted_message_is_marked_sent_with_its_channel_and_ts(sender: Sender) -> None:
    await sender.enqueue("hello")
    await sender.deliver()

    row = await sender.row("hello")
    assert sender.texts() == ["hello"]
    assert (row.state, row.channel, row.payload) == ("sent", LAUNCH, None)
    assert row.ts == sender.slack.as_user(BEN).visible(LAUNCH)[-1]["ts"]


async def test_same_key_is_posted_once(sender: Sender) -> None:
    await sender.enqueue("hello")
    await sender.enqueue("hello", text="again")
    await sender.deliver()
    await sender.deliver()

    assert sender.texts() == ["hello"]


async def test_direct_message_opens_a_dm_channel(sender: Sender) -> None:
    await sender.enqueue("dm", to=BEN)
    await sender.deliver()

    assert (await sender.row("dm")).channel.startswith("D")
    assert [m["text"] for m in sender.slack.as_user(BEN).dm_with_bot()] == ["dm"]


async def test_messages_keep_their_order_when_one_is_rate_limited(sender: Sender) -> None:
    for number in range(5):
        await sender.enqueue(f"m{number}")
    sender.slack.faults.fail_next("chat.postMessage", status=429, retry_after=0)
    await sender.deliver()

    assert sender.texts() == [f"m{number}" for number in range(5)]


async def test_edit_of_a_scheduled_message_is_part_of_its_first_post(sender: Sender) -> None:
    now, later = sender.clock.now(), sender.clock.now() + timedelta(hours=1)
    async with sender.db.transaction() as tx:
        old, new = content("old", section("old")), content("new", section("new"))
        await enqueue.post(
            tx, WORKSPACE, key=MessageKey("later"), to=LAUNCH, content=old, now=later
        )
        await enqueue.edit(tx, WORKSPACE, of=MessageKey("later"), content=new, now=now)
    await sender.deliver()
    assert sender.texts() == []

    sender.clock.move_to(later)
    await sender.deliver()

    assert sender.texts() == ["new"]
    assert [c.method for c in sender.slack.calls].count("chat.update") == 0


async def test_pending_edit_is_replaced_by_a_newer_edit(sender: Sender) -> None:
    await sender.enqueue("hello")
    for text in ("one", "two"):
        async with sender.db.transaction() as tx:
            body = content(text, section(text))
            await enqueue.edit(
                tx, WORKSPACE, of=MessageKey("hello"), content=body, now=sender.clock.now()
            )
    await sender.deliver()

    assert sender.texts() == ["two"]
    assert [c.method for c in sender.slack.calls].count("chat.update") == 1


async def test_pins_and_bookmarks_are_added_and_removed(sender: Sender) -> None:
    await sender.enqueue("hello")
    now = sender.clock.now()
    async with sender.db.transaction() as tx:
        await enqueue.pin(tx, WORKSPACE, of=MessageKey("hello"), now=now)
        await enqueue.bookmark(
            tx, WORKSPACE, of=MessageKey("hello"), title="Phase", emoji=":x:", now=now
        )
    await sender.deliver()
    listed = await sender.client.bookmarks_list(channel_id=LAUNCH)
    assert [mark["title"] for mark in listed["bookmarks"]] == ["Phase"]

    async with sender.db.transaction() as tx:
        await enqueue.unpin_and_unbookmark(tx, WORKSPACE, of=MessageKey("hello"), now=now)
        await enqueue.unbookmark(tx, WORKSPACE, of=MessageKey("hello"), now=now)
    await sender.deliver()
    assert (await sender.client.bookmarks_list(channel_id=LAUNCH))["bookmarks"] == []
    assert (await sender.row("unpin:hello")).state == "sent"


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500, "after_accept": True},
        {"error": "fatal_error", "after_accept": True},
        {"drop": True, "after_accept": True},
        {"hang": 3, "after_accept": True},
    ],
    ids=["500", "fatal_error", "connection dropped", "timeout"],
)
async def test_post_accepted_despite_a_failed_call_is_not_sent_again(
    sender: Sender, fault: dict[str, Any]
) -> None:
    sender.slack.faults.fail_next("chat.postMessage", **fault)
    await sender.enqueue("hello")
    await sender.deliver()

    assert sender.texts() == ["hello"]
    assert (await sender.row("hello")).state == "sent"


@pytest.mark.parametrize(
    "fault",
    [{"status": 500}, {"drop": True}, {"status": 429, "retry_after": 0}],
    ids=["500", "connection dropped", "429"],
)
async def test_post_that_slack_did_not_accept_is_sent_again(
    sender: Sender, fault: dict[str, Any]
) -> None:
    sender.slack.faults.fail_next("chat.postMessage", **fault)
    await sender.enqueue("hello")
    await sender.deliver()

    assert sender.texts() == ["hello"]


async def test_failed_lookup_is_repeated_before_anything_is_resent(sender: Sender) -> None:
    sender.slack.faults.fail_next("chat.postMessage", status=500, after_accept=True)
    sender.slack.faults.fail_next("conversations.open", status=500)
    sender.slack.faults.fail_next("conversations.history", status=500, times=2)
    await sender.enqueue("dm", to=BEN)
    await sender.deliver()

    assert [m["text"] for m in sender.slack.as_user(BEN).dm_with_bot()] == ["dm"]


async def test_unknown_outcome_blocks_only_its_conversation(sender: Sender) -> None:
    sender.slack.faults.fail_next("chat.postMessage", status=500, after_accept=True)
    sender.slack.faults.fail_next("conversations.open", status=500, times=1000)
    delivery = sender.new_delivery(replace(NO_DELAYS, first_retry=60))
    await sender.enqueue("to ben", to=BEN)
    await delivery.deliver_due()
    await sender.enqueue("more to ben", to=BEN)
    await sender.enqueue("to chiara", to=CHIARA)
    await delivery.deliver_due()

    assert [m["text"] for m in sender.slack.as_user(CHIARA).dm_with_bot()] == ["to chiara"]
    assert (await sender.row("more to ben")).state == "pending"


async def test_message_is_held_if_its_outcome_cannot_be_looked_up(sender: Sender) -> None:
    sender.slack.faults.fail_next("chat.postMessage", status=500)
    sender.slack.faults.fail_next("conversations.history", error="missing_scope")
    await sender.enqueue("hello")
    await sender.deliver()

    assert (await sender.row("hello")).state == "held"
    assert sender.texts() == []


async def test_permanently_rejected_message_fails_without_blocking_others(sender: Sender) -> None:
    await sender.enqueue("nowhere", to=PLATFORM)
    await sender.enqueue("here")
    await sender.deliver()

    row = await sender.row("nowhere")
    assert (row.state, row.error) == ("failed", "not_in_channel")
    assert sender.texts() == ["here"]


async def test_expired_message_is_not_sent(sender: Sender) -> None:
    await sender.enqueue("late", expires_at=sender.clock.now() + timedelta(hours=1))
    sender.clock.advance(timedelta(hours=2))
    await sender.deliver()

    assert (await sender.row("late")).state == "expired"
    assert sender.texts() == []


async def test_message_left_sending_by_a_dead_sender_is_looked_up(sender: Sender) -> None:
    await sender.enqueue("hello")
    await sender.deliver()
    # as a crash between Slack's response and the commit leaves it
    async with sender.db.transaction() as tx:
        await tx.execute(
            schema.messages.update().values(
                state="sending", payload={"text": "hello", "blocks": []}, channel=None, ts=None
            )
        )
    await sender.enqueue("next")
    later = sender.new_delivery()
    while await later.deliver_due():
        pass

    assert sender.texts() == ["hello", "next"]


async def test_two_senders_send_each_message_once_and_in_order(sender: Sender) -> None:
    for number in range(20):
        await sender.enqueue(f"m{number}", to=(BEN, CHIARA)[number % 2])
    other = sender.new_delivery()
    while await sender.delivery.deliver_due() + await other.deliver_due():
        pass

    for person in (BEN, CHIARA):
        texts = [m["text"] for m in sender.slack.as_user(person).dm_with_bot()]
        assert texts == [f"m{n}" for n in range(20) if (BEN, CHIARA)[n % 2] == person]


async def enqueue_with_picture(sender: Sender) -> None:
    body = content(
        "results",
        section("results"),
        picture_block("A chart"),
        picture=Picture(facts={}, alt_text="A chart", title="Results"),
    )
    async with sender.db.transaction() as tx:
        await enqueue.post(
            tx,
            WORKSPACE,
            key=MessageKey("results"),
            to=LAUNCH,
            content=body,
            now=sender.clock.now(),
        )


async def test_picture_is_uploaded_before_its_message(sender: Sender) -> None:
    await enqueue_with_picture(sender)
    await sender.deliver()

    blocks = sender.slack.as_user(BEN).visible(LAUNCH)[-1]["blocks"]
    assert [block["type"] for block in blocks] == ["section", "image"]
    assert blocks[1]["slack_file"]["id"].startswith("F")


@pytest.mark.parametrize("cause", ["draw", "upload"])
async def test_message_is_sent_without_a_picture_that_fails(sender: Sender, cause: str) -> None:
    sender.drawing_fails = cause == "draw"
    if cause == "upload":
        sender.slack.faults.fail_next(
            "files.getUploadURLExternal", error="ekm_access_denied", times=9
        )
    await enqueue_with_picture(sender)
    await sender.deliver()

    blocks = sender.slack.as_user(BEN).visible(LAUNCH)[-1]["blocks"]
    assert [block["type"] for block in blocks] == ["section"]


async def test_rate_limited_picture_upload_waits_for_retry_after(sender: Sender) -> None:
    for _ in range(NO_DELAYS.picture_tries + 1):
        sender.slack.faults.fail_next("files.getUploadURLExternal", status=429, retry_after=60)
        await enqueue_with_picture(sender)
        await sender.deliver()
        row = await sender.row("results")
        assert (row.state, row.attempts) == ("pending", 0)
        assert row.retry_at - real_now() > timedelta(seconds=30)
        async with sender.db.transaction() as tx:
            await tx.execute(schema.messages.update().values(retry_at=None))
    await sender.deliver()

    blocks = sender.slack.as_user(BEN).visible(LAUNCH)[-1]["blocks"]
    assert [block["type"] for block in blocks] == ["section", "image"]
