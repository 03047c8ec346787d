"""A message that Slack alone cannot do is given up; one that Slack cannot do now never is."""

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
    ENOUGH_TRIES,
    LONGEST_WAIT_AT,
    MOST_TRIES,
    is_exhausted,
    uncounted_attempts,
)
from bot.slack.content import content, section
from bot.slack.errors import ErrorKind
from tests.conftest import MONDAY
from tests.harness import BEN, CHIARA, LAUNCH, WORKSPACE
from tests.outbox.sender import IMPATIENT, Sender
from tests.outbox.workspace_rows import ONE, head, message, write

BETWEEN = timedelta(minutes=5)


async def let_try(sender: Sender, times: int, *, others: bool) -> None:
    """Let time pass, and each message be tried so often; or until then, while others arrive."""
    delivery = sender.another(replace(IMPATIENT, first_retry=600, settle=600))
    for number in range(times):
        sender.clock.advance(BETWEEN)
        if others:
            await sender.say(f"{sender.clock.now()} {number}", to=CHIARA)
        async with sender.db.transaction() as tx:
            await tx.execute(update(schema.messages).values(retry_at=None))
        await delivery.deliver_due()


async def as_after(sender: Sender, tries: int, *keys: str) -> None:
    """As these are after so many tries, most of which are not played; the first was long ago."""
    await let_try(sender, 1, others=False)
    sender.clock.advance(timedelta(hours=2))
    async with sender.db.transaction() as tx:
        these = schema.messages.c.key.in_(keys)
        await tx.execute(update(schema.messages).where(these).values(attempts=tries))


async def pin(sender: Sender, key: str) -> None:
    async with sender.db.transaction() as tx:
        await enqueue.pin(tx, WORKSPACE, of=MessageKey(key), now=sender.clock.now())


async def edit(sender: Sender, key: str, text: str) -> None:
    async with sender.db.transaction() as tx:
        said = content(text, section(text))
        await enqueue.edit(tx, WORKSPACE, of=MessageKey(key), content=said, now=sender.clock.now())


async def states(sender: Sender, keys: Sequence[str]) -> list[str]:
    return [(await sender.row(key)).state for key in keys]


def calls(sender: Sender, method: str) -> int:
    return [call.method for call in sender.slack.calls].count(method)


async def test_a_pin_that_slack_cannot_set_is_given_up(sender: Sender) -> None:
    sender.slack.faults.fail_next("pins.add", status=500, times=10)
    await sender.say("hello")
    await pin(sender, "hello")
    await sender.say("results")
    await as_after(sender, ENOUGH_TRIES - 1, "pin:hello")
    await let_try(sender, 1, others=True)
    assert await states(sender, ["pin:hello"]) == ["pending"]
    await let_try(sender, 1, others=True)

    row = await sender.row("pin:hello")
    assert (row.state, row.error) == ("failed", "given up")
    assert calls(sender, "pins.add") == 2
    assert sender.texts() == ["hello", "results"]


async def test_a_post_that_slack_never_takes_is_given_up_once_it_is_not_there(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    post = AsyncWebClient.chat_postMessage

    async def choke(client: AsyncWebClient, **args: Any) -> Any:
        if args["text"] == "poison":
            raise TimeoutError
        return await post(client, **args)

    monkeypatch.setattr(AsyncWebClient, "chat_postMessage", choke)
    await sender.say("poison", to=BEN)
    await sender.say("more", to=BEN)
    await as_after(sender, ENOUGH_TRIES, "poison")
    await let_try(sender, 2, others=True)

    assert await states(sender, ["poison", "more"]) == ["failed", "sent"]


async def test_nothing_is_given_up_while_slack_is_unwell(sender: Sender) -> None:
    """For many hours, with errors for whatever it is asked to do."""
    await sender.say("hello")
    await sender.deliver()
    await sender.say("to ben", to=BEN)
    await edit(sender, "hello", "changed")
    async with sender.db.transaction() as tx:
        view = {"type": "home", "blocks": []}
        await enqueue.publish(tx, WORKSPACE, user_id=CHIARA, view=view, now=sender.clock.now())
    for method in ("chat.postMessage", "chat.update", "views.publish"):
        sender.slack.faults.fail_next(method, status=503, times=10)
    keys = ["to ben", "edit:hello", f"home:{CHIARA}"]
    await as_after(sender, 2 * ENOUGH_TRIES, *keys)
    await let_try(sender, 2, others=False)
    assert calls(sender, "chat.update") == calls(sender, "views.publish") == 3
    assert {*await states(sender, keys)} <= {"pending", "unknown"}

    sender.slack.faults.clear()
    await let_try(sender, 1, others=False)
    assert await states(sender, keys) == ["sent"] * 3
    assert sender.texts() == ["changed"]


async def test_what_slack_did_not_get_counts_for_nothing(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though others get through, and though the last try fails."""
    there = ConnectionKey("slack.com", 443, True, True, None, None, None)

    async def refuse(*_: object, **__: object) -> None:
        raise ClientConnectorDNSError(there, OSError())

    await sender.say("hello")
    await sender.deliver()
    await edit(sender, "hello", "changed")
    with monkeypatch.context() as away:
        away.setattr(AsyncWebClient, "chat_update", refuse)
        await as_after(sender, LONGEST_WAIT_AT - 1, "edit:hello")
        await let_try(sender, 4, others=True)
    row = await sender.row("edit:hello")
    assert (row.error, row.attempts) == ("no connection", LONGEST_WAIT_AT)

    sender.slack.faults.fail_next("chat.update", status=500)
    await let_try(sender, 2, others=True)
    assert sender.texts() == ["changed"]


async def test_where_there_is_nothing_to_compare_it_ends_after_more_than_a_day(
    sender: Sender,
) -> None:
    sender.slack.faults.fail_next("chat.update", status=500, times=10)
    await sender.say("hello")
    await edit(sender, "hello", "changed")
    await as_after(sender, MOST_TRIES - 1, "edit:hello")
    await let_try(sender, 1, others=False)
    assert await states(sender, ["edit:hello"]) == ["pending"]

    await let_try(sender, 1, others=False)
    assert await states(sender, ["edit:hello"]) == ["failed"]
    async with sender.db.reading() as reader:
        assert await reader.scalar(select(schema.sender_leases.c.owner)) is None


@pytest.mark.parametrize(
    ("tries", "since_first", "taken", "hopeless"),
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
async def test_when_a_message_is_given_up(
    db: Database,
    tries: int,
    since_first: timedelta | None,
    taken: timedelta | None,
    hopeless: bool,
) -> None:
    first = None if since_first is None else MONDAY - since_first
    await write(db, ONE, message("hello", attempts=tries, first_try_at=first))
    edit = message("edit:other", operation="update", state="sent", sent_at=MONDAY)
    await write(db, ONE, edit)  # only a post says that posts are taken
    if taken is not None:
        await write(db, ONE, message("other", state="sent", sent_at=MONDAY - taken))

    async with db.reading() as reader:
        assert await is_exhausted(reader, await head(reader, "hello"), MONDAY) == hopeless


async def test_that_it_was_taken_itself_says_nothing_of_others(db: Database) -> None:
    """As a message that was posted anew was."""
    first = MONDAY - timedelta(hours=2)
    await write(db, ONE, message("hello", attempts=21, first_try_at=first, sent_at=MONDAY))

    async with db.reading() as reader:
        assert not await is_exhausted(reader, await head(reader, "hello"), MONDAY)


@pytest.mark.parametrize(("attempts", "added"), [(1, 0), (8, 0), (9, -1), (20, -1)])
async def test_tries_that_slack_did_not_get_are_counted_for_their_waits_alone(
    db: Database, attempts: int, added: int
) -> None:
    await write(db, ONE, message("hello", attempts=attempts))

    async with db.reading() as reader:
        assert uncounted_attempts(await head(reader, "hello")) == added


async def test_after_it_was_given_up_it_is_not_tried_any_more(sender: Sender) -> None:
    told: list[FailedMessage] = []

    async def refused(_tx: AsyncConnection, refusal: FailedMessage, _now: datetime) -> None:
        told.append(refusal)

    sender.slack.faults.fail_next("chat.update", status=500, times=10)
    await sender.say("hello")
    await edit(sender, "hello", "changed")
    await as_after(sender, MOST_TRIES, "edit:hello")
    before = calls(sender, "chat.update")
    async with sender.db.transaction() as tx:
        await tx.execute(update(schema.messages).values(retry_at=None))
    delivery = sender.another(refused=refused)
    for _ in range(3):
        await delivery.deliver_due()

    assert calls(sender, "chat.update") == before
    assert [(one.key, one.reason, one.meaning) for one in told] == [
        ("edit:hello", "given up", ErrorKind.PERMANENT)
    ]


async def test_what_is_sent_again_waits_anew(sender: Sender) -> None:
    """Its waits begin with the shortest, and it is not given up for its old tries."""
    sender.slack.faults.fail_next("chat.postMessage", error="is_archived")
    await sender.say("hello")
    await sender.deliver()
    old = {"attempts": MOST_TRIES, "retry_at": real_now() + timedelta(hours=1)}
    long_ago = sender.clock.now() - timedelta(days=2)
    async with sender.db.transaction() as tx:
        await tx.execute(
            update(schema.messages).values(first_try_at=long_ago, not_before=long_ago, **old)
        )
        now, reasons = sender.clock.now(), ["is_archived"]
        count = await requeue.retry(tx, WORKSPACE, conversation=LAUNCH, reasons=reasons, now=now)
    assert count == 1
    row = await sender.row("hello")
    assert (row.attempts, row.retry_at, row.not_before) == (0, None, sender.clock.now())

    sender.slack.faults.fail_next("chat.postMessage", error="team_added_to_org")
    await sender.another(replace(IMPATIENT, first_retry=10)).deliver_due()
    row = await sender.row("hello")
    assert (row.state, row.attempts) == ("pending", 1)
    assert timedelta(seconds=5) < row.retry_at - real_now() <= timedelta(seconds=20)


@pytest.mark.parametrize(
    ("tries", "longest"), [(0, 2), (1, 4), (3, 16), (8, 512), (9, 600), (300, 600)]
)
def test_waits_are_doubled_up_to_ten_minutes(tries: int, longest: float) -> None:
    waits = [RetryTimings().backoff(tries) for _ in range(50)]

    assert all(longest / 2 <= wait <= longest for wait in waits)
    assert max(waits) - min(waits) > longest / 10  # many retries do not meet


def test_how_patient_delivery_is() -> None:
    assert RetryTimings() == RetryTimings(
        settle=120,
        first_retry=2,
        longest_retry=600,
        picture_tries=20,
        picture_retry=6,
        look=1,
    )
    assert (ENOUGH_TRIES, MOST_TRIES, LONGEST_WAIT_AT) == (21, 300, 9)
