"""Late posts and scheduled direct messages check quiet hours again; other messages do not."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import AdjustableClock, real_now
from bot.db import schema
from bot.outbox import enqueue
from bot.outbox.keys import MessageKey
from bot.slack.content import content, section
from tests.harness import BEN, LAUNCH, WORKSPACE
from tests.outbox.sender import Sender

SOON, LATE = timedelta(minutes=15), timedelta(minutes=15, seconds=1)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("to", "planned", "late", "checked"),
    [
        (BEN, timedelta(0), SOON, False),
        (BEN, timedelta(0), LATE, True),
        (LAUNCH, timedelta(0), SOON, False),
        (LAUNCH, timedelta(0), LATE, True),
        (BEN, HOUR, timedelta(0), True),  # the recipient's zone may have changed
        (LAUNCH, HOUR, timedelta(0), False),
    ],
)
async def test_quiet_hours_are_checked_for_late_posts_and_scheduled_direct_messages(
    sender: Sender,
    clock: AdjustableClock,
    to: str,
    planned: timedelta,
    late: timedelta,
    checked: bool,
) -> None:
    checks: list[str] = []
    until = clock.now() + timedelta(days=1)

    async def next_allowed_at(
        _tx: AsyncConnection, workspace_id: str, users: Collection[str], _now: datetime
    ) -> Mapping[str, datetime]:
        checks.extend(f"{workspace_id} {user}" for user in users)
        return dict.fromkeys(users, until)

    await sender.enqueue("hello", to=to)
    not_before = clock.now() + planned
    async with sender.db.transaction() as tx:
        await tx.execute(update(schema.messages).values(not_before=not_before))
    clock.move_to(not_before + late)
    await sender.new_delivery(next_allowed_at=next_allowed_at).deliver_due()

    row = await sender.row("hello")
    assert checks == [f"{WORKSPACE} {to}"] * checked
    assert row.not_before == (until if checked else not_before)


@pytest.mark.parametrize("hours", [0, 1, 2])
async def test_message_postponed_to_or_past_its_expiry_is_not_sent(
    sender: Sender, clock: AdjustableClock, hours: int
) -> None:
    """The next allowed time is in an hour; the message expires now, at that time, or later."""
    allowed_at = clock.now() + LATE + HOUR

    async def next_allowed_at(
        _tx: AsyncConnection, _ws: str, users: Collection[str], _now: datetime
    ) -> Mapping[str, datetime]:
        return dict.fromkeys(users, allowed_at)

    await sender.enqueue("hello", to=BEN, expires_at=clock.now() + LATE + timedelta(hours=hours))
    clock.advance(LATE)
    await sender.new_delivery(next_allowed_at=next_allowed_at).deliver_due()

    row = await sender.row("hello")
    assert row.state == ("pending" if hours == 2 else "expired")


async def test_late_edit_ignores_quiet_hours(sender: Sender, clock: AdjustableClock) -> None:
    async def next_allowed_at(*_: Any) -> Mapping[str, datetime]:
        raise AssertionError

    await sender.enqueue("hello")
    await sender.deliver()
    async with sender.db.transaction() as tx:
        body = content("changed", section("changed"))
        await enqueue.edit(tx, WORKSPACE, of=MessageKey("hello"), content=body, now=clock.now())
    clock.advance(timedelta(days=1))
    await sender.new_delivery(next_allowed_at=next_allowed_at).deliver_due()

    assert sender.texts() == ["changed"]


async def test_rate_limited_workspace_is_polled_again_within_five_seconds(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if Retry-After is longer, since other methods may be used meanwhile."""
    sender.slack.faults.fail_next("chat.postMessage", status=429, retry_after=3000)
    await sender.enqueue("hello")
    await sender.new_delivery(limited=True).deliver_due()

    async with sender.db.reading() as reader:
        lease = (await reader.execute(schema.sender_leases.select())).one()
    assert (lease.owner, lease.lease_until) == (None, None)
    assert timedelta(0) < lease.resume_at - real_now() <= timedelta(seconds=5)


async def test_stopping_delivery_begins_no_further_call(sender: Sender) -> None:
    delivery = sender.new_delivery()
    await sender.enqueue("one")
    await sender.enqueue("two")
    failures = 0

    async def refused(*_: Any) -> None:
        nonlocal failures
        failures += 1
        delivery.stop_starting_calls()

    delivery = sender.new_delivery(on_failed=refused)
    sender.slack.faults.fail_next("chat.postMessage", error="msg_too_long")
    await delivery.deliver_due()

    assert failures == 1
    assert (await sender.row("two")).state == "pending"
    assert sender.texts() == []
