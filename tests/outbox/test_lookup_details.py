"""What proves that a message is in Slack, and when a look for that is made."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.channel_health import restore_announcement
from bot.channel_health.delivery_events import on_message_posted
from bot.clock import real_now
from bot.outbox import requeue
from bot.outbox.keys import MessageKey
from bot.outbox.retry_limit import MOST_TRIES
from bot.outbox.web_api import METADATA_TYPE
from bot.services import Services
from bot.slack.content import content, section
from tests.harness import BEN, LAUNCH, WORKSPACE
from tests.outbox.sender import IMPATIENT, Sender, our_context, our_event
from tests.outbox.test_unknown_outcome import (
    change,
    direct,
    leave_in_doubt,
    look_now,
    lookup_attempts,
    posts,
)


@pytest.mark.parametrize("accepted", [True, False], ids=["accepted", "not accepted"])
async def test_what_was_tried_often_is_looked_for_before_it_is_given_up(
    sender: Sender, accepted: bool
) -> None:
    """Slack takes others meanwhile; it may be there all the same."""
    await leave_in_doubt(sender, "hello", accepted=accepted)
    await sender.say("another", to=BEN)
    await sender.deliver()
    long_ago = sender.clock.now() - timedelta(hours=2)
    await change(sender, "hello", attempts=MOST_TRIES, first_try_at=long_ago)
    await look_now(sender, "hello")

    assert sender.texts() == ["hello"] * accepted
    assert posts(sender, "hello") == [None]
    assert (await sender.row("hello")).state == ("sent" if accepted else "failed")


async def test_what_was_tried_often_is_in_doubt_like_any_other(sender: Sender) -> None:
    await sender.say("hello")
    await change(sender, "hello", attempts=MOST_TRIES - 2)
    sender.slack.faults.fail_next("chat.postMessage", status=500, after_accept=True)
    await sender.another(replace(IMPATIENT, settle=600)).deliver_due()

    assert (await sender.row("hello")).state == "unknown"


async def test_a_named_error_of_an_unwell_slack_leaves_the_outcome_unknown(sender: Sender) -> None:
    sender.slack.faults.fail_next(
        "chat.postMessage", status=500, error="not_in_channel", after_accept=True
    )
    await sender.say("hello")
    await sender.deliver()

    assert (await sender.row("hello")).state == "sent"
    assert sender.texts() == ["hello"]


async def test_another_apps_message_with_our_id_is_no_proof(sender: Sender) -> None:
    await leave_in_doubt(sender, "hello", accepted=False)
    payload = {"id": (await sender.row("hello")).message_id}
    await sender.client.chat_postMessage(
        channel=LAUNCH,
        text="another app's",
        metadata={"event_type": "another_app", "event_payload": payload},
    )
    await look_now(sender, "hello")

    assert sender.texts() == ["another app's", "hello"]
    assert (await sender.row("hello")).ts == sender.slack.as_user(BEN).visible(LAUNCH)[-1]["ts"]


@pytest.mark.parametrize(
    ("state", "tried", "event_type", "team", "more", "heard"),
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
        ("unknown", True, METADATA_TYPE, WORKSPACE, {"channel_id": "C0ELSEWHERE"}, False),
        ("unknown", True, METADATA_TYPE, WORKSPACE, {"channel_id": "D0ELSEWHERE"}, False),
    ],
)
async def test_only_our_own_event_proves_what_may_be_there(
    sender: Sender,
    services: Services,
    monkeypatch: pytest.MonkeyPatch,
    state: str,
    tried: bool,
    event_type: str,
    team: str,
    more: dict[str, Any],
    heard: bool,
) -> None:
    await sender.say("hello")
    await change(sender, "hello", state=state, first_try_at=sender.clock.now() if tried else None)
    stood: list[str] = []

    async def stands(_tx: AsyncConnection, workspace_id: str, key: str, _now: datetime) -> None:
        stood.append(f"{workspace_id}:{key}")

    monkeypatch.setattr(restore_announcement, "restore", stands)

    message_id = (await sender.row("hello")).message_id
    event = our_event(message_id, event_type=event_type, **more)
    context = our_context(team)
    for _ in "12":  # Slack may tell of it again
        body = {"event_id": "Ev1", "event": event}
        await on_message_posted(services, body, context)

    row = await sender.row("hello")
    assert (row.state, row.channel, row.ts) == (
        ("sent", LAUNCH, "1795424401.000000") if heard else (state, None, None)
    )
    assert (row.payload is None) == heard
    assert stood == [f"{WORKSPACE}:hello"] * (heard and state == "held")


async def test_an_event_about_an_earlier_post_proves_nothing_about_a_later_one(
    sender: Sender, services: Services
) -> None:
    """It was deleted in Slack and posted again, and Slack tells of the first post once more."""
    await sender.say("hello")
    await sender.deliver()
    event = our_event((await sender.row("hello")).message_id)
    said, key = content("hello", section("hello")), MessageKey("hello")
    async with sender.db.transaction() as tx:
        await requeue.mark_deleted(tx, WORKSPACE, key=key, reason="deleted in Slack")
        await requeue.repost(tx, WORKSPACE, key=key, content=said, now=sender.clock.now())
    await change(sender, "hello", state="unknown")
    await on_message_posted(services, {"event_id": "Ev2", "event": event}, our_context())

    assert (await sender.row("hello")).state == "unknown"


async def test_a_look_waits_as_long_as_slack_asks(sender: Sender) -> None:
    await leave_in_doubt(sender, "hello", accepted=True)
    sender.slack.faults.fail_next("conversations.history", status=429, retry_after=60)
    await look_now(sender, "hello")

    row = await sender.row("hello")
    assert row.state == "unknown"
    assert row.retry_at - real_now() > timedelta(seconds=30)


async def test_the_second_look_comes_after_a_while(sender: Sender) -> None:
    await leave_in_doubt(sender, "hello", accepted=False)
    await change(sender, "hello", retry_at=None)
    await sender.another(replace(IMPATIENT, settle=600)).deliver_due()

    row = await sender.row("hello")
    assert (row.state, row.error, row.lookup_attempts) == ("unknown", "not there yet", 1)
    assert row.retry_at - real_now() > timedelta(seconds=300)


async def test_to_a_person_one_look_is_enough(sender: Sender) -> None:
    await leave_in_doubt(sender, "hello", accepted=False, to=BEN)
    await change(sender, "hello", retry_at=None)
    await sender.another(replace(IMPATIENT, settle=600)).deliver_due()

    assert (lookup_attempts(sender), direct(sender)) == (1, ["hello"])
    assert (await sender.row("hello")).lookup_attempts == 0


async def test_a_look_begins_an_hour_before_the_first_try_with_one_small_page(
    sender: Sender,
) -> None:
    await leave_in_doubt(sender, "hello", accepted=True)
    first_try_at = (await sender.row("hello")).first_try_at
    await look_now(sender, "hello")

    (look,) = [call for call in sender.slack.calls if call.method == "conversations.history"]
    hour_before = (first_try_at - timedelta(hours=1)).timestamp()
    assert float(look.args["oldest"]) == pytest.approx(hour_before)
    assert int(look.args["limit"]) == 15
