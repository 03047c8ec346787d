"""The sender of one workspace: it works in turns, each one transaction, with calls between them.

A turn stores the results of the calls since the last one, selects what may go next within Slack's
rate limits and claims it. So a message costs two transactions however slow Slack is, and a hundred
messages cost little more than one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import Clock, uptime
from bot.dates import LATE
from bot.db.db_errors import failure_kind
from bot.db.engine import Database
from bot.log import log
from bot.outbox import sender_leases, transitions
from bot.outbox.delivery_log import record_postponed, record_result, record_takeover
from bot.outbox.enqueue import Operation, State
from bot.outbox.expiry_log import record_expired
from bot.outbox.failed_message import FailedMessage, OnFailed
from bot.outbox.queue_heads import heads
from bot.outbox.queued_message import QueuedMessage, SendResult
from bot.outbox.rate_limits import LOOKUP, RateLimits, RateUsage
from bot.outbox.retry_limit import is_exhausted
from bot.outbox.slack_calls import RetryTimings, SlackCalls
from bot.slack.errors import ErrorKind

#: Calls of one workspace that may be under way at once.
IN_FLIGHT = 64
#: The longest pause before a workspace at its rate limits is checked again.
LONGEST_REST = timedelta(seconds=5)
#: Calls started together end together: one turn handles all that end within this time.
COLLECT_SECONDS = 0.01

#: Returns from when these conversations of a workspace may be written to: now, or the next suitable
#: hour.
NextAllowedAt = Callable[
    [AsyncConnection, str, Collection[str], datetime], Awaitable[Mapping[str, datetime]]
]


@dataclass(frozen=True, kw_only=True)
class SenderContext:
    """Dependencies of every sender."""

    db: Database
    clock: Clock
    slack_calls: SlackCalls
    rate_limits: RateLimits
    retry_timings: RetryTimings
    on_failed: OnFailed
    next_allowed_at: NextAllowedAt
    turn_slots: asyncio.Semaphore  # so that delivery leaves connections for people's requests
    owner: str


class WorkspaceSender:
    """Sends for one workspace, as long as there is something to send."""

    def __init__(
        self, context: SenderContext, workspace_id: str, *, abandoned: bool = False
    ) -> None:
        self._abandoned = abandoned  # by a sender that fell silent
        self._context = context
        self._workspace_id = workspace_id
        self._calls: dict[str, asyncio.Task[SendResult]] = {}  # by queue
        self._results: list[SendResult] = []
        self._has_lease: bool | None = None  # None: not requested yet
        self.stopping = False
        self.sent = 0
        self.calls = 0

    @property
    def has_unstored_results(self) -> bool:
        """Return whether there are results not stored yet, or calls under way."""
        return bool(self._calls or self._results)

    async def turn(self) -> bool:
        """Run one transaction. Return whether another turn is needed.

        Raises:
            SQLAlchemyError, OSError: the database failed; no result is lost.
        """
        self._collect_results()
        results = tuple(self._results)
        async with self._context.turn_slots, self._context.db.transaction() as tx:
            claimed_at = uptime()  # the wait for a turn is not part of it
            claimed, more = await self._in_transaction(tx, results)
        for result in results:
            self._results.remove(result)
            record_result(result)
        self.sent += sum(result.state is State.SENT for result in results)
        for row in claimed:
            self._begin(row, claimed_at)
        return bool(more or self._calls)

    async def wait(self) -> None:
        """Wait until a call has ended, or the lease must be renewed."""
        if not self._calls:
            return
        _, others = await asyncio.wait(
            self._calls.values(),
            timeout=sender_leases.RENEW_EVERY_SECONDS,
            return_when=asyncio.FIRST_COMPLETED,
        )
        if others:
            await asyncio.wait(others, timeout=COLLECT_SECONDS)

    def cancel_calls(self) -> None:
        """Stop waiting for calls; the next sender looks up their outcomes."""
        for call in self._calls.values():
            call.cancel()

    def _begin(self, row: QueuedMessage, claimed_at: float) -> None:
        self.calls += 1
        job = self._context.slack_calls.run(row, claimed_at)
        self._calls[row.queue] = asyncio.create_task(job, name=f"call {row.message_id}")

    def _collect_results(self) -> None:
        for queue, call in list(self._calls.items()):
            if call.done():
                del self._calls[queue]
                self._results.append(call.result())

    async def _in_transaction(
        self, tx: AsyncConnection, results: tuple[SendResult, ...]
    ) -> tuple[list[QueuedMessage], bool]:
        context, now = self._context, self._context.clock.now()
        real = await sender_leases.real_time(tx)
        lease = None
        # A lost lease belongs to another sender, which may have marked our calls as unknown.
        if self._has_lease is not False:
            acquire = sender_leases.renew if self._has_lease else sender_leases.take
            lease = await acquire(tx, self._workspace_id, context.owner, real)
        await self._store_results(tx, results, now, real)
        if lease is None or any(result.error_kind is ErrorKind.WORKSPACE for result in results):
            self._has_lease = False
            await sender_leases.release(tx, self._workspace_id, context.owner)
            return [], False
        if self._has_lease is None:
            self._has_lease = True
            await self._take_over(tx, real)
        usage = context.rate_limits.resume(lease.rate_usage, real.timestamp())
        usage.apply_results(results)
        rows, more = ([], False) if self.stopping else await self._choose(tx, usage, now, real)
        claimed = await self._claim(tx, rows, now)
        stored = usage.to_json()
        if stored != lease.rate_usage:
            await sender_leases.save(tx, self._workspace_id, stored)
        if not (claimed or more or self._calls):
            await self._release(tx, usage, real)
        return claimed, more

    async def _store_results(
        self, tx: AsyncConnection, results: tuple[SendResult, ...], now: datetime, real: datetime
    ) -> None:
        sent = [result for result in results if result.state is State.SENT]
        others = [result for result in results if result.state is not State.SENT]
        if sent:
            await transitions.mark_sent(tx, sent, now)
        if others:
            await transitions.store_unsent(tx, others, real)
        for result in others:
            if result.error_kind in (ErrorKind.PERMANENT, ErrorKind.WORKSPACE):
                await self._report_failure(tx, result, now)

    async def _report_failure(self, tx: AsyncConnection, result: SendResult, now: datetime) -> None:
        """Handle Slack's refusal in the transaction that stores it."""
        assert result.error_kind is not None
        row, reason = result.row, result.reason or ""
        if result.error_kind is ErrorKind.WORKSPACE:
            await sender_leases.halt(tx, self._workspace_id, reason)
        elif result.state is not State.FAILED:  # only its picture was refused
            return
        failed = FailedMessage(
            workspace_id=row.workspace_id,
            message_id=row.message_id,
            key=row.key,
            operation=row.operation,
            conversation=row.conversation,
            reason=reason,
            error_kind=result.error_kind,
        )
        try:
            async with tx.begin_nested():
                await self._context.on_failed(tx, failed, now)
        except Exception as error:  # one message's consequences stop no other message
            if failure_kind(error) is not None:  # stored by a later turn, with the other results
                raise
            log.error(
                "failure_callback_failed", exc_info=error, reason=reason, **row.key.log_fields
            )

    async def _take_over(self, tx: AsyncConnection, real: datetime) -> None:
        look_at = real + timedelta(seconds=self._context.retry_timings.settle)
        doubted = await sender_leases.mark_interrupted_unknown(tx, self._workspace_id, look_at)
        record_takeover(self._workspace_id, doubted, abandoned=self._abandoned)

    async def _choose(
        self, tx: AsyncConnection, usage: RateUsage, now: datetime, real: datetime
    ) -> tuple[list[QueuedMessage], bool]:
        """Return what goes next, and whether any message was removed from its queue.

        If one was, more may follow at once.
        """
        capacity = IN_FLIGHT - len(self._calls)
        heads_found = await heads(
            tx,
            self._workspace_id,
            now=now,
            real=real,
            barred=usage.barred(),
            limit=IN_FLIGHT + capacity,
        )
        free = [row for row in heads_found if row.queue not in self._calls]
        allowed_at = await self._allowed_times(tx, free, now)
        chosen: list[QueuedMessage] = []
        removed_any = False
        for row in free:
            if await self._expire_or_postpone(tx, row, now, allowed_at.get(row.message_id, now)):
                removed_any = True
            elif row.state is State.PENDING and await is_exhausted(tx, row, now):
                await self._give_up(tx, row, now, real)
                removed_any = True
            elif len(chosen) < capacity and usage.take(row):
                chosen.append(row)
        return chosen, removed_any

    async def _allowed_times(
        self, tx: AsyncConnection, rows: Sequence[QueuedMessage], now: datetime
    ) -> Mapping[str, datetime]:
        """Return from when each message may be sent, if it is late, or was scheduled for a person.

        For a message to be sent at once, the hour was checked when it was enqueued; but the
        recipient of a scheduled one may have changed zones since.
        """
        late = [
            row
            for row in rows
            if row.operation is Operation.POST
            and row.state is State.PENDING
            and (now - row.not_before > LATE or (row.is_direct and row.was_scheduled))
        ]
        if not late:
            return {}
        conversations = {row.conversation for row in late}
        times = await self._context.next_allowed_at(tx, self._workspace_id, conversations, now)
        return {row.message_id: times[row.conversation] for row in late}

    async def _expire_or_postpone(
        self, tx: AsyncConnection, row: QueuedMessage, now: datetime, allowed_at: datetime
    ) -> bool:
        """Expire what is too late, and postpone what would come at a bad hour.

        Return whether it was either. Messages that may be in Slack already are looked up first.
        """
        if row.state is State.UNKNOWN:
            return False
        if row.expires_at is not None and row.expires_at <= allowed_at:
            await self._expire(tx, row, "too late")
        elif row.target is None and row.operation is not Operation.POST:
            await self._expire(tx, row, "its message is not in Slack")
        elif allowed_at > now:
            await transitions.postpone(tx, row, allowed_at)
            record_postponed(row, allowed_at)
        else:
            return False
        return True

    async def _expire(self, tx: AsyncConnection, row: QueuedMessage, reason: str) -> None:
        await transitions.expire(tx, row, reason)
        record_expired(row, reason)

    async def _give_up(
        self, tx: AsyncConnection, row: QueuedMessage, now: datetime, real: datetime
    ) -> None:
        permanent = ErrorKind.PERMANENT
        result = SendResult(row=row, state=State.FAILED, reason="given up", error_kind=permanent)
        await self._store_results(tx, (result,), now, real)
        record_result(result)

    async def _claim(
        self, tx: AsyncConnection, rows: list[QueuedMessage], now: datetime
    ) -> list[QueuedMessage]:
        """Claim all but lookups and uploads, which may be repeated after a crash without harm."""
        to_send = [row for row in rows if row.rate_limit != LOOKUP and not row.needs_picture]
        others = [row for row in rows if row not in to_send]
        return await transitions.claim(tx, to_send, now) + others

    async def _release(self, tx: AsyncConnection, usage: RateUsage, real: datetime) -> None:
        wait = usage.wait()
        resume_at = None if wait is None else real + min(timedelta(seconds=wait), LONGEST_REST)
        await sender_leases.release(tx, self._workspace_id, self._context.owner, resume_at)
