"""A message is given up if only it keeps failing, but not during an outage of Slack."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from aiohttp import ClientConnectorDNSError
from aiohttp.client_reqrep import ConnectionKey
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import real_now
from bot.db import schema
from bot.db.engine import Database
from bot.outbox import enqueue, requeue
from bot.outbox.delivery import RetryTimings
from bot.outbox.failed_message import FailedMessage
from bot.outbox.keys import MessageKey
from bot.outbox.retry_limit import (
    FIRST_COUNTED_ATTEMPT,
    MAX_ATTEMPTS,
    MIN_ATTEMPTS,
    is_exhausted,
    uncounted_attempts,
)
from bot.slack.content import content, section
from bot.slack.errors import ErrorKind
from tests.conftest import MONDAY
from tests.harness import BEN, CHIARA, LAUNCH, WORKSPACE
from tests.outbox.sender import NO_DELAYS, Sender
from tests.outbox.workspace_rows import ONE, head, message, write

BETWEEN = timedelta(minutes=5)


async def attempt_all(sender: Sender, times: int, *, others: bool) -> None:
    """Attempt every message this often as time passes, with or without other messages arriving."""
    delivery = sender.new_delivery(replace(NO_DELAYS, first_retry=600, settle=600))
    for number in range(times):
        sender.clock.advance(BETWEEN)
        if others:
            await sender.enqueue(f"{sender.clock.now()} {number}", to=CHIARA)
        async with sender.db.transaction() as tx:
            await tx.execute(update(schema.messages).values(retry_at=None))
        await delivery.deliver_due()


async def set_attempts(sender: Sender, attempts: int, *keys: str) -> None:
    """Attempt once, then set the attempts of these messages; the first was two hours ago."""
    await attempt_all(sender, 1, others=False)
    sender.clock.advance(timedelta(hours=2))
    async with sender.db.transaction() as tx:
        these = schema.messages.c.key.in_(keys)
        await tx.execute(update(schema.messages).where(these).values(attempts=attempts))


async def pin(sender: Sender, key: str) -> None:
    async with sender.db.transaction() as tx:
        await enqueue.pin(tx, WORKSPACE, of=MessageKey(key), now=sender.clock.now())


async def edit(sender: Sender, key: str, text: str) -> None:
    async with sender.db.transaction() as tx:
        body = content(text, section(text))
        await enqueue.edit(tx, WORKSPACE, of=MessageKey(key), content=body, now=sender.clock.now())


async def states(sender: Sender, keys: Sequence[str]) -> list[str]:
    return [(await sender.row(key)).state for key in keys]


def calls(sender: Sender, method: str) -> int:
    return [call.method for call in sender.slack.calls].count(method)


async def test_failing_pin_is_given_up(sender: Sender) -> None:
    sender.slack.faults.fail_next("pins.add", status=500, times=10)
    await sender.enqueue("hello")
    await pin(sender, "hello")
    await sender.enqueue("results")
    await set_attempts(sender, MIN_ATTEMPTS - 1, "pin:hello")
    await attempt_all(sender, 1, others=True)
    assert await states(sender, ["pin:hello"]) == ["pending"]
    await attempt_all(sender, 1, others=True)

    row = await sender.row("pin:hello")
    assert (row.state, row.error) == ("failed", "given up")
    assert calls(sender, "pins.add") == 2
    assert sender.texts() == ["hello", "results"]


async def test_post_that_always_times_out_is_given_up_once_proven_absent(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    post = AsyncWebClient.chat_postMessage

    async def time_out_on_poison(client: AsyncWebClient, **args: Any) -> Any:
        if args["text"] == "poison":
            raise TimeoutError
        return await post(client, **args)

    monkeypatch.setattr(AsyncWebClient, "chat_postMessage", time_out_on_poison)
    await sender.enqueue("poison", to=BEN)
    await sender.enqueue("more", to=BEN)
    await set_attempts(sender, MIN_ATTEMPTS, "poison")
    await attempt_all(sender, 2, others=True)

    assert await states(sender, ["poison", "more"]) == ["failed", "sent"]


async def test_no_message_is_given_up_during_a_slack_outage(sender: Sender) -> None:
    """The outage lasts for hours and affects every method."""
    await sender.enqueue("hello")
    await sender.deliver()
    await sender.enqueue("to ben", to=BEN)
    await edit(sender, "hello", "changed")
    async with sender.db.transaction() as tx:
        view = {"type": "home", "blocks": []}
        await enqueue.publish(tx, WORKSPACE, user_id=CHIARA, view=view, now=sender.clock.now())
    for method in ("chat.postMessage", "chat.update", "views.publish"):
        sender.slack.faults.fail_next(method, status=503, times=10)
    keys = ["to ben", "edit:hello", f"home:{CHIARA}"]
    await set_attempts(sender, 2 * MIN_ATTEMPTS, *keys)
    await attempt_all(sender, 2, others=False)
    assert calls(sender, "chat.update") == calls(sender, "views.publish") == 3
    assert {*await states(sender, keys)} <= {"pending", "unknown"}

    sender.slack.faults.clear()
    await attempt_all(sender, 1, others=False)
    assert await states(sender, keys) == ["sent"] * 3
    assert sender.texts() == ["changed"]


async def test_attempts_that_never_reached_slack_do_not_count(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if other messages get through and the last attempt fails."""
    there = ConnectionKey("slack.com", 443, True, True, None, None, None)

    async def refuse(*_: object, **__: object) -> None:
        raise ClientConnectorDNSError(there, OSError())

    await sender.enqueue("hello")
    await sender.deliver()
    await edit(sender, "hello", "changed")
    with monkeypatch.context() as patch:
        patch.setattr(AsyncWebClient, "chat_update", refuse)
        await set_attempts(sender, FIRST_COUNTED_ATTEMPT - 1, "edit:hello")
        await attempt_all(sender, 4, others=True)
    row = await sender.row("edit:hello")
    assert (row.error, row.attempts) == ("no connection", FIRST_COUNTED_ATTEMPT)

    sender.slack.faults.fail_next("chat.update", status=500)
    await attempt_all(sender, 2, others=True)
    assert sender.texts() == ["changed"]


async def test_message_without_other_traffic_is_given_up_after_max_attempts(
    sender: Sender,
) -> None:
    sender.slack.faults.fail_next("chat.update", status=500, times=10)
    await sender.enqueue("hello")
    await edit(sender, "hello", "changed")
    await set_attempts(sender, MAX_ATTEMPTS - 1, "edit:hello")
    await attempt_all(sender, 1, others=False)
    assert await states(sender, ["edit:hello"]) == ["pending"]

    await attempt_all(sender, 1, others=False)
    assert await states(sender, ["edit:hello"]) == ["failed"]
    async with sender.db.reading() as reader:
        assert await reader.scalar(select(schema.sender_leases.c.owner)) is None


@pytest.mark.parametrize(
    ("attempts", "since_first", "other_sent_ago", "exhausted"),
    [
        (21, timedelta(hours=1), timedelta(minutes=14), True),
        (20, timedelta(hours=1), timedelta(minutes=14), False),
        (21, timedelta(minutes=59), timedelta(minutes=14), False),
        (21, timedelta(hours=1), timedelta(minutes=15), False),
        (21, timedelta(hours=9), None, False),
        (299, timedelta(hours=9), None, False),
        (300, timedelta(hours=1), None, True),
        (300, timedelta(minutes=59), None, False),
        (300, None, None, False),
    ],
)
async def test_exhaustion_depends_on_attempts_age_and_other_sent_posts(
    db: Database,
    attempts: int,
    since_first: timedelta | None,
    other_sent_ago: timedelta | None,
    exhausted: bool,
) -> None:
    first = None if since_first is None else MONDAY - since_first
    await write(db, ONE, message("hello", attempts=attempts, first_try_at=first))
    edit = message("edit:other", operation="update", state="sent", sent_at=MONDAY)
    await write(db, ONE, edit)  # only a sent post shows that Slack accepts posts
    if other_sent_ago is not None:
        await write(db, ONE, message("other", state="sent", sent_at=MONDAY - other_sent_ago))

    async with db.reading() as reader:
        assert await is_exhausted(reader, await head(reader, "hello"), MONDAY) == exhausted


async def test_own_earlier_send_does_not_count_as_another_sent_post(db: Database) -> None:
    """A reposted message was sent before."""
    first = MONDAY - timedelta(hours=2)
    await write(db, ONE, message("hello", attempts=21, first_try_at=first, sent_at=MONDAY))

    async with db.reading() as reader:
        assert not await is_exhausted(reader, await head(reader, "hello"), MONDAY)


@pytest.mark.parametrize(("attempts", "added"), [(1, 0), (8, 0), (9, -1), (20, -1)])
async def test_attempts_that_never_reached_slack_count_only_for_the_backoff(
    db: Database, attempts: int, added: int
) -> None:
    await write(db, ONE, message("hello", attempts=attempts))

    async with db.reading() as reader:
        assert uncounted_attempts(await head(reader, "hello")) == added


async def test_given_up_message_is_reported_once_and_not_attempted_again(sender: Sender) -> None:
    failures: list[FailedMessage] = []

    async def refused(_tx: AsyncConnection, refusal: FailedMessage, _now: datetime) -> None:
        failures.append(refusal)

    sender.slack.faults.fail_next("chat.update", status=500, times=10)
    await sender.enqueue("hello")
    await edit(sender, "hello", "changed")
    await set_attempts(sender, MAX_ATTEMPTS, "edit:hello")
    before = calls(sender, "chat.update")
    async with sender.db.transaction() as tx:
        await tx.execute(update(schema.messages).values(retry_at=None))
    delivery = sender.new_delivery(on_failed=refused)
    for _ in range(3):
        await delivery.deliver_due()

    assert calls(sender, "chat.update") == before
    assert [(one.key, one.reason, one.error_kind) for one in failures] == [
        ("edit:hello", "given up", ErrorKind.PERMANENT)
    ]


async def test_retried_message_restarts_its_attempts_and_backoff(sender: Sender) -> None:
    """The backoff starts with its shortest delay, and earlier attempts no longer count."""
    sender.slack.faults.fail_next("chat.postMessage", error="is_archived")
    await sender.enqueue("hello")
    await sender.deliver()
    old = {"attempts": MAX_ATTEMPTS, "retry_at": real_now() + timedelta(hours=1)}
    long_ago = sender.clock.now() - timedelta(days=2)
    async with sender.db.transaction() as tx:
        await tx.execute(
            update(schema.messages).values(first_try_at=long_ago, not_before=long_ago, **old)
        )
        now, reasons = sender.clock.now(), ["is_archived"]
        count = await requeue.retry_failed(
            tx, WORKSPACE, conversation=LAUNCH, reasons=reasons, now=now
        )
    assert count == 1
    row = await sender.row("hello")
    assert (row.attempts, row.retry_at, row.not_before) == (0, None, sender.clock.now())

    sender.slack.faults.fail_next("chat.postMessage", error="team_added_to_org")
    await sender.new_delivery(replace(NO_DELAYS, first_retry=10)).deliver_due()
    row = await sender.row("hello")
    assert (row.state, row.attempts) == ("pending", 1)
    assert timedelta(seconds=5) < row.retry_at - real_now() <= timedelta(seconds=20)


@pytest.mark.parametrize(
    ("attempts", "longest"), [(0, 2), (1, 4), (3, 16), (8, 512), (9, 600), (300, 600)]
)
def test_backoff_doubles_up_to_ten_minutes(attempts: int, longest: float) -> None:
    waits = [RetryTimings().backoff(attempts) for _ in range(50)]

    assert all(longest / 2 <= wait <= longest for wait in waits)
    assert max(waits) - min(waits) > longest / 10  # jitter keeps retries apart


def test_default_retry_timings() -> None:
    assert RetryTimings() == RetryTimings(
        settle=120,
        first_retry=2,
        longest_retry=600,
        picture_tries=20,
        picture_retry=6,
        poll=1,
    )
    assert (MIN_ATTEMPTS, MAX_ATTEMPTS, FIRST_COUNTED_ATTEMPT) == (21, 300, 9)
