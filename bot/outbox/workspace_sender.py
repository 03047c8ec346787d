"""The sender of one workspace: it works in turns, each one transaction, with calls between them.

A turn writes down what the calls since the last one taught, takes what may go next within Slack's
limits and claims it. So a message costs two transactions however slow Slack is, and a hundred
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
from bot.outbox.delivery_log import record_finding, record_postponed, record_takeover
from bot.outbox.enqueue import Operation, State
from bot.outbox.expiry_log import note_expired
from bot.outbox.failed_message import FailedMessage, OnFailed
from bot.outbox.queue_heads import heads
from bot.outbox.queued_message import QueuedMessage, SendResult
from bot.outbox.rate_limits import PROOF, RateLimits, RateUsage
from bot.outbox.retry_limit import is_exhausted
from bot.outbox.slack_calls import RetryTimings, SlackCalls
from bot.slack.errors import ErrorKind

#: Calls of one workspace that may be under way at once.
IN_FLIGHT = 64
#: A workspace at its limits is looked at again at the latest after this time.
LONGEST_REST = timedelta(seconds=5)
#: Calls begun together end together: one turn is enough for all that end within this time.
COLLECT_SECONDS = 0.01

#: From when these people and channels of a workspace may be written to: now, or the next hour
#: that suits there.
NextAllowedAt = Callable[
    [AsyncConnection, str, Collection[str], datetime], Awaitable[Mapping[str, datetime]]
]


@dataclass(frozen=True, kw_only=True)
class SenderContext:
    """Dependencies of every sender."""

    db: Database
    clock: Clock
    jobs: SlackCalls
    pace: RateLimits
    retry_timings: RetryTimings
    refused: OnFailed
    next_allowed_at: NextAllowedAt
    turns: asyncio.Semaphore  # so that delivery leaves connections for the people
    owner: str


class WorkspaceSender:
    """The sending of one workspace, as long as there is something to send."""

    def __init__(self, tools: SenderContext, workspace_id: str, *, abandoned: bool = False) -> None:
        self._abandoned = abandoned  # by a sender that fell silent
        self._tools = tools
        self._workspace_id = workspace_id
        self._calls: dict[str, asyncio.Task[SendResult]] = {}  # by queue
        self._learnt: list[SendResult] = []
        self._mine: bool | None = None  # None: not asked for yet
        self.stopping = False
        self.sent = 0
        self.calls = 0

    @property
    def owes(self) -> bool:
        """Whether it has results that are not stored yet, or calls under way."""
        return bool(self._calls or self._learnt)

    async def turn(self) -> bool:
        """One transaction. Returns whether another turn is needed.

        Raises:
            SQLAlchemyError, OSError: the database failed; nothing learnt is forgotten.
        """
        self._collect()
        learnt = tuple(self._learnt)
        async with self._tools.turns, self._tools.db.transaction() as tx:
            claimed_at = uptime()  # the wait for a turn is not part of it
            claimed, more = await self._in_transaction(tx, learnt)
        for finding in learnt:
            self._learnt.remove(finding)
            record_finding(finding)
        self.sent += sum(finding.state is State.SENT for finding in learnt)
        for row in claimed:
            self._begin(row, claimed_at)
        return bool(more or self._calls)

    async def wait(self) -> None:
        """Until a call has ended, or the lease must be renewed."""
        if not self._calls:
            return
        _, others = await asyncio.wait(
            self._calls.values(),
            timeout=sender_leases.RENEW_EVERY_SECONDS,
            return_when=asyncio.FIRST_COMPLETED,
        )
        if others:
            await asyncio.wait(others, timeout=COLLECT_SECONDS)

    def abandon(self) -> None:
        """Wait for no call any more; whoever comes next finds out."""
        for call in self._calls.values():
            call.cancel()

    def _begin(self, row: QueuedMessage, claimed_at: float) -> None:
        self.calls += 1
        job = self._tools.jobs.do(row, claimed_at)
        self._calls[row.queue] = asyncio.create_task(job, name=f"call {row.message_id}")

    def _collect(self) -> None:
        for queue, call in list(self._calls.items()):
            if call.done():
                del self._calls[queue]
                self._learnt.append(call.result())

    async def _in_transaction(
        self, tx: AsyncConnection, learnt: tuple[SendResult, ...]
    ) -> tuple[list[QueuedMessage], bool]:
        tools, now = self._tools, self._tools.clock.now()
        real = await sender_leases.real_time(tx)
        lease = None
        if self._mine is not False:  # once lost it is another's, who may doubt our calls
            get = sender_leases.renew if self._mine else sender_leases.take
            lease = await get(tx, self._workspace_id, tools.owner, real)
        await self._write_down(tx, learnt, now, real)
        if lease is None or any(finding.meaning is ErrorKind.WORKSPACE for finding in learnt):
            self._mine = False
            await sender_leases.release(tx, self._workspace_id, tools.owner)
            return [], False
        if self._mine is None:
            self._mine = True
            await self._doubt(tx, real)
        used = tools.pace.resume(lease.rate_usage, real.timestamp())
        used.learn(learnt)
        rows, more = ([], False) if self.stopping else await self._choose(tx, used, now, real)
        claimed = await self._claim(tx, rows, now)
        kept = used.keep()
        if kept != lease.rate_usage:
            await sender_leases.save(tx, self._workspace_id, kept)
        if not (claimed or more or self._calls):
            await self._release(tx, used, real)
        return claimed, more

    async def _write_down(
        self, tx: AsyncConnection, learnt: tuple[SendResult, ...], now: datetime, real: datetime
    ) -> None:
        sent = [finding for finding in learnt if finding.state is State.SENT]
        others = [finding for finding in learnt if finding.state is not State.SENT]
        if sent:
            await transitions.conclude(tx, sent, now)
        if others:
            await transitions.put_back(tx, others, real)
        for finding in others:
            if finding.meaning in (ErrorKind.PERMANENT, ErrorKind.WORKSPACE):
                await self._refused(tx, finding, now)

    async def _refused(self, tx: AsyncConnection, finding: SendResult, now: datetime) -> None:
        """What follows from Slack's no belongs to the transaction that notes it."""
        assert finding.meaning is not None
        row, reason = finding.row, finding.reason or ""
        if finding.meaning is ErrorKind.WORKSPACE:
            await sender_leases.halt(tx, self._workspace_id, reason)
        elif finding.state is not State.FAILED:  # only its picture was refused
            return
        refusal = FailedMessage(
            workspace_id=row.workspace_id,
            message_id=row.message_id,
            key=row.key,
            operation=row.operation,
            conversation=row.conversation,
            reason=reason,
            meaning=finding.meaning,
        )
        try:
            async with tx.begin_nested():
                await self._tools.refused(tx, refusal, now)
        except Exception as error:  # what follows for one message stops no other
            if failure_kind(error) is not None:  # it is noted later, with what was learnt
                raise
            log.error("consequence_failed", exc_info=error, reason=reason, **row.key.log_fields)

    async def _doubt(self, tx: AsyncConnection, real: datetime) -> None:
        look_at = real + timedelta(seconds=self._tools.retry_timings.settle)
        doubted = await sender_leases.mark_interrupted_unknown(tx, self._workspace_id, look_at)
        record_takeover(self._workspace_id, doubted, abandoned=self._abandoned)

    async def _choose(
        self, tx: AsyncConnection, used: RateUsage, now: datetime, real: datetime
    ) -> tuple[list[QueuedMessage], bool]:
        """What goes next; and whether something was put aside, so that more may follow at once."""
        capacity = IN_FLIGHT - len(self._calls)
        found = await heads(
            tx,
            self._workspace_id,
            now=now,
            real=real,
            barred=used.barred(),
            limit=IN_FLIGHT + capacity,
        )
        free = [row for row in found if row.queue not in self._calls]
        welcome = await self._welcome(tx, free, now)
        chosen: list[QueuedMessage] = []
        put_aside = False
        for row in free:
            if await self._put_aside(tx, row, now, welcome.get(row.message_id, now)):
                put_aside = True
            elif row.state is State.PENDING and await is_exhausted(tx, row, now):
                await self._give_up(tx, row, now, real)
                put_aside = True
            elif len(chosen) < capacity and used.take(row):
                chosen.append(row)
        return chosen, put_aside

    async def _welcome(
        self, tx: AsyncConnection, rows: Sequence[QueuedMessage], now: datetime
    ) -> Mapping[str, datetime]:
        """From when a message suits, by message, where it is late, or was to wait for a person.

        What is said as soon as it is decided was decided so; but who was to hear something later
        may live elsewhere by now.
        """
        late = [
            row
            for row in rows
            if row.operation is Operation.POST
            and row.state is State.PENDING
            and (now - row.not_before > LATE or (row.to_person and row.was_to_wait))
        ]
        if not late:
            return {}
        conversations = {row.conversation for row in late}
        at = await self._tools.next_allowed_at(tx, self._workspace_id, conversations, now)
        return {row.message_id: at[row.conversation] for row in late}

    async def _put_aside(
        self, tx: AsyncConnection, row: QueuedMessage, now: datetime, welcome: datetime
    ) -> bool:
        """What is too late is never said, what would disturb is said later.

        What may be in Slack already is looked for first.
        """
        if row.state is State.UNKNOWN:
            return False
        if row.expires_at is not None and row.expires_at <= welcome:
            await self._expire(tx, row, "too late")
        elif row.target is None and row.operation is not Operation.POST:
            await self._expire(tx, row, "its message is not in Slack")
        elif welcome > now:
            await transitions.postpone(tx, row, welcome)
            record_postponed(row, welcome)
        else:
            return False
        return True

    async def _expire(self, tx: AsyncConnection, row: QueuedMessage, reason: str) -> None:
        await transitions.expire(tx, row, reason)
        note_expired(row, reason)

    async def _give_up(
        self, tx: AsyncConnection, row: QueuedMessage, now: datetime, real: datetime
    ) -> None:
        permanent = ErrorKind.PERMANENT
        gone = SendResult(row=row, state=State.FAILED, reason="given up", meaning=permanent)
        await self._write_down(tx, (gone,), now, real)
        record_finding(gone)

    async def _claim(
        self, tx: AsyncConnection, rows: list[QueuedMessage], now: datetime
    ) -> list[QueuedMessage]:
        """Only what may be said twice if we die needs no claim: looking, and uploading."""
        to_send = [row for row in rows if row.pace != PROOF and not row.needs_picture]
        others = [row for row in rows if row not in to_send]
        return await transitions.claim(tx, to_send, now) + others

    async def _release(self, tx: AsyncConnection, used: RateUsage, real: datetime) -> None:
        wait = used.wait()
        resume_at = None if wait is None else real + min(timedelta(seconds=wait), LONGEST_REST)
        await sender_leases.release(tx, self._workspace_id, self._tools.owner, resume_at)
