"""Posts of which nobody knows whether Slack took them: found wherever they are, sent once."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from slack_bolt.context.async_context import AsyncBoltContext
from sqlalchemy import update

from bot.db import schema
from bot.outbox import outbox
from bot.outbox.calls import METADATA_TYPE
from bot.outbox.listeners import on_posted
from tests.delivery.sender import IMPATIENT, Sender
from tests.vocabulary import BEN, LAUNCH, WORKSPACE


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


def direct(sender: Sender) -> list[str]:
    return [message["text"] for message in sender.slack.as_user(BEN).dm_with_bot()]


async def test_slacks_own_event_is_heeded_as_long_as_it_is_not_sent_again(sender: Sender) -> None:
    """It comes after looks that did not find the message yet."""
    await leave_in_doubt(sender, "hello", accepted=True)
    await change(sender, "hello", state="pending", retry_at=None, error="proven absent")
    event = {
        "channel_id": LAUNCH,
        "message_ts": sender.slack.as_user(BEN).visible(LAUNCH)[-1]["ts"],
        "metadata": {
            "event_type": METADATA_TYPE,
            "event_payload": {"id": (await sender.row("hello")).message_id},
        },
    }
    body = {"event_id": "Ev1", "event": event}
    await on_posted(sender.db, sender.clock, body, AsyncBoltContext({"team_id": WORKSPACE}))
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
        await outbox.cancel(tx, WORKSPACE, key="warn")
    await look_now(sender, "warn")

    assert (await sender.row("warn")).state == ("sent" if accepted else "expired")
    assert direct(sender) == ["warn"] * accepted
