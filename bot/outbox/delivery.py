"""Delivery: sends what is due, records where it is, retries, and looks up unknown outcomes.

The protocol, step by step, for one message:

1. one sender leases the workspace; the message is the head of its queue and within Slack's limits;
2. a transaction marks it `sending` with a new fence and commits;
3. the call is made, without retries by the SDK;
4. the sender's next transaction records the result: sent with channel and ts; pending again if
   Slack certainly did nothing; failed if it never will; unknown otherwise;
5. an unknown one is looked up after a settling time: if present it is sent, if absent it is pending
   again, and if that cannot be determined it is held.

A process that dies between 2 and 4 leaves `sending`, which the lease's next owner treats as
unknown. Operations that can be repeated without harm (edits, pins, home views) skip the lookup.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from datetime import datetime

from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy.ext.asyncio import AsyncConnection
from structlog.contextvars import bind_contextvars

from bot.clock import Clock, monotonic, new_id, real_now, shuffled, uptime
from bot.db.engine import Database
from bot.db.health import log_unless_database_failed
from bot.metrics import open_messages
from bot.outbox import sender_leases
from bot.outbox.bulk_send_progress import BulkSendMonitor
from bot.outbox.failed_message import OnFailed, ignore_failure
from bot.outbox.pictures import Draw
from bot.outbox.rate_limits import RateLimits
from bot.outbox.slack_calls import RetryTimings, SlackCalls
from bot.outbox.workspace_sender import NextAllowedAt, SenderContext, WorkspaceSender
from bot.round_keys import RoundKeys

__all__ = ["Delivery", "RetryTimings"]

MEASURE_EVERY_SECONDS = 10.0
#: Commits come in bursts: one query is enough for all within this time.
MIN_POLL_SECONDS = 0.05
#: The query takes longer among thousands of workspaces; the pause after it is this many times as
#: long.
PAUSE_FACTOR = 9
#: Workspaces that one process sends for at once.
MAX_SENDERS = 64
#: Delivery's transactions at once; people's requests need connections too.
MAX_CONCURRENT_TURNS = 3
AFTER_FAILURE_SECONDS = 1.0


async def always_allowed(
    _tx: AsyncConnection, _workspace_id: str, conversations: Collection[str], now: datetime
) -> Mapping[str, datetime]:
    """Allow sending at any time; for a delivery without quiet hours."""
    return dict.fromkeys(conversations, now)


class Delivery:
    """Starts a sender for each workspace with work.

    Any number of processes may run one; each workspace has one sender at a time.
    """

    def __init__(
        self,
        db: Database,
        clock: Clock,
        client_for: Callable[[str], AsyncWebClient],
        draw: Draw,
        keys: RoundKeys,
        *,
        rate_limits: RateLimits | None = None,
        retry_timings: RetryTimings | None = None,
        on_failed: OnFailed = ignore_failure,
        next_allowed_at: NextAllowedAt = always_allowed,
    ) -> None:
        self._db = db
        self._clock = clock
        self._timings = retry_timings or RetryTimings()
        self._context = SenderContext(
            db=db,
            clock=clock,
            slack_calls=SlackCalls(client_for, draw, keys, self._timings),
            rate_limits=rate_limits or RateLimits(),
            retry_timings=self._timings,
            on_failed=on_failed,
            next_allowed_at=next_allowed_at,
            turn_slots=asyncio.Semaphore(MAX_CONCURRENT_TURNS),
            owner=new_id(),
        )
        self._senders: dict[str, WorkspaceSender] = {}
        self._tasks: dict[str, asyncio.Task[int]] = {}
        self._bulk_sends = BulkSendMonitor()
        self._stopping = False
        self._measure_at = 0.0

    async def run(self) -> None:
        """Send what is due until stopped; what this process writes, at once."""
        while not self._stopping:
            self._db.changed.clear()
            began = uptime()
            try:
                await self._start_senders()
                await self._measure()
            except Exception as error:  # noqa: BLE001 - the loop goes on
                log_unless_database_failed("delivery_failed", error)
                await self._pause(AFTER_FAILURE_SECONDS)
            rest = max(MIN_POLL_SECONDS, PAUSE_FACTOR * (uptime() - began))
            await self._pause(min(rest, self._timings.poll))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._db.changed.wait(), self._timings.poll)

    async def deliver_due(self) -> int:
        """Send what is due now and wait for it. Return the number of calls made."""
        await self._start_senders()
        return sum(await asyncio.gather(*self._tasks.values()))

    def stop_starting_calls(self) -> None:
        """Make no further calls beyond those under way."""
        self._stopping = True
        self._db.changed.set()
        for sender in self._senders.values():
            sender.stopping = True

    async def stop(self, seconds: float = 7) -> None:
        """Start nothing new, and give calls under way up to `seconds` seconds."""
        self.stop_starting_calls()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks.values(), timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _pause(self, seconds: float) -> None:
        if not self._stopping:
            await asyncio.sleep(seconds)

    async def _measure(self) -> None:
        if monotonic() < self._measure_at:
            return
        self._measure_at = monotonic() + MEASURE_EVERY_SECONDS
        async with self._db.reading() as reader:
            counts = await sender_leases.message_counts(reader)
            await self._bulk_sends.measure(
                reader, self._context.rate_limits, self._clock.now(), real_now()
            )
        for state, count in counts.items():
            open_messages.labels(state).set(count)

    async def _start_senders(self) -> None:
        if len(self._senders) >= MAX_SENDERS:
            return
        async with self._db.reading() as reader:
            waiting = await sender_leases.workspaces_with_work(
                reader, self._clock.now(), MAX_SENDERS
            )
        for workspace_id in shuffled(waiting):  # so that replicas start with different workspaces
            if workspace_id not in self._senders and len(self._senders) < MAX_SENDERS:
                self._senders[workspace_id] = WorkspaceSender(
                    self._context, workspace_id, abandoned=waiting[workspace_id]
                )
                self._tasks[workspace_id] = asyncio.create_task(
                    self._run_sender(self._senders[workspace_id], workspace_id),
                    name=f"sender {workspace_id}",
                )

    async def _run_sender(self, sender: WorkspaceSender, workspace_id: str) -> int:
        bind_contextvars(workspace=workspace_id)  # of this task and of the calls it begins
        try:
            while await self._run_turn(sender, workspace_id):
                await sender.wait()
        finally:
            sender.cancel_calls()
            del self._senders[workspace_id], self._tasks[workspace_id]
        return sender.calls

    async def _run_turn(self, sender: WorkspaceSender, workspace_id: str) -> bool:
        try:
            return await sender.turn()
        except Exception as error:  # noqa: BLE001 - the loop goes on
            log_unless_database_failed("sender_failed", error, workspace=workspace_id)
            await self._pause(AFTER_FAILURE_SECONDS)
            return sender.has_unstored_results and not self._stopping
