"""A process to kill: the real delivery and the real ticker, with work that queues messages.

Each chain is a conversation. Each of its links is an agenda item, which queues a few messages and
the next link in one transaction, so that everything in a chain is in order.
"""

import asyncio
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import cache, partial
from typing import Any

from aiohttp import ClientSession, ClientTimeout, TraceConfig, TraceRequestStartParams
from slack_sdk.http_retry.builtin_async_handlers import AsyncConnectionErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda import claims, schedule
from bot.agenda.schedule import AgendaItem, run_item
from bot.agenda.ticker import Ticker
from bot.clock import Clock, monotonic, new_id
from bot.db.engine import Database
from bot.log import configure
from bot.outbox import enqueue, rate_limits, sender_leases, slack_calls
from bot.outbox.delivery import Delivery, RetryTimings
from bot.outbox.keys import MessageKey
from bot.outbox.rate_limits import RateLimits
from bot.slack.content import content, section
from tests.chaos import steps
from tests.chaos.mutations import MUTATIONS
from tests.chaos.steps import KillAt
from tests.harness import KEY_RING, KEYS

LINK = "link"


@dataclass(frozen=True, kw_only=True)
class Orders:
    """The instructions of a new child. Times are real seconds."""

    database_url: str
    slack_url: str
    mutation: str = ""
    step: str = ""  # where to be killed; empty: nowhere
    times: int = 1  # when the step is reached for this time
    lease_seconds: float = 0.8
    settle_seconds: float = 0.8
    begin_within_seconds: float = 0.5
    call_seconds: float = 1.0
    first_retry_seconds: float = 0.05

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def main(instructions: dict[str, Any], pid: int) -> None:
    """Work until killed. Takes `Orders` as JSON."""
    orders = Orders(**instructions)
    configure("CRITICAL", "text")
    sender_leases.LEASE_DURATION = timedelta(seconds=orders.lease_seconds)
    sender_leases.RENEW_EVERY_SECONDS = orders.lease_seconds / 4
    claims.CLAIM_DURATION = timedelta(seconds=orders.lease_seconds)
    slack_calls.BEGIN_WITHIN_SECONDS = orders.begin_within_seconds
    # So fast that only Slack's 429 and unknown outcomes slow anything down.
    rate_limits.PER_MINUTE = dict.fromkeys(rate_limits.PER_MINUTE, 1_000_000)
    rate_limits.CONVERSATION_SECONDS, rate_limits.PROBE_EVERY_SECONDS = (
        0.0,
        orders.lease_seconds / 4,
    )
    if orders.mutation:
        MUTATIONS[orders.mutation].apply()
    reached: Callable[[str], None] = KillAt(orders.step, orders.times) if orders.step else _ignore
    steps.watch_steps(reached)
    asyncio.run(_work(orders, pid))


def _ignore(_step: str) -> None:
    return


async def _work(orders: Orders, pid: int) -> None:
    db, clock = Database(orders.database_url, KEY_RING), Clock()
    limit, trace = ClientTimeout(total=orders.call_seconds), TraceConfig()
    trace.on_request_start.append(_add_start_time)
    async with ClientSession(timeout=limit, trace_configs=[trace]) as session:

        @cache
        def client_for(workspace_id: str) -> AsyncWebClient:
            return AsyncWebClient(
                "xoxb-chaos",
                base_url=orders.slack_url,
                session=session,
                headers={"X-Child": str(pid), "X-Workspace": workspace_id},
                retry_handlers=[AsyncConnectionErrorRetryHandler(max_retry_count=2)]
                if orders.mutation == "slack_sdk's own retries"
                else [],
            )

        delivery = Delivery(
            db,
            clock,
            client_for,
            _draw,
            KEYS,
            rate_limits=RateLimits(),
            retry_timings=RetryTimings(
                settle=orders.settle_seconds,
                first_retry=orders.first_retry_seconds,
                longest_retry=0.5,
                poll=0.05,
            ),
        )
        ticker = Ticker(db, clock, {LINK: partial(_carry_out_link, db, clock)})
        await asyncio.gather(delivery.run(), _tick(ticker))


async def _add_start_time(_: object, __: object, request: TraceRequestStartParams) -> None:
    """Add the time when the call started, by the clock that all processes share."""
    request.headers["X-Begun"] = str(monotonic())


async def _draw(_: object) -> bytes:
    raise NotImplementedError


async def _tick(ticker: Ticker) -> None:
    while True:
        await ticker._tick_on_time()
        await asyncio.sleep(0.03)


async def _carry_out_link(db: Database, clock: Clock, item: AgendaItem) -> None:
    """Carry out a link: "CHAIN:NUMBER:LAST". The chain is a channel or a person."""
    to, number, last = item.subject.split(":")
    async with run_item(db, item) as tx:
        steps.tag_carry_out()
        await post_messages(tx, item.workspace_id, to, int(number), clock)
        if int(number) < int(last):
            next_link = f"{to}:{int(number) + 1}:{last}"
            now = clock.now()
            await schedule.add(tx, item.workspace_id, action=LINK, subject=next_link, due_at=now)


async def post_messages(
    tx: AsyncConnection, workspace_id: str, to: str, number: int, clock: Clock
) -> None:
    """Queue the messages of a link. The second has a random key, so that a repetition shows."""
    now, prefix = clock.now(), f"{to}:{number}"
    first = MessageKey(f"{prefix}:0")

    async def post(key: str, text: str, thread_of: MessageKey | None = None) -> None:
        body = content(text, section(text))
        await enqueue.post(
            tx, workspace_id, key=MessageKey(key), to=to, content=body, now=now, thread_of=thread_of
        )

    await post(f"{prefix}:0", f"{prefix}:0")
    await post(f"ran:{new_id()}", f"{prefix}:1")
    await post(f"{prefix}:2", f"{prefix}:2", thread_of=first if number % 2 else None)
    if number % 3 == 0:
        text = f"{prefix}:0 edited"
        edited = content(text, section(text))
        await enqueue.edit(tx, workspace_id, of=first, content=edited, now=now)
    if number % 4 == 0:
        await enqueue.pin(tx, workspace_id, of=first, now=now)
    if number % 5 == 0:
        await enqueue.bookmark(tx, workspace_id, of=first, title="Phase", emoji=":x:", now=now)
