"""What is said arrives in Slack once, in order, whatever Slack answers."""

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
from tests.outbox.sender import IMPATIENT, Sender


async def test_a_message_is_posted_and_its_place_kept(sender: Sender) -> None:
    await sender.say("hello")
    await sender.deliver()

    row = await sender.row("hello")
    assert sender.texts() == ["hello"]
    assert (row.state, row.channel, row.payload) == ("sent", LAUNCH, None)
    assert row.ts == sender.slack.as_user(BEN).visible(LAUNCH)[-1]["ts"]


async def test_the_same_key_is_said_once(sender: Sender) -> None:
    await sender.say("hello")
    await sender.say("hello", text="again")
    await sender.deliver()
    await sender.deliver()

    assert sender.texts() == ["hello"]


async def test_a_direct_message_opens_its_channel(sender: Sender) -> None:
    await sender.say("dm", to=BEN)
    await sender.deliver()

    assert (await sender.row("dm")).channel.startswith("D")
    assert [m["text"] for m in sender.slack.as_user(BEN).dm_with_bot()] == ["dm"]


async def test_order_is_kept_within_a_conversation(sender: Sender) -> None:
    for number in range(5):
        await sender.say(f"m{number}")
    sender.slack.faults.fail_next("chat.postMessage", status=429, retry_after=0)
    await sender.deliver()

    assert sender.texts() == [f"m{number}" for number in range(5)]


async def test_an_edit_of_what_is_for_later_is_in_it_from_the_start(sender: Sender) -> None:
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


async def test_an_edit_that_waits_is_replaced_by_the_next(sender: Sender) -> None:
    await sender.say("hello")
    for text in ("one", "two"):
        async with sender.db.transaction() as tx:
            said = content(text, section(text))
            await enqueue.edit(
                tx, WORKSPACE, of=MessageKey("hello"), content=said, now=sender.clock.now()
            )
    await sender.deliver()

    assert sender.texts() == ["two"]
    assert [c.method for c in sender.slack.calls].count("chat.update") == 1


async def test_pins_and_bookmarks_are_set_and_taken_back(sender: Sender) -> None:
    await sender.say("hello")
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
        await enqueue.unmark(tx, WORKSPACE, of=MessageKey("hello"), now=now)
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
    ids=["500", "fatal_error", "cut", "silence"],
)
async def test_what_slack_took_without_saying_so_is_not_sent_again(
    sender: Sender, fault: dict[str, Any]
) -> None:
    sender.slack.faults.fail_next("chat.postMessage", **fault)
    await sender.say("hello")
    await sender.deliver()

    assert sender.texts() == ["hello"]
    assert (await sender.row("hello")).state == "sent"


@pytest.mark.parametrize(
    "fault",
    [{"status": 500}, {"drop": True}, {"status": 429, "retry_after": 0}],
    ids=["500", "cut", "429"],
)
async def test_what_slack_did_not_take_is_sent(sender: Sender, fault: dict[str, Any]) -> None:
    sender.slack.faults.fail_next("chat.postMessage", **fault)
    await sender.say("hello")
    await sender.deliver()

    assert sender.texts() == ["hello"]


async def test_a_lookup_that_fails_is_made_again_before_anything_is_resent(sender: Sender) -> None:
    sender.slack.faults.fail_next("chat.postMessage", status=500, after_accept=True)
    sender.slack.faults.fail_next("conversations.open", status=500)
    sender.slack.faults.fail_next("conversations.history", status=500, times=2)
    await sender.say("dm", to=BEN)
    await sender.deliver()

    assert [m["text"] for m in sender.slack.as_user(BEN).dm_with_bot()] == ["dm"]


async def test_an_unknown_outcome_blocks_only_its_conversation(sender: Sender) -> None:
    sender.slack.faults.fail_next("chat.postMessage", status=500, after_accept=True)
    sender.slack.faults.fail_next("conversations.open", status=500, times=1000)
    delivery = sender.another(replace(IMPATIENT, first_retry=60))
    await sender.say("to ben", to=BEN)
    await delivery.deliver_due()
    await sender.say("more to ben", to=BEN)
    await sender.say("to chiara", to=CHIARA)
    await delivery.deliver_due()

    assert [m["text"] for m in sender.slack.as_user(CHIARA).dm_with_bot()] == ["to chiara"]
    assert (await sender.row("more to ben")).state == "pending"


async def test_what_cannot_be_proven_is_held(sender: Sender) -> None:
    sender.slack.faults.fail_next("chat.postMessage", status=500)
    sender.slack.faults.fail_next("conversations.history", error="missing_scope")
    await sender.say("hello")
    await sender.deliver()

    assert (await sender.row("hello")).state == "held"
    assert sender.texts() == []


async def test_what_slack_will_never_take_fails_and_stops_nothing(sender: Sender) -> None:
    await sender.say("nowhere", to=PLATFORM)
    await sender.say("here")
    await sender.deliver()

    row = await sender.row("nowhere")
    assert (row.state, row.error) == ("failed", "not_in_channel")
    assert sender.texts() == ["here"]


async def test_what_is_too_late_is_not_said(sender: Sender) -> None:
    await sender.say("late", expires_at=sender.clock.now() + timedelta(hours=1))
    sender.clock.advance(timedelta(hours=2))
    await sender.deliver()

    assert (await sender.row("late")).state == "expired"
    assert sender.texts() == []


async def test_a_dead_senders_lease_is_taken_over_and_its_call_looked_up(sender: Sender) -> None:
    await sender.say("hello")
    await sender.deliver()
    async with (
        sender.db.transaction() as tx
    ):  # as a kill between Slack's yes and our commit leaves it
        await tx.execute(
            schema.messages.update().values(
                state="sending", payload={"text": "hello", "blocks": []}, channel=None, ts=None
            )
        )
    await sender.say("next")
    later = sender.another()
    while await later.deliver_due():
        pass

    assert sender.texts() == ["hello", "next"]


async def test_two_senders_share_the_work_and_send_nothing_twice(sender: Sender) -> None:
    for number in range(20):
        await sender.say(f"m{number}", to=(BEN, CHIARA)[number % 2])
    other = sender.another()
    while await sender.delivery.deliver_due() + await other.deliver_due():
        pass

    for person in (BEN, CHIARA):
        texts = [m["text"] for m in sender.slack.as_user(person).dm_with_bot()]
        assert texts == [f"m{n}" for n in range(20) if (BEN, CHIARA)[n % 2] == person]


async def say_with_picture(sender: Sender) -> None:
    said = content(
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
            content=said,
            now=sender.clock.now(),
        )


async def test_a_picture_is_uploaded_before_its_message(sender: Sender) -> None:
    await say_with_picture(sender)
    await sender.deliver()

    blocks = sender.slack.as_user(BEN).visible(LAUNCH)[-1]["blocks"]
    assert [block["type"] for block in blocks] == ["section", "image"]
    assert blocks[1]["slack_file"]["id"].startswith("F")


@pytest.mark.parametrize("cause", ["draw", "upload"])
async def test_without_its_picture_the_message_is_still_said(sender: Sender, cause: str) -> None:
    sender.draws_fail = cause == "draw"
    if cause == "upload":
        sender.slack.faults.fail_next(
            "files.getUploadURLExternal", error="ekm_access_denied", times=9
        )
    await say_with_picture(sender)
    await sender.deliver()

    blocks = sender.slack.as_user(BEN).visible(LAUNCH)[-1]["blocks"]
    assert [block["type"] for block in blocks] == ["section"]


async def test_a_picture_waits_as_long_as_slack_asks(sender: Sender) -> None:
    for _ in range(IMPATIENT.picture_tries + 1):
        sender.slack.faults.fail_next("files.getUploadURLExternal", status=429, retry_after=60)
        await say_with_picture(sender)
        await sender.deliver()
        row = await sender.row("results")
        assert (row.state, row.attempts) == ("pending", 0)
        assert row.retry_at - real_now() > timedelta(seconds=30)
        async with sender.db.transaction() as tx:
            await tx.execute(schema.messages.update().values(retry_at=None))
    await sender.deliver()

    blocks = sender.slack.as_user(BEN).visible(LAUNCH)[-1]["blocks"]
    assert [block["type"] for block in blocks] == ["section", "image"]
