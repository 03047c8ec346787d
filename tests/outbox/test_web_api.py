"""Arguments of each Slack call, and the effect of each response on its message."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import update

from bot.db import schema
from bot.outbox import enqueue
from bot.outbox.failed_message import FailedMessage
from bot.outbox.keys import MessageKey
from bot.outbox.queued_message import QueuedMessage, SendResult
from bot.outbox.slack_calls import SlackCalls
from bot.outbox.web_api import METADATA_TYPE
from bot.slack.content import Picture, content, picture_block, section
from tests.harness import LAUNCH, WORKSPACE
from tests.outbox.sender import NO_DELAYS, Sender


def args(sender: Sender, method: str) -> list[dict[str, Any]]:
    return [dict(call.args) for call in sender.slack.calls if call.method == method]


async def test_post_carries_its_message_id_and_disables_unfurling_and_parsing(
    sender: Sender,
) -> None:
    await sender.enqueue("hello")
    await sender.deliver()

    (call,) = args(sender, "chat.postMessage")
    message_id = (await sender.row("hello")).message_id
    event = {"event_type": METADATA_TYPE, "event_payload": {"id": message_id}}
    assert (call["metadata"], call["client_msg_id"]) == (event, message_id)
    assert (call["unfurl_links"], call["unfurl_media"], call["link_names"]) == (False, False, False)
    assert call["parse"] == "none"
    assert not call.get("reply_broadcast")


async def test_broadcast_is_a_reply_in_a_thread_and_its_edit_does_not_repeat_that(
    sender: Sender,
) -> None:
    loud = replace(content("loud", section("loud")), is_broadcast=True)
    await sender.enqueue("announcement")
    async with sender.db.transaction() as tx:
        place: dict[str, Any] = {"to": LAUNCH, "now": sender.clock.now(), "content": loud}
        reply, alone = MessageKey("results"), MessageKey("alone")
        await enqueue.post(tx, WORKSPACE, key=reply, thread_of=MessageKey("announcement"), **place)
        await enqueue.post(tx, WORKSPACE, key=alone, **place)
    await sender.deliver()
    async with sender.db.transaction() as tx:
        await enqueue.edit(tx, WORKSPACE, of=reply, content=loud, now=sender.clock.now())
    await sender.deliver()

    posts = args(sender, "chat.postMessage")
    assert [bool(call.get("reply_broadcast")) for call in posts] == [False, True, False]
    (edit,) = args(sender, "chat.update")
    assert "reply_broadcast" not in edit


@pytest.mark.parametrize(
    ("undo", "method", "error", "state"),
    [
        (False, "pins.add", "already_pinned", "sent"),
        (False, "pins.add", "not_pinnable", "failed"),
        (True, "pins.remove", "no_pin", "sent"),
        (True, "pins.remove", "not_pinned", "sent"),
        (True, "bookmarks.remove", "not_found", "sent"),
        (True, "bookmarks.remove", "bookmark_not_found", "sent"),
        (False, "chat.update", "not_found", "failed"),
        (False, "bookmarks.add", "not_found", "failed"),
    ],
)
async def test_already_done_error_counts_as_sent_for_pin_unpin_and_unbookmark(
    sender: Sender, undo: bool, method: str, error: str, state: str
) -> None:
    await sender.enqueue("hello")
    await mark(sender, undo=False)
    if undo:
        await sender.deliver()
        await mark(sender, undo=True)
    sender.slack.faults.fail_next(method, error=error)
    await sender.deliver()

    keys = {
        "pins.add": "pin:hello",
        "pins.remove": "unpin:hello",
        "bookmarks.add": "bookmark:hello",
        "bookmarks.remove": "unbookmark:bookmark:hello",
        "chat.update": "edit:hello",
    }
    assert (await sender.row(keys[method])).state == state


async def mark(sender: Sender, *, undo: bool) -> None:
    now, body = sender.clock.now(), content("new", section("new"))
    async with sender.db.transaction() as tx:
        if undo:
            await enqueue.unpin_and_unbookmark(tx, WORKSPACE, of=MessageKey("hello"), now=now)
            await enqueue.unbookmark(tx, WORKSPACE, of=MessageKey("hello"), now=now)
            return
        await enqueue.edit(tx, WORKSPACE, of=MessageKey("hello"), content=body, now=now)
        await enqueue.pin(tx, WORKSPACE, of=MessageKey("hello"), now=now)
        await enqueue.bookmark(
            tx, WORKSPACE, of=MessageKey("hello"), title="Phase", emoji=":x:", now=now
        )


async def test_bookmark_with_an_unknown_outcome_is_found_among_others(sender: Sender) -> None:
    await sender.client.bookmarks_add(
        channel_id=LAUNCH, title="Other", type="link", link="https://example.com"
    )
    sender.slack.faults.fail_next("bookmarks.add", status=500, after_accept=True)
    await sender.enqueue("hello")
    await mark(sender, undo=False)
    await sender.deliver()

    listed = (await sender.client.bookmarks_list(channel_id=LAUNCH))["bookmarks"]
    assert [one["title"] for one in listed] == ["Other", "Phase"]
    assert (await sender.row("bookmark:hello")).ts == listed[1]["id"]
    assert len(args(sender, "bookmarks.list")) == 2  # its second attempt, and the one in this test


async def enqueue_with_picture(sender: Sender) -> None:
    facts = Picture(facts={}, alt_text="A chart", title="Results")
    body = content("results", picture_block("A chart"), picture=facts)
    async with sender.db.transaction() as tx:
        await enqueue.post(
            tx,
            WORKSPACE,
            key=MessageKey("results"),
            to=LAUNCH,
            content=body,
            now=sender.clock.now(),
        )


async def test_edit_keeps_the_picture(sender: Sender) -> None:
    await enqueue_with_picture(sender)
    await sender.deliver()
    file_id = (await sender.row("results")).file_id
    async with sender.db.transaction() as tx:
        body = content("changed", picture_block("A chart"))
        await enqueue.edit(
            tx, WORKSPACE, of=MessageKey("results"), content=body, now=sender.clock.now()
        )
    await sender.deliver()

    (edited,) = args(sender, "chat.update")
    assert edited["blocks"][0]["slack_file"]["id"] == file_id


async def test_rejected_picture_is_dropped_without_reporting_a_failure(
    sender: Sender,
) -> None:
    failures: list[FailedMessage] = []

    async def refused(_tx: object, refusal: FailedMessage, _now: object) -> None:
        failures.append(refusal)

    sender.slack.faults.fail_next("chat.postMessage", error="invalid_blocks", times=3)
    await enqueue_with_picture(sender)
    delivery = sender.new_delivery(on_failed=refused)
    while await delivery.deliver_due():
        pass

    assert (failures, sender.texts()) == ([], ["results"])
    shown = [call["blocks"] for call in args(sender, "chat.postMessage")]
    assert [bool(blocks) for blocks in shown] == [True, True, True, False]
    assert (await sender.row("results")).attempts == 2  # attempts restart without the picture


async def test_nothing_more_is_attempted_after_a_revoked_token(sender: Sender) -> None:
    for key in ("one", "two"):
        await sender.enqueue(key)
    sender.slack.faults.fail_next("chat.postMessage", error="token_revoked")
    for _ in range(3):
        await sender.delivery.deliver_due()

    assert [call["text"] for call in args(sender, "chat.postMessage")] == ["one"]
    rows = [await sender.row(key) for key in ("one", "two")]
    assert [(row.state, row.attempts) for row in rows] == [("pending", 1), ("pending", 0)]


@pytest.mark.parametrize("seconds", [0, 1])
async def test_message_expires_exactly_at_its_expiry_time(sender: Sender, seconds: int) -> None:
    expires_at = sender.clock.now() + timedelta(seconds=seconds)
    await sender.enqueue("hello", expires_at=expires_at)
    await sender.deliver()

    assert (await sender.row("hello")).state == ("sent" if seconds else "expired")
    assert sender.texts() == ["hello"] * seconds


async def test_edit_pin_and_bookmark_of_a_failed_message_expire(sender: Sender) -> None:
    sender.slack.faults.fail_next("chat.postMessage", error="msg_too_long")
    await sender.enqueue("hello")
    await sender.deliver()
    await mark(sender, undo=False)
    await sender.deliver()

    for key in ("edit:hello", "pin:hello", "bookmark:hello"):
        row = await sender.row(key)
        assert (row.state, row.error, row.attempts) == (
            *("expired", "its message is not in Slack"),
            0,
        )


async def test_calls_in_flight_stay_within_the_limit(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.outbox.workspace_sender.IN_FLIGHT", 2)
    changes: list[int] = []
    begin = SlackCalls.run

    async def run_counted(calls: SlackCalls, row: QueuedMessage, claimed_at: float) -> SendResult:
        changes.append(1)
        in_flight = sum(changes)
        try:
            in_flight_counts.append(in_flight)
            return await begin(calls, row, claimed_at)
        finally:
            changes.append(-1)

    in_flight_counts: list[int] = []
    monkeypatch.setattr(SlackCalls, "run", run_counted)
    for number in range(5):
        await sender.enqueue(f"m{number}", to=f"U0{number}")
    async with sender.db.transaction() as tx:
        await tx.execute(update(schema.messages).values(operation="publish", payload={}))
    await sender.delivery.deliver_due()

    assert (len(in_flight_counts), max(in_flight_counts)) == (5, 2)


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"imbalance_{name}_total", labels) or 0


async def test_metrics_count_every_outcome(sender: Sender) -> None:
    names: list[tuple[str, dict[str, str]]] = [
        ("deliveries", {"operation": "post", "outcome": "sent"}),
        ("deliveries", {"operation": "post", "outcome": "unknown"}),
        ("deliveries", {"operation": "post", "outcome": "pending"}),
        ("deliveries", {"operation": "post", "outcome": "failed"}),
        ("rate_limited", {"method": "post"}),
        ("rate_limited", {"method": "proof"}),
        ("unknown_outcomes", {"cause": "fatal_error"}),
        ("delivery_lookups", {"result": "present"}),
        ("delivery_lookups", {"result": "not_yet"}),
        ("delivery_lookups", {"result": "absent"}),
    ]
    before = [counted(name, **labels) for name, labels in names]
    faults = sender.slack.faults
    faults.fail_next("chat.postMessage", status=429, retry_after=0)
    faults.fail_next("chat.postMessage", status=500, after_accept=True)
    faults.fail_next("conversations.history", status=429, retry_after=0)
    faults.fail_next("chat.postMessage", error="msg_too_long")
    await sender.enqueue("found")
    await sender.enqueue("too long")
    await sender.deliver()
    for key in ("found", "too long"):
        assert (await sender.row(key)).state == ("sent" if key == "found" else "failed")

    after = [counted(name, **labels) for name, labels in names]
    assert [late - early for late, early in zip(after, before, strict=True)] == [
        *(1, 2, 1, 1),  # the rate-limited lookup leaves it unknown once more
        *(1, 1, 1, 1, 1, 0),
    ]


async def test_picture_upload_is_not_counted_as_an_outcome(sender: Sender) -> None:
    labels = {"operation": "post", "outcome": "pending"}
    before = counted("deliveries", **labels)
    await enqueue_with_picture(sender)
    await sender.deliver()

    assert counted("deliveries", **labels) == before


async def test_message_left_by_a_dead_sender_is_counted_and_looked_up_later(
    sender: Sender,
) -> None:
    before = (counted("sender_takeovers"), counted("unknown_outcomes", cause="interrupted"))
    await sender.enqueue("hello")
    async with sender.db.transaction() as tx:
        await tx.execute(update(schema.messages).values(state="sending"))
        await tx.execute(
            update(schema.sender_leases).values(owner="dead", lease_until=sender.clock.now())
        )
    await sender.enqueue("wakes", to="U0BEN")
    await sender.new_delivery(replace(NO_DELAYS, settle=600)).deliver_due()

    row = await sender.row("hello")
    assert (row.state, row.retry_at is None) == ("unknown", False)
    after = (counted("sender_takeovers"), counted("unknown_outcomes", cause="interrupted"))
    assert after == (before[0] + 1, before[1] + 1)
