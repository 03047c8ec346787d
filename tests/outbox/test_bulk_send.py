"""How far a message to many has come, as every replica tells it."""

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import select, update

from bot.clock import real_now
from bot.db import schema
from bot.db.upserts import AT_ONCE
from bot.outbox import enqueue
from bot.outbox.bulk_send import BulkSendMonitor
from bot.outbox.enqueue import Operation
from bot.outbox.keys import MessageKey
from bot.outbox.rate_limits import PER_MINUTE, WINDOW_SECONDS, RateLimits
from bot.slack.content import content, section
from tests.harness import LAUNCH, WORKSPACE
from tests.outbox.sender import Sender

EDITS = PER_MINUTE[Operation.UPDATE]
REST = 25


async def edit_many(sender: Sender) -> None:
    """More edits than Slack takes in a minute, and a minute's worth of them made.

    All are of one message: what stands in Slack is not what this is about.
    """
    said, now = content("said", section("said")), sender.clock.now()
    await sender.say("first")
    await sender.deliver()
    place = {"channel": LAUNCH, "ts": (await sender.row("first")).ts}
    keys = [MessageKey(f"m{number}") for number in range(EDITS + REST)]
    async with sender.db.transaction() as tx:
        await enqueue.post_all(tx, WORKSPACE, [(key, LAUNCH, said) for key in keys], now=now)
        mine = schema.messages.c.workspace_id == WORKSPACE
        await tx.execute(update(schema.messages).where(mine).values(state="sent", **place))
        for key in keys:
            await enqueue.edit(tx, WORKSPACE, of=key, content=said, now=now)
    await sender.another(limited=True).deliver_due()


async def measure(sender: Sender, fan_outs: BulkSendMonitor) -> dict[str, float | None]:
    async with sender.db.reading() as reader:
        await fan_outs.measure(reader, RateLimits(), sender.clock.now(), real_now())
    names = ("sent_messages", "left_messages", "eta_seconds")
    return {name: REGISTRY.get_sample_value(f"imbalance_bulk_send_{name}") for name in names}


async def test_how_far_it_is_and_how_long_the_limits_hold_it_up(
    sender: Sender, capsys: pytest.CaptureFixture[str]
) -> None:
    await edit_many(sender)
    one, other = BulkSendMonitor(), BulkSendMonitor()

    for replica in (one, other):
        told = await measure(sender, replica)
        assert (told["sent_messages"], told["left_messages"]) == (EDITS, REST)
        assert 0 < (told["eta_seconds"] or 0) <= WINDOW_SECONDS

    async with sender.db.transaction() as tx:
        open_ones = schema.messages.c.state == "pending"
        await tx.execute(update(schema.messages).where(open_ones).values(state="expired"))
    capsys.readouterr()
    assert set((await measure(sender, one)).values()) == {0}
    assert f"left=0 sent={EDITS} workspace={WORKSPACE}" in capsys.readouterr().out
    await measure(sender, one)
    assert "fan_out" not in capsys.readouterr().out


async def test_more_than_are_written_at_once_are_each_said_once(sender: Sender) -> None:
    said, many = content("said", section("said")), 2 * AT_ONCE + 1
    posts = [(MessageKey(f"m{number}"), f"U{number}", said) for number in range(many)]
    for _ in "12":
        async with sender.db.transaction() as tx:
            await enqueue.post_all(tx, WORKSPACE, posts, now=sender.clock.now())

    async with sender.db.reading() as reader:
        keys = list(await reader.scalars(select(schema.messages.c.key)))
    assert sorted(keys) == sorted(key for key, _, _ in posts)
