"""One sender for a workspace, wherever it runs: what passes to the next, and what stops."""

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
from tests.outbox.sender import IMPATIENT, Sender


def paced(sender: Sender) -> Delivery:
    """One that keeps Slack's limits."""
    return sender.another(limited=True)


def told(sender: Sender, refusals: list[FailedMessage]) -> Delivery:
    """One that tells what Slack refused."""

    async def refused(_tx: AsyncConnection, refusal: FailedMessage, _now: datetime) -> None:
        refusals.append(refusal)
        if refusal.key == "breaks":
            raise RuntimeError("a consequence that cannot be carried out")

    return sender.another(refused=refused)


async def lease(sender: Sender) -> dict[str, object]:
    async with sender.db.reading() as reader:
        return dict((await reader.execute(schema.sender_leases.select())).mappings().one())


async def test_the_next_sender_knows_what_was_used(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.outbox.rate_limits.CONVERSATION_SECONDS", 600.0)  # however slow we are
    for number in range(5):
        await sender.say(f"m{number}")
    await paced(sender).deliver_due()
    assert len(sender.texts()) == 3  # a conversation's burst

    await paced(sender).deliver_due()
    assert len(sender.texts()) == 3
    assert (await lease(sender))["rate_usage"] is not None


async def test_retry_after_holds_for_the_next_sender_and_for_that_method_alone(
    sender: Sender,
) -> None:
    await sender.say("first")
    await paced(sender).deliver_due()
    sender.slack.faults.fail_next("chat.postMessage", status=429, retry_after=30)
    await sender.say("second")
    await paced(sender).deliver_due()
    await sender.say("to ben", to=BEN)
    async with sender.db.transaction() as tx:
        await tx.execute(update(schema.sender_leases).values(resume_at=None))
    calls = len(sender.slack.calls)
    await paced(sender).deliver_due()

    assert len(sender.slack.calls) == calls
    assert (await sender.row("second")).attempts == 0
    async with sender.db.reading() as reader:
        real = await sender_leases.real_time(reader)
    used = RateLimits().resume((await lease(sender))["rate_usage"], real.timestamp())  # type: ignore[arg-type]
    assert used.barred() == {"post", DIRECT}


async def test_while_posts_wait_edits_and_other_workspaces_go_on(sender: Sender) -> None:
    await sender.say("first")
    await paced(sender).deliver_due()
    sender.slack.faults.fail_next("chat.postMessage", status=429, retry_after=3000)
    await sender.say("second", to=BEN)
    await paced(sender).deliver_due()
    async with sender.db.transaction() as tx:
        now, said = sender.clock.now(), content("edited", section("edited"))
        await enqueue.edit(tx, WORKSPACE, of=MessageKey("first"), content=said, now=now)
        # The fake Slack is one workspace; we know it under another name, too.
        said = content("elsewhere", section("elsewhere"))
        await sender_leases.resume(tx, "T0OTHER")
        await enqueue.post(tx, "T0OTHER", key=MessageKey("other"), to=LAUNCH, content=said, now=now)
        await tx.execute(update(schema.sender_leases).values(resume_at=None))
    for _ in range(3):
        await paced(sender).deliver_due()

    assert sender.texts() == ["edited", "elsewhere"]
    assert sender.slack.as_user(BEN).dm_with_bot() == []
    row = await sender.row("second")
    assert (row.state, row.attempts) == ("pending", 0)


async def test_a_halted_lease_is_left_alone_until_it_is_resumed(sender: Sender) -> None:
    refusals: list[FailedMessage] = []
    delivery = told(sender, refusals)
    sender.slack.faults.fail_next("chat.postMessage", error="token_revoked")
    await sender.say("hello")
    await delivery.deliver_due()
    await delivery.deliver_due()

    assert [(refusal.reason, refusal.meaning) for refusal in refusals] == [
        ("token_revoked", ErrorKind.WORKSPACE)
    ]
    assert (await lease(sender))["halted"] == "token_revoked"
    assert sender.texts() == []

    async with sender.db.transaction() as tx:
        await sender_leases.resume(tx, WORKSPACE)
    await delivery.deliver_due()
    assert sender.texts() == ["hello"]


async def test_what_follows_from_a_no_stops_nothing_even_where_it_fails(sender: Sender) -> None:
    refusals: list[FailedMessage] = []
    await sender.say("breaks", to=PLATFORM)
    await sender.say("here")
    await told(sender, refusals).deliver_due()

    assert [refusal.reason for refusal in refusals] == ["not_in_channel"]
    assert (await sender.row("breaks")).state == "failed"
    assert sender.texts() == ["here"]


async def test_what_follows_from_a_no_is_not_lost_with_the_database(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.outbox.delivery.AFTER_FAILURE_SECONDS", 0)
    refusals: list[str] = []

    async def refused(_tx: AsyncConnection, refusal: FailedMessage, _now: datetime) -> None:
        refusals.append(refusal.key)
        if len(refusals) == 1:
            raise PoolTimeout

    delivery = sender.another(refused=refused)
    await sender.say("nowhere", to=PLATFORM)
    await delivery.deliver_due()

    assert refusals == ["nowhere", "nowhere"]
    assert (await sender.row("nowhere")).state == "failed"


class Held(AsyncWebClient):
    """Its posts reach Slack when they are let go."""

    def __init__(self, client: AsyncWebClient) -> None:
        super().__init__(
            client.token, base_url=client.base_url, retry_handlers=[], session=client.session
        )
        self.begun, self.let_go = asyncio.Event(), asyncio.Event()

    async def chat_postMessage(self, **args: Any) -> AsyncSlackResponse:
        self.begun.set()
        await self.let_go.wait()
        return await super().chat_postMessage(**args)


async def test_who_lost_its_lease_says_nothing_about_what_it_claimed(sender: Sender) -> None:
    """A slow sender hears a no while another one is sending the message."""
    sender.slack.faults.fail_next("chat.postMessage", status=429, retry_after=0)
    await sender.say("hello")
    slow, next_one = Held(sender.client), Held(sender.client)
    first = asyncio.create_task(sender.another(client=slow).deliver_due())
    await slow.begun.wait()
    async with sender.db.transaction() as tx:  # its lease has run out
        await tx.execute(update(schema.sender_leases).values(lease_until=sender.clock.now()))
    second = asyncio.create_task(sender.another(client=next_one).deliver_due())
    await next_one.begun.wait()
    slow.let_go.set()
    await first
    assert (await sender.row("hello")).state == "sending"

    next_one.let_go.set()
    await second
    await sender.deliver()
    assert sender.texts() == ["hello"]
    assert (await sender.row("hello")).state == "sent"


async def test_the_wait_for_a_turn_makes_no_call_late(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    time = [0.0]

    class Busy(asyncio.Semaphore):
        async def acquire(self) -> Literal[True]:
            time[0] += BEGIN_WITHIN_SECONDS + 1
            return await super().acquire()

    with monkeypatch.context() as building:
        building.setattr(asyncio, "Semaphore", Busy)
        delivery = sender.another(replace(IMPATIENT, first_retry=600))
    for module in ("workspace_sender", "slack_calls"):
        monkeypatch.setattr(f"bot.outbox.{module}.uptime", lambda: time[0])
    await sender.say("hello")
    await delivery.deliver_due()

    assert sender.texts() == ["hello"]


async def test_a_call_that_would_begin_too_late_is_not_made(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a process stood still between its claim and its call."""
    stood_still = iter([uptime() + BEGIN_WITHIN_SECONDS + 1])
    monkeypatch.setattr("bot.outbox.slack_calls.uptime", lambda: next(stood_still, 0.0))
    await sender.say("hello")
    patient = sender.another(replace(IMPATIENT, first_retry=1000))
    await patient.deliver_due()
    assert sender.texts() == []
    assert (await sender.row("hello")).error == "late"

    async with sender.db.transaction() as tx:
        await tx.execute(update(schema.messages).values(retry_at=None))
    await sender.deliver()
    assert sender.texts() == ["hello"]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_dead_senders_lease_is_taken_over_after_its_lease(sender: Sender) -> None:
    await sender.say("hello")
    async with sender.db.transaction() as tx:
        real = await sender_leases.real_time(tx)
        assert await sender_leases.take(tx, WORKSPACE, "dead", real)
    began = monotonic()
    delivery = sender.another(replace(IMPATIENT, look=1))
    running = asyncio.create_task(delivery.run())
    while not sender.texts() and monotonic() - began < 40:  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    took = monotonic() - began
    await delivery.stop()
    await running

    assert sender.texts() == ["hello"]
    assert 10 < took < 30  # 15 and a look; the rest is what this machine is busy with


async def test_late_direct_messages_wait_for_an_hour_that_suits(
    sender: Sender, clock: AdjustableClock
) -> None:
    morning = clock.now() + timedelta(hours=9)

    async def next_allowed_at(
        _tx: AsyncConnection, _ws: str, users: Collection[str], now: datetime
    ) -> Mapping[str, datetime]:
        return {user: max(now, morning) if user == BEN else now for user in users}

    delivery = sender.another(next_allowed_at=next_allowed_at)
    await sender.say("to ben", to=BEN)
    await sender.say("no use to ben then", to=BEN, expires_at=morning)
    await sender.say("to chiara", to=CHIARA)
    await sender.say("to all", to=LAUNCH)
    clock.advance(timedelta(hours=1))
    while await delivery.deliver_due():
        pass

    assert sender.slack.as_user(BEN).dm_with_bot() == []
    assert len(sender.slack.as_user(CHIARA).dm_with_bot()) == 1
    assert sender.texts() == ["to all"]
    assert (await sender.row("no use to ben then")).state == "expired"

    clock.move_to(morning)
    await delivery.deliver_due()
    assert [m["text"] for m in sender.slack.as_user(BEN).dm_with_bot()] == ["to ben"]


async def test_posts_to_channels_are_looked_for_twice(sender: Sender) -> None:
    sender.slack.faults.fail_next("chat.postMessage", status=500)
    await sender.say("hello")
    await sender.deliver()

    lookup_attempts = [call.method for call in sender.slack.calls].count("conversations.history")
    assert lookup_attempts == 2
    assert sender.texts() == ["hello"]
    assert (await sender.row("hello")).lookup_attempts == 0
