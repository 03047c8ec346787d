"""One sender per workspace: what it hands on to the next sender, and what halts it."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Literal

import pytest
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse
from sqlalchemy import update
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import AdjustableClock, monotonic, uptime
from bot.db import schema
from bot.outbox import enqueue, sender_leases
from bot.outbox.delivery import Delivery
from bot.outbox.failed_message import FailedMessage
from bot.outbox.keys import MessageKey
from bot.outbox.rate_limits import DIRECT, RateLimits
from bot.outbox.slack_calls import BEGIN_WITHIN_SECONDS
from bot.slack.content import content, section
from bot.slack.errors import ErrorKind
from tests.harness import BEN, CHIARA, LAUNCH, PLATFORM, WORKSPACE
from tests.outbox.sender import NO_DELAYS, Sender


def rate_limited_delivery(sender: Sender) -> Delivery:
    """A delivery that keeps Slack's rate limits."""
    return sender.new_delivery(limited=True)


def reporting_delivery(sender: Sender, refusals: list[FailedMessage]) -> Delivery:
    """A delivery that appends to `refusals` what Slack rejected."""

    async def refused(_tx: AsyncConnection, refusal: FailedMessage, _now: datetime) -> None:
        refusals.append(refusal)
        if refusal.key == "breaks":
            raise RuntimeError("the callback fails")

    return sender.new_delivery(on_failed=refused)


async def lease(sender: Sender) -> dict[str, object]:
    async with sender.db.reading() as reader:
        return dict((await reader.execute(schema.sender_leases.select())).mappings().one())


async def test_next_sender_inherits_the_rate_usage(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    # so long that a slow machine frees no slot meanwhile
    monkeypatch.setattr("bot.outbox.rate_limits.CONVERSATION_SECONDS", 600.0)
    for number in range(5):
        await sender.enqueue(f"m{number}")
    await rate_limited_delivery(sender).deliver_due()
    assert len(sender.texts()) == 3  # a conversation's burst

    await rate_limited_delivery(sender).deliver_due()
    assert len(sender.texts()) == 3
    assert (await lease(sender))["rate_usage"] is not None


async def test_retry_after_holds_for_the_next_sender_and_only_for_its_method(
    sender: Sender,
) -> None:
    await sender.enqueue("first")
    await rate_limited_delivery(sender).deliver_due()
    sender.slack.faults.fail_next("chat.postMessage", status=429, retry_after=30)
    await sender.enqueue("second")
    await rate_limited_delivery(sender).deliver_due()
    await sender.enqueue("to ben", to=BEN)
    async with sender.db.transaction() as tx:
        await tx.execute(update(schema.sender_leases).values(resume_at=None))
    calls = len(sender.slack.calls)
    await rate_limited_delivery(sender).deliver_due()

    assert len(sender.slack.calls) == calls
    assert (await sender.row("second")).attempts == 0
    async with sender.db.reading() as reader:
        real = await sender_leases.real_time(reader)
    used = RateLimits().resume((await lease(sender))["rate_usage"], real.timestamp())  # type: ignore[arg-type]
    assert used.barred() == {"post", DIRECT}


async def test_rate_limited_posts_do_not_hold_up_edits_or_other_workspaces(sender: Sender) -> None:
    await sender.enqueue("first")
    await rate_limited_delivery(sender).deliver_due()
    sender.slack.faults.fail_next("chat.postMessage", status=429, retry_after=3000)
    await sender.enqueue("second", to=BEN)
    await rate_limited_delivery(sender).deliver_due()
    async with sender.db.transaction() as tx:
        now, body = sender.clock.now(), content("edited", section("edited"))
        await enqueue.edit(tx, WORKSPACE, of=MessageKey("first"), content=body, now=now)
        # The fake Slack has one workspace, which stands for a second one here.
        body = content("elsewhere", section("elsewhere"))
        await sender_leases.resume(tx, "T0OTHER")
        await enqueue.post(tx, "T0OTHER", key=MessageKey("other"), to=LAUNCH, content=body, now=now)
        await tx.execute(update(schema.sender_leases).values(resume_at=None))
    for _ in range(3):
        await rate_limited_delivery(sender).deliver_due()

    assert sender.texts() == ["edited", "elsewhere"]
    assert sender.slack.as_user(BEN).dm_with_bot() == []
    row = await sender.row("second")
    assert (row.state, row.attempts) == ("pending", 0)


async def test_halted_lease_sends_nothing_until_it_is_resumed(sender: Sender) -> None:
    refusals: list[FailedMessage] = []
    delivery = reporting_delivery(sender, refusals)
    sender.slack.faults.fail_next("chat.postMessage", error="token_revoked")
    await sender.enqueue("hello")
    await delivery.deliver_due()
    await delivery.deliver_due()

    assert [(refusal.reason, refusal.error_kind) for refusal in refusals] == [
        ("token_revoked", ErrorKind.WORKSPACE)
    ]
    assert (await lease(sender))["halted"] == "token_revoked"
    assert sender.texts() == []

    async with sender.db.transaction() as tx:
        await sender_leases.resume(tx, WORKSPACE)
    await delivery.deliver_due()
    assert sender.texts() == ["hello"]


async def test_error_in_the_failure_callback_does_not_stop_delivery(sender: Sender) -> None:
    refusals: list[FailedMessage] = []
    await sender.enqueue("breaks", to=PLATFORM)
    await sender.enqueue("here")
    await reporting_delivery(sender, refusals).deliver_due()

    assert [refusal.reason for refusal in refusals] == ["not_in_channel"]
    assert (await sender.row("breaks")).state == "failed"
    assert sender.texts() == ["here"]


async def test_failure_callback_is_repeated_after_a_database_error(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.outbox.delivery.AFTER_FAILURE_SECONDS", 0)
    refusals: list[str] = []

    async def refused(_tx: AsyncConnection, refusal: FailedMessage, _now: datetime) -> None:
        refusals.append(refusal.key)
        if len(refusals) == 1:
            raise PoolTimeout

    delivery = sender.new_delivery(on_failed=refused)
    await sender.enqueue("nowhere", to=PLATFORM)
    await delivery.deliver_due()

    assert refusals == ["nowhere", "nowhere"]
    assert (await sender.row("nowhere")).state == "failed"


class BlockingClient(AsyncWebClient):
    """A client that holds its posts back until `let_go` is set."""

    def __init__(self, client: AsyncWebClient) -> None:
        super().__init__(
            client.token, base_url=client.base_url, retry_handlers=[], session=client.session
        )
        self.begun, self.let_go = asyncio.Event(), asyncio.Event()

    async def chat_postMessage(self, **args: Any) -> AsyncSlackResponse:
        self.begun.set()
        await self.let_go.wait()
        return await super().chat_postMessage(**args)


async def test_sender_that_lost_its_lease_does_not_change_its_claimed_message(
    sender: Sender,
) -> None:
    """A slow sender gets a 429 while the next sender is posting the same message."""
    sender.slack.faults.fail_next("chat.postMessage", status=429, retry_after=0)
    await sender.enqueue("hello")
    slow, next_one = BlockingClient(sender.client), BlockingClient(sender.client)
    first = asyncio.create_task(sender.new_delivery(client=slow).deliver_due())
    await slow.begun.wait()
    async with sender.db.transaction() as tx:  # its lease has run out
        await tx.execute(update(schema.sender_leases).values(lease_until=sender.clock.now()))
    second = asyncio.create_task(sender.new_delivery(client=next_one).deliver_due())
    await next_one.begun.wait()
    slow.let_go.set()
    await first
    assert (await sender.row("hello")).state == "sending"

    next_one.let_go.set()
    await second
    await sender.deliver()
    assert sender.texts() == ["hello"]
    assert (await sender.row("hello")).state == "sent"


async def test_waiting_for_the_semaphore_does_not_make_a_call_late(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    time = [0.0]

    class Busy(asyncio.Semaphore):
        async def acquire(self) -> Literal[True]:
            time[0] += BEGIN_WITHIN_SECONDS + 1
            return await super().acquire()

    with monkeypatch.context() as building:
        building.setattr(asyncio, "Semaphore", Busy)
        delivery = sender.new_delivery(replace(NO_DELAYS, first_retry=600))
    for module in ("workspace_sender", "slack_calls"):
        monkeypatch.setattr(f"bot.outbox.{module}.uptime", lambda: time[0])
    await sender.enqueue("hello")
    await delivery.deliver_due()

    assert sender.texts() == ["hello"]


async def test_call_that_would_begin_too_late_is_not_made(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the process was suspended between the claim and the call."""
    stood_still = iter([uptime() + BEGIN_WITHIN_SECONDS + 1])
    monkeypatch.setattr("bot.outbox.slack_calls.uptime", lambda: next(stood_still, 0.0))
    await sender.enqueue("hello")
    patient = sender.new_delivery(replace(NO_DELAYS, first_retry=1000))
    await patient.deliver_due()
    assert sender.texts() == []
    assert (await sender.row("hello")).error == "late"

    async with sender.db.transaction() as tx:
        await tx.execute(update(schema.messages).values(retry_at=None))
    await sender.deliver()
    assert sender.texts() == ["hello"]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_lease_of_a_dead_sender_is_taken_over_once_it_expires(sender: Sender) -> None:
    await sender.enqueue("hello")
    async with sender.db.transaction() as tx:
        real = await sender_leases.real_time(tx)
        assert await sender_leases.take(tx, WORKSPACE, "dead", real)
    began = monotonic()
    delivery = sender.new_delivery(replace(NO_DELAYS, poll=1))
    running = asyncio.create_task(delivery.run())
    while not sender.texts() and monotonic() - began < 40:  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    took = monotonic() - began
    await delivery.stop()
    await running

    assert sender.texts() == ["hello"]
    assert 10 < took < 30  # the lease of 15 s and a poll; the rest allows for a busy machine


async def test_late_direct_messages_wait_for_allowed_hours_or_expire(
    sender: Sender, clock: AdjustableClock
) -> None:
    morning = clock.now() + timedelta(hours=9)

    async def next_allowed_at(
        _tx: AsyncConnection, _ws: str, users: Collection[str], now: datetime
    ) -> Mapping[str, datetime]:
        return {user: max(now, morning) if user == BEN else now for user in users}

    delivery = sender.new_delivery(next_allowed_at=next_allowed_at)
    await sender.enqueue("to ben", to=BEN)
    await sender.enqueue("expires by morning", to=BEN, expires_at=morning)
    await sender.enqueue("to chiara", to=CHIARA)
    await sender.enqueue("to all", to=LAUNCH)
    clock.advance(timedelta(hours=1))
    while await delivery.deliver_due():
        pass

    assert sender.slack.as_user(BEN).dm_with_bot() == []
    assert len(sender.slack.as_user(CHIARA).dm_with_bot()) == 1
    assert sender.texts() == ["to all"]
    assert (await sender.row("expires by morning")).state == "expired"

    clock.move_to(morning)
    await delivery.deliver_due()
    assert [m["text"] for m in sender.slack.as_user(BEN).dm_with_bot()] == ["to ben"]


async def test_channel_post_is_looked_up_twice_before_it_is_resent(sender: Sender) -> None:
    sender.slack.faults.fail_next("chat.postMessage", status=500)
    await sender.enqueue("hello")
    await sender.deliver()

    lookup_attempts = [call.method for call in sender.slack.calls].count("conversations.history")
    assert lookup_attempts == 2
    assert sender.texts() == ["hello"]
    assert (await sender.row("hello")).lookup_attempts == 0
