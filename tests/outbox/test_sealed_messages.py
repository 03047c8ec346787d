"""Sealed messages: unreadable while they wait, delivered as they were written."""

from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import update

from bot.db import schema
from bot.keys import KeyRing
from bot.outbox import enqueue
from bot.outbox.delivery import RetryTimings
from bot.outbox.enqueue import State
from bot.outbox.keys import MessageKey
from bot.outbox.sealed_content import seal_content
from bot.outbox.slack_calls import KEY_MISSING
from bot.round_keys import RoundKeys
from bot.slack.content import content, section
from tests.harness import KEY, LAUNCH, WORKSPACE
from tests.outbox.sender import Sender

SLOW_RETRIES = RetryTimings(first_retry=600)
TEXT = "Somebody worries about the importer"


async def post_sealed(sender: Sender, keys: RoundKeys, text: str = TEXT) -> None:
    message = seal_content(keys, WORKSPACE, content(text, section(text)), sender.clock.now())
    async with sender.db.transaction() as tx:
        await enqueue.post(
            tx, WORKSPACE, key=MessageKey("k"), to=LAUNCH, content=message, now=sender.clock.now()
        )


@pytest.fixture
def keys(tmp_path: Path) -> RoundKeys:
    return RoundKeys(tmp_path / "keys", KeyRing([KEY]))


async def test_message_is_delivered_as_it_was_written_and_its_row_never_holds_the_text(
    sender: Sender, keys: RoundKeys
) -> None:
    await post_sealed(sender, keys)
    assert TEXT not in str(await sender.row("k"))
    sender.delivery = sender.new_delivery(keys=keys)

    await sender.deliver()

    assert sender.texts() == [TEXT]
    assert (await sender.row("k")).payload is None


async def test_edit_replaces_a_sealed_message_by_a_sealed_one(
    sender: Sender, keys: RoundKeys
) -> None:
    sender.delivery = sender.new_delivery(keys=keys)
    await post_sealed(sender, keys)
    await sender.deliver()
    now: datetime = sender.clock.now()
    edited = seal_content(keys, WORKSPACE, content("Edited", section("Edited")), now)
    async with sender.db.transaction() as tx:
        await enqueue.edit(tx, WORKSPACE, of=MessageKey("k"), content=edited, now=now)
    assert "Edited" not in str(await sender.row("edit:k"))

    await sender.deliver()

    assert sender.texts() == ["Edited"]


async def test_message_waits_for_its_key(sender: Sender, keys: RoundKeys, tmp_path: Path) -> None:
    await post_sealed(sender, keys)
    other = RoundKeys(tmp_path / "other", KeyRing([KEY]))
    without_key = sender.new_delivery(SLOW_RETRIES, keys=other)
    await without_key.deliver_due()
    waiting = await sender.row("k")
    assert (waiting.state, waiting.error) == (State.PENDING, KEY_MISSING)
    assert sender.texts() == []

    async with sender.db.transaction() as tx:
        await tx.execute(update(schema.messages).values(retry_at=None))  # as if it had passed
    sender.delivery = sender.new_delivery(keys=keys)
    await sender.deliver()

    assert sender.texts() == [TEXT]


async def test_message_changed_in_the_database_is_not_sent(sender: Sender, keys: RoundKeys) -> None:
    """Its place in another workspace is not accepted either: the seal is bound to its workspace."""
    elsewhere = seal_content(keys, "T0OTHER", content(TEXT, section(TEXT)), sender.clock.now())
    now = sender.clock.now()
    async with sender.db.transaction() as tx:
        await enqueue.post(
            tx, WORKSPACE, key=MessageKey("k"), to=LAUNCH, content=elsewhere, now=now
        )
    await sender.new_delivery(SLOW_RETRIES, keys=keys).deliver_due()

    assert sender.texts() == []
