"""Progress of a message to many recipients, as every replica reports it."""

from prometheus_client import REGISTRY
from sqlalchemy import select, update
from structlog.testing import capture_logs

from bot.clock import real_now
from bot.db import schema
from bot.db.upserts import ROWS_PER_STATEMENT
from bot.outbox import enqueue
from bot.outbox.bulk_send_progress import BulkSendMonitor
from bot.outbox.enqueue import Operation
from bot.outbox.keys import MessageKey
from bot.outbox.rate_limits import PER_MINUTE, WINDOW_SECONDS, RateLimits
from bot.slack.content import content, section
from tests.harness import LAUNCH, WORKSPACE
from tests.outbox.sender import Sender

EDITS = PER_MINUTE[Operation.UPDATE]
LEFT_OVER = 25


async def edit_many(sender: Sender) -> None:
    """Enqueue more edits than fit in a minute, and send the first minute's worth.

    All of them edit one message, since these tests do not read what Slack shows.
    """
    body, now = content("body", section("body")), sender.clock.now()
    await sender.enqueue("first")
    await sender.deliver()
    place = {"channel": LAUNCH, "ts": (await sender.row("first")).ts}
    keys = [MessageKey(f"m{number}") for number in range(EDITS + LEFT_OVER)]
    async with sender.db.transaction() as tx:
        await enqueue.post_all(tx, WORKSPACE, [(key, LAUNCH, body) for key in keys], now=now)
        mine = schema.messages.c.workspace_id == WORKSPACE
        await tx.execute(update(schema.messages).where(mine).values(state="sent", **place))
        for key in keys:
            await enqueue.edit(tx, WORKSPACE, of=key, content=body, now=now)
    await sender.new_delivery(limited=True).deliver_due()


async def measure(sender: Sender, monitor: BulkSendMonitor) -> dict[str, float | None]:
    async with sender.db.reading() as reader:
        await monitor.measure(reader, RateLimits(), sender.clock.now(), real_now())
    names = ("sent_messages", "left_messages", "eta_seconds")
    return {name: REGISTRY.get_sample_value(f"imbalance_bulk_send_{name}") for name in names}


async def test_bulk_send_metrics_are_the_same_on_every_replica_until_it_ends(
    sender: Sender,
) -> None:
    await edit_many(sender)
    one, other = BulkSendMonitor(), BulkSendMonitor()

    for replica in (one, other):
        metrics = await measure(sender, replica)
        assert (metrics["sent_messages"], metrics["left_messages"]) == (EDITS, LEFT_OVER)
        assert 0 < (metrics["eta_seconds"] or 0) <= WINDOW_SECONDS

    async with sender.db.transaction() as tx:
        pending = schema.messages.c.state == "pending"
        await tx.execute(update(schema.messages).where(pending).values(state="expired"))
    with capture_logs() as logged:
        assert set((await measure(sender, one)).values()) == {0}
        await measure(sender, one)
    (line,) = [entry for entry in logged if entry["event"] == "bulk_send_progress"]
    assert (line["workspace"], line["sent"], line["left"]) == (WORKSPACE, EDITS, 0)


async def test_repeated_post_all_of_several_chunks_enqueues_each_key_once(sender: Sender) -> None:
    body, many = content("body", section("body")), 2 * ROWS_PER_STATEMENT + 1
    posts = [(MessageKey(f"m{number}"), f"U{number}", body) for number in range(many)]
    for _ in "12":
        async with sender.db.transaction() as tx:
            await enqueue.post_all(tx, WORKSPACE, posts, now=sender.clock.now())

    async with sender.db.reading() as reader:
        keys = list(await reader.scalars(select(schema.messages.c.key)))
    assert sorted(keys) == sorted(key for key, _, _ in posts)
