"""Evidence that a message is in Slack, and the timing and range of lookups."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.channel_health import late_deliveries
from bot.channel_health.delivery_confirmations import on_message_posted
from bot.clock import real_now
from bot.outbox import requeue
from bot.outbox.keys import MessageKey
from bot.outbox.retry_limit import MAX_ATTEMPTS
from bot.outbox.web_api import METADATA_TYPE
from bot.services import Services
from bot.slack.content import content, section
from tests.harness import BEN, LAUNCH, WORKSPACE
from tests.outbox.sender import NO_DELAYS, Sender, bolt_context, message_posted_event
from tests.outbox.test_unknown_outcome import (
    change,
    direct_texts,
    lookup_attempts,
    post_with_unknown_outcome,
    posts,
    run_lookup,
)


@pytest.mark.parametrize("accepted", [True, False], ids=["accepted", "not accepted"])
async def test_exhausted_message_is_looked_up_before_it_is_given_up(
    sender: Sender, accepted: bool
) -> None:
    """Slack accepts other posts meanwhile, and may have accepted this one."""
    await post_with_unknown_outcome(sender, "hello", accepted=accepted)
    await sender.enqueue("another", to=BEN)
    await sender.deliver()
    long_ago = sender.clock.now() - timedelta(hours=2)
    await change(sender, "hello", attempts=MAX_ATTEMPTS, first_try_at=long_ago)
    await run_lookup(sender, "hello")

    assert sender.texts() == ["hello"] * accepted
    assert posts(sender, "hello") == [None]
    assert (await sender.row("hello")).state == ("sent" if accepted else "failed")


async def test_failed_call_close_to_the_retry_limit_leaves_the_outcome_unknown(
    sender: Sender,
) -> None:
    await sender.enqueue("hello")
    await change(sender, "hello", attempts=MAX_ATTEMPTS - 2)
    sender.slack.faults.fail_next("chat.postMessage", status=500, after_accept=True)
    await sender.new_delivery(replace(NO_DELAYS, settle=600)).deliver_due()

    assert (await sender.row("hello")).state == "unknown"


async def test_error_name_in_a_500_response_leaves_the_outcome_unknown(sender: Sender) -> None:
    sender.slack.faults.fail_next(
        "chat.postMessage", status=500, error="not_in_channel", after_accept=True
    )
    await sender.enqueue("hello")
    await sender.deliver()

    assert (await sender.row("hello")).state == "sent"
    assert sender.texts() == ["hello"]


async def test_lookup_ignores_another_apps_message_with_the_same_id(sender: Sender) -> None:
    await post_with_unknown_outcome(sender, "hello", accepted=False)
    payload = {"id": (await sender.row("hello")).message_id}
    await sender.client.chat_postMessage(
        channel=LAUNCH,
        text="another app's",
        metadata={"event_type": "another_app", "event_payload": payload},
    )
    await run_lookup(sender, "hello")

    assert sender.texts() == ["another app's", "hello"]
    assert (await sender.row("hello")).ts == sender.slack.as_user(BEN).visible(LAUNCH)[-1]["ts"]


@pytest.mark.parametrize("accepted", [True, False])
async def test_lookup_takes_no_copy_by_another_app_for_proof(
    sender: Sender, accepted: bool
) -> None:
    await post_with_unknown_outcome(sender, "hello", accepted=accepted)
    payload = {"id": (await sender.row("hello")).message_id}
    sender.slack.post_as_other_app(
        LAUNCH, "a copy", metadata={"event_type": METADATA_TYPE, "event_payload": payload}
    )
    for shape in (None, {}, {"id": None}, {"id": [payload["id"]]}, [payload["id"]], "text"):
        metadata = {"event_type": METADATA_TYPE, "event_payload": shape}
        sender.slack.post_as_other_app(LAUNCH, "odd", metadata=metadata)
    await run_lookup(sender, "hello")

    ours = [
        message
        for message in sender.slack.as_user(BEN).visible(LAUNCH)
        if message.get("app_id") == "A0IMBAL"
    ]
    assert [message["text"] for message in ours] == ["hello"]
    assert (await sender.row("hello")).ts == ours[0]["ts"]


@pytest.mark.parametrize(
    ("state", "tried", "event_type", "team", "more", "confirmed"),
    [
        ("unknown", True, METADATA_TYPE, WORKSPACE, {}, True),
        ("held", True, METADATA_TYPE, WORKSPACE, {}, True),
        ("sending", True, METADATA_TYPE, WORKSPACE, {}, True),
        ("pending", True, METADATA_TYPE, WORKSPACE, {}, True),
        ("pending", False, METADATA_TYPE, WORKSPACE, {}, False),
        ("expired", True, METADATA_TYPE, WORKSPACE, {}, False),
        ("failed", True, METADATA_TYPE, WORKSPACE, {}, False),
        ("unknown", True, "another_app", WORKSPACE, {}, False),
        ("held", True, METADATA_TYPE, "T0OTHER", {}, False),
        ("unknown", True, METADATA_TYPE, WORKSPACE, {"user_id": "U0OTHERBOT"}, False),
        ("unknown", True, METADATA_TYPE, WORKSPACE, {"user_id": None}, False),
        ("unknown", True, METADATA_TYPE, WORKSPACE, {"app_id": "A0OTHER"}, False),
        ("unknown", True, METADATA_TYPE, WORKSPACE, {"app_id": "A0IMBAL"}, True),
        ("unknown", True, METADATA_TYPE, WORKSPACE, {"metadata": None}, False),
        ("unknown", True, METADATA_TYPE, WORKSPACE, {"metadata": {}}, False),
        ("unknown", True, METADATA_TYPE, WORKSPACE, {"channel_id": "C0ELSEWHERE"}, False),
        ("unknown", True, METADATA_TYPE, WORKSPACE, {"channel_id": "D0ELSEWHERE"}, False),
    ],
)
async def test_message_event_confirms_only_an_attempted_post_of_this_bot(
    sender: Sender,
    services: Services,
    monkeypatch: pytest.MonkeyPatch,
    state: str,
    tried: bool,
    event_type: str,
    team: str,
    more: dict[str, Any],
    confirmed: bool,
) -> None:
    await sender.enqueue("hello")
    await change(sender, "hello", state=state, first_try_at=sender.clock.now() if tried else None)
    restored: list[str] = []

    async def record_restore(
        _tx: AsyncConnection, workspace_id: str, key: str, _now: datetime
    ) -> None:
        restored.append(f"{workspace_id}:{key}")

    monkeypatch.setattr(late_deliveries, "follow_up", record_restore)

    message_id = (await sender.row("hello")).message_id
    event = message_posted_event(message_id, event_type=event_type, **more)
    context = bolt_context(team)
    for _ in "12":  # Slack may redeliver the event
        body = {"event_id": "Ev1", "api_app_id": "A0IMBAL", "event": event}
        await on_message_posted(services, body, context)

    row = await sender.row("hello")
    assert (row.state, row.channel, row.ts) == (
        ("sent", LAUNCH, "1795424401.000000") if confirmed else (state, None, None)
    )
    assert (row.payload is None) == confirmed
    assert restored == [f"{WORKSPACE}:hello"] * (confirmed and state == "held")


async def test_event_about_an_earlier_post_does_not_confirm_its_repost(
    sender: Sender, services: Services
) -> None:
    """The message was deleted in Slack and posted again, and then the first post is reported."""
    await sender.enqueue("hello")
    await sender.deliver()
    event = message_posted_event((await sender.row("hello")).message_id)
    body, key = content("hello", section("hello")), MessageKey("hello")
    async with sender.db.transaction() as tx:
        await requeue.mark_deleted(tx, WORKSPACE, key=key, reason="deleted in Slack")
        await requeue.repost(tx, WORKSPACE, key=key, content=body, now=sender.clock.now())
    await change(sender, "hello", state="unknown")
    await on_message_posted(services, {"event_id": "Ev2", "event": event}, bolt_context())

    assert (await sender.row("hello")).state == "unknown"


async def test_rate_limited_lookup_waits_for_retry_after(sender: Sender) -> None:
    await post_with_unknown_outcome(sender, "hello", accepted=True)
    sender.slack.faults.fail_next("conversations.history", status=429, retry_after=60)
    await run_lookup(sender, "hello")

    row = await sender.row("hello")
    assert row.state == "unknown"
    assert row.retry_at - real_now() > timedelta(seconds=30)


async def test_second_lookup_waits_for_the_settle_time(sender: Sender) -> None:
    await post_with_unknown_outcome(sender, "hello", accepted=False)
    await change(sender, "hello", retry_at=None)
    await sender.new_delivery(replace(NO_DELAYS, settle=600)).deliver_due()

    row = await sender.row("hello")
    assert (row.state, row.error, row.lookup_attempts) == ("unknown", "not there yet", 1)
    assert row.retry_at - real_now() > timedelta(seconds=300)


async def test_direct_message_is_resent_after_a_single_lookup(sender: Sender) -> None:
    await post_with_unknown_outcome(sender, "hello", accepted=False, to=BEN)
    await change(sender, "hello", retry_at=None)
    await sender.new_delivery(replace(NO_DELAYS, settle=600)).deliver_due()

    assert (lookup_attempts(sender), direct_texts(sender)) == (1, ["hello"])
    assert (await sender.row("hello")).lookup_attempts == 0


async def test_lookup_reads_fifteen_messages_from_an_hour_before_the_first_attempt(
    sender: Sender,
) -> None:
    await post_with_unknown_outcome(sender, "hello", accepted=True)
    first_try_at = (await sender.row("hello")).first_try_at
    await run_lookup(sender, "hello")

    (lookup,) = [call for call in sender.slack.calls if call.method == "conversations.history"]
    hour_before = (first_try_at - timedelta(hours=1)).timestamp()
    assert float(lookup.args["oldest"]) == pytest.approx(hour_before)
    assert int(lookup.args["limit"]) == 15
