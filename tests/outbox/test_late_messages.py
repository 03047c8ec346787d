"""What is late, or was to wait, asks whether its hour still suits; nothing else does."""

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
    ("to", "planned", "late", "asks"),
    [
        (BEN, timedelta(0), SOON, False),
        (BEN, timedelta(0), LATE, True),
        (LAUNCH, timedelta(0), SOON, False),
        (LAUNCH, timedelta(0), LATE, True),
        (BEN, HOUR, timedelta(0), True),  # they may live elsewhere by now
        (LAUNCH, HOUR, timedelta(0), False),
    ],
)
async def test_who_is_asked_whether_it_suits(
    sender: Sender,
    clock: AdjustableClock,
    to: str,
    planned: timedelta,
    late: timedelta,
    asks: bool,
) -> None:
    asked: list[str] = []
    until = clock.now() + timedelta(days=1)

    async def next_allowed_at(
        _tx: AsyncConnection, workspace_id: str, users: Collection[str], _now: datetime
    ) -> Mapping[str, datetime]:
        asked.extend(f"{workspace_id} {user}" for user in users)
        return dict.fromkeys(users, until)

    await sender.say("hello", to=to)
    not_before = clock.now() + planned
    async with sender.db.transaction() as tx:
        await tx.execute(update(schema.messages).values(not_before=not_before))
    clock.move_to(not_before + late)
    await sender.another(next_allowed_at=next_allowed_at).deliver_due()

    row = await sender.row("hello")
    assert asked == [f"{WORKSPACE} {to}"] * asks
    assert row.not_before == (until if asks else not_before)


@pytest.mark.parametrize("hours", [0, 1, 2])
async def test_what_is_put_off_beyond_its_time_is_not_said(
    sender: Sender, clock: AdjustableClock, hours: int
) -> None:
    """It waits for an hour that suits, in an hour; it expires now, then, or later."""
    suits = clock.now() + LATE + HOUR

    async def next_allowed_at(
        _tx: AsyncConnection, _ws: str, users: Collection[str], _now: datetime
    ) -> Mapping[str, datetime]:
        return dict.fromkeys(users, suits)

    await sender.say("hello", to=BEN, expires_at=clock.now() + LATE + timedelta(hours=hours))
    clock.advance(LATE)
    await sender.another(next_allowed_at=next_allowed_at).deliver_due()

    row = await sender.row("hello")
    assert row.state == ("pending" if hours == 2 else "expired")


async def test_a_late_edit_is_made_at_any_hour(sender: Sender, clock: AdjustableClock) -> None:
    async def next_allowed_at(*_: Any) -> Mapping[str, datetime]:
        raise AssertionError

    await sender.say("hello")
    await sender.deliver()
    async with sender.db.transaction() as tx:
        said = content("changed", section("changed"))
        await enqueue.edit(tx, WORKSPACE, of=MessageKey("hello"), content=said, now=clock.now())
    clock.advance(timedelta(days=1))
    await sender.another(next_allowed_at=next_allowed_at).deliver_due()

    assert sender.texts() == ["changed"]


async def test_a_workspace_at_its_limits_is_looked_at_again_within_five_seconds(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long Slack asks it to wait: other things may be said there meanwhile."""
    sender.slack.faults.fail_next("chat.postMessage", status=429, retry_after=3000)
    await sender.say("hello")
    await sender.another(limited=True).deliver_due()

    async with sender.db.reading() as reader:
        lease = (await reader.execute(schema.sender_leases.select())).one()
    assert (lease.owner, lease.lease_until) == (None, None)
    assert timedelta(0) < lease.resume_at - real_now() <= timedelta(seconds=5)


async def test_who_stops_begins_nothing_more(sender: Sender) -> None:
    delivery = sender.another()
    await sender.say("one")
    await sender.say("two")
    turns = 0

    async def refused(*_: Any) -> None:
        nonlocal turns
        turns += 1
        delivery.begin_nothing()

    delivery = sender.another(refused=refused)
    sender.slack.faults.fail_next("chat.postMessage", error="msg_too_long")
    await delivery.deliver_due()

    assert turns == 1
    assert (await sender.row("two")).state == "pending"
    assert sender.texts() == []
