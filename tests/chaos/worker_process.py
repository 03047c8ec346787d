"""What is killed: the real delivery and the real ticker, with work that says messages.

Each chain is a conversation. A link of it is one thing that is due: it says a few messages and
puts the next link on the agenda, all in one transaction, so everything in a chain is in order.
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
from tests.chaos.steps import Death

LINK = "link"


@dataclass(frozen=True, kw_only=True)
class Orders:
    """What a child is told at its birth. Times are real seconds."""

    database_url: str
    slack_url: str
    mutation: str = ""
    step: str = ""  # die there; empty: live
    times: int = 1  # when it is reached so often
    lease: float = 0.8
    settle: float = 0.8
    begin_within: float = 0.5
    call: float = 1.0
    first_retry: float = 0.05

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def live(told: dict[str, Any], pid: int) -> None:
    """Work until killed. `told` is `Orders` as JSON."""
    orders = Orders(**told)
    configure("CRITICAL", "text")
    sender_leases.LEASE = timedelta(seconds=orders.lease)
    sender_leases.RENEW_EVERY_SECONDS = orders.lease / 4
    claims.CLAIMED_FOR = timedelta(seconds=orders.lease)
    slack_calls.BEGIN_WITHIN_SECONDS = orders.begin_within
    # So fast that only Slack's no and our doubts slow anything down.
    rate_limits.PER_MINUTE = dict.fromkeys(rate_limits.PER_MINUTE, 1_000_000)
    rate_limits.CONVERSATION_SECONDS, rate_limits.DOUBT_SECONDS = 0.0, orders.lease / 4
    if orders.mutation:
        MUTATIONS[orders.mutation].take_out()
    reached: Callable[[str], None] = Death(orders.step, orders.times) if orders.step else _live_on
    steps.watch(reached)
    asyncio.run(_work(orders, pid))


def _live_on(_step: str) -> None:
    return


async def _work(orders: Orders, pid: int) -> None:
    db, clock = Database(orders.database_url), Clock()
    limit, watch = ClientTimeout(total=orders.call), TraceConfig()
    watch.on_request_start.append(_say_when)
    async with ClientSession(timeout=limit, trace_configs=[watch]) as session:

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
            pace=RateLimits(),
            retry_timings=RetryTimings(
                settle=orders.settle,
                first_retry=orders.first_retry,
                longest_retry=0.5,
                look=0.05,
            ),
        )
        ticker = Ticker(db, clock, {LINK: partial(_link, db, clock)})
        await asyncio.gather(delivery.run(), _tick(ticker))


async def _say_when(_: object, __: object, call: TraceRequestStartParams) -> None:
    """When the call was begun, by the clock that all processes share."""
    call.headers["X-Begun"] = str(monotonic())


async def _draw(_: object) -> bytes:
    raise NotImplementedError


async def _tick(ticker: Ticker) -> None:
    while True:
        await ticker._tick_on_time()
        await asyncio.sleep(0.03)


async def _link(db: Database, clock: Clock, item: AgendaItem) -> None:
    """One thing that is due: "CHAIN:NUMBER:LAST", to a channel or a person."""
    to, number, last = item.subject.split(":")
    async with run_item(db, item) as tx:
        steps.carrying_out()
        await say(tx, item.workspace_id, to, int(number), clock)
        if int(number) < int(last):
            following = f"{to}:{int(number) + 1}:{last}"
            now = clock.now()
            await schedule.add(tx, item.workspace_id, action=LINK, subject=following, due_at=now)


async def say(tx: AsyncConnection, workspace_id: str, to: str, number: int, clock: Clock) -> None:
    """The messages of one link. The second has a random key: done twice, it is said twice."""
    now, head = clock.now(), f"{to}:{number}"
    first = MessageKey(f"{head}:0")

    async def one(key: str, text: str, thread_of: MessageKey | None = None) -> None:
        said = content(text, section(text))
        await enqueue.post(
            tx, workspace_id, key=MessageKey(key), to=to, content=said, now=now, thread_of=thread_of
        )

    await one(f"{head}:0", f"{head}:0")
    await one(f"ran:{new_id()}", f"{head}:1")
    await one(f"{head}:2", f"{head}:2", thread_of=first if number % 2 else None)
    if number % 3 == 0:
        text = f"{head}:0 edited"
        edited = content(text, section(text))
        await enqueue.edit(tx, workspace_id, of=first, content=edited, now=now)
    if number % 4 == 0:
        await enqueue.pin(tx, workspace_id, of=first, now=now)
    if number % 5 == 0:
        await enqueue.bookmark(tx, workspace_id, of=first, title="Phase", emoji=":x:", now=now)
