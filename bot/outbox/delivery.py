"""Delivery: sends what is due, learns where it is, retries, and looks up unknown outcomes.

The protocol, step by step, for one message:

1. its workspace's lane is leased, its turn under Slack's limits has come;
2. a transaction marks it `sending` with a new fence and commits;
3. the call is made, without retries by the SDK;
4. a second transaction concludes it: sent with channel and ts; pending again where Slack surely
   did nothing; failed where it never will; unknown otherwise;
5. an unknown one is looked up after a settling time: present is sent, absent is pending again,
   and where no proof can be had it is held.

A process that dies between 2 and 4 leaves `sending`, which the lane's next owner treats as
unknown. What can be repeated without harm (edits, pins, home views) skips the proof.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import Clock, jittered, monotonic, new_id, real_now
from bot.db.engine import Database
from bot.log import log
from bot.metrics import call_seconds, deliveries, open_messages
from bot.outbox import lanes, steps
from bot.outbox.calls import NOWHERE, Place, perform
from bot.outbox.lanes import Row
from bot.outbox.outbox import Operation, State
from bot.outbox.pace import Pace
from bot.outbox.pictures import Draw, upload
from bot.outbox.proof import Unproven, find
from bot.slack.errors import Meaning, Verdict, verdict

BATCH = 50
MEASURE_EVERY_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long to wait, in real seconds."""

    settle: float = 120  # before looking whether an unknown message is there
    first_retry: float = 2  # doubled after each failure
    longest_retry: float = 600
    picture_tries: int = 24  # about two minutes
    picture_retry: float = 5
    look: float = 1  # how often to look for what other processes wrote


class Delivery:
    """The sender. Any number of processes may run one; each lane has one owner at a time."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        client_for: Callable[[str], AsyncWebClient],
        draw: Draw,
        *,
        pace: Pace | None = None,
        patience: Patience | None = None,
    ) -> None:
        self._db = db
        self._clock = clock
        self._client_for = client_for
        self._draw = draw
        self._pace = pace or Pace()
        self._patience = patience or Patience()
        self._owner = new_id()
        self._lanes: dict[str, asyncio.Task[int]] = {}
        self._stopping = False
        self._measure_at = 0.0

    async def run(self) -> None:
        """Send what is due until stopped, as soon as it is written here."""
        while not self._stopping:
            self._db.changed.clear()
            try:
                await self._start_lanes()
                await self._measure()
            except Exception as error:  # one of the three borders where everything is caught
                log.error("delivery_failed", exc_info=error)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._db.changed.wait(), self._patience.look)

    async def deliver_due(self) -> int:
        """Send what is due now and wait for it. Returns how many calls were made."""
        await self._start_lanes()
        return sum(await asyncio.gather(*self._lanes.values()))

    async def stop(self, seconds: float = 7) -> None:
        """Begin nothing new, and give calls under way so many seconds."""
        self._stopping = True
        self._db.changed.set()
        if self._lanes:
            await asyncio.wait(self._lanes.values(), timeout=seconds)
        for lane in self._lanes.values():
            lane.cancel()

    async def _measure(self) -> None:
        if monotonic() < self._measure_at:
            return
        self._measure_at = monotonic() + MEASURE_EVERY_SECONDS
        async with self._db.reading() as reader:
            counts = await lanes.counts(reader)
        for state, count in counts.items():
            open_messages.labels(state).set(count)

    async def _start_lanes(self) -> None:
        async with self._db.reading() as reader:
            waiting = await lanes.with_work(reader, self._clock.now(), real_now())
        for workspace_id in waiting:
            if workspace_id not in self._lanes:
                lane = asyncio.create_task(self._work(workspace_id), name=f"lane {workspace_id}")
                self._lanes[workspace_id] = lane

    async def _work(self, workspace_id: str) -> int:
        done = 0
        try:
            async with self._lane(workspace_id) as mine:
                while mine and not self._stopping and (rows := await self._heads(workspace_id)):
                    await asyncio.gather(*(self._advance(row) for row in rows))
                    done += len(rows)
        except Exception as error:  # one of the three borders where everything is caught
            log.error("lane_failed", exc_info=error, workspace=workspace_id)
        finally:
            del self._lanes[workspace_id]
        return done

    @asynccontextmanager
    async def _lane(self, workspace_id: str) -> AsyncIterator[bool]:
        async with self._db.transaction() as tx:
            mine = await lanes.lease(tx, workspace_id, self._owner, real_now())
            look_at = real_now() + timedelta(seconds=self._patience.settle)
            doubted = await lanes.doubt_interrupted(tx, workspace_id, look_at) if mine else 0
        if doubted:
            log.warning("outcome_unknown", workspace=workspace_id, messages=doubted)
        keeper = asyncio.create_task(self._keep(workspace_id))
        try:
            yield mine
        finally:
            keeper.cancel()
            async with self._db.transaction() as tx:
                await lanes.release(tx, workspace_id, self._owner)

    async def _keep(self, workspace_id: str) -> None:
        while True:
            await asyncio.sleep(lanes.RENEW_EVERY_SECONDS)
            async with self._db.transaction() as tx:
                await lanes.lease(tx, workspace_id, self._owner, real_now())

    async def _heads(self, workspace_id: str) -> list[Row]:
        async with self._db.reading() as reader:
            return await lanes.heads(reader, workspace_id, self._clock.now(), real_now(), BATCH)

    async def _advance(self, row: Row) -> None:
        async with self._db.reading() as reader:
            target = await steps.target_of(reader, row)
        if row.expires_at is not None and row.expires_at <= self._clock.now():
            await self._expire(row, "too late")
        elif target is None and row.operation is not Operation.POST:
            await self._expire(row, "its message is not in Slack")
        elif row.state is State.UNKNOWN:
            await self._prove(row, target or NOWHERE)
        elif row.picture is None or row.file_id or await self._picture(row):
            await self._send(row, target or NOWHERE)

    async def _send(self, row: Row, target: Place) -> None:
        await self._pace.turn(row.workspace_id, row.operation, row.conversation)
        async with self._db.transaction() as tx:
            fence = await steps.claim(tx, row, self._clock.now())
        if fence is None:
            return
        try:
            with call_seconds.labels(row.operation).time():
                place = await perform(self._client_for(row.workspace_id), row, target)
        except Exception as error:
            await self._not_sent(row, verdict(error))
            return
        async with self._db.transaction() as tx:
            await steps.conclude(tx, row, place, self._clock.now(), fence)
        self._tell(row, State.SENT)

    async def _not_sent(self, row: Row, why: Verdict) -> None:
        if why.retry_after is not None:
            self._pace.block(row.workspace_id, row.operation, why.retry_after)
        if why.meaning is Meaning.PERMANENT and row.file_id:
            await self._without_file(row, why)
        elif why.meaning is Meaning.PERMANENT:
            await self._put_back(row, State.FAILED, why.reason, None)
        elif why.meaning is Meaning.UNKNOWN and row.operation is Operation.POST:
            await self._put_back(row, State.UNKNOWN, why.reason, self._patience.settle)
        else:
            wait = why.retry_after or self._backoff(row, why)
            await self._put_back(row, State.PENDING, why.reason, wait)

    async def _without_file(self, row: Row, why: Verdict) -> None:
        """Slack may still be working on the picture: wait for it, in the end do without."""
        if row.attempts >= self._patience.picture_tries or why.reason != "invalid_blocks":
            async with self._db.transaction() as tx:
                await steps.drop_picture(tx, row)
        await self._put_back(row, State.PENDING, why.reason, self._patience.picture_retry)

    async def _picture(self, row: Row) -> bool:
        """Upload the picture first. Returns whether the message can be sent at once."""
        try:
            file_id = await upload(
                self._client_for(row.workspace_id), self._draw, row.picture or {}
            )
        except Exception as error:
            await self._no_picture(row, error)
            return False
        async with self._db.transaction() as tx:
            await steps.keep_file(tx, row, file_id)
        return False  # read again, with its file

    async def _no_picture(self, row: Row, error: Exception) -> None:
        tries = row.attempts + 1
        log.warning("picture_failed", key=row.key, tries=tries, reason=type(error).__name__)
        async with self._db.transaction() as tx:
            await steps.count_try(tx, row)
            if tries >= self._patience.picture_tries:
                await steps.drop_picture(tx, row)
        wait = 0 if tries >= self._patience.picture_tries else self._patience.picture_retry
        await self._put_back(row, State.PENDING, "no picture", wait)

    async def _prove(self, row: Row, target: Place) -> None:
        try:
            found = await find(self._client_for(row.workspace_id), row, target)
        except Exception as error:
            why = verdict(error)
            wait = why.retry_after or self._backoff(row, why)
            await self._put_back(row, State.UNKNOWN, why.reason, wait)
            return
        if isinstance(found, Place):
            async with self._db.transaction() as tx:
                await steps.conclude(tx, row, found, self._clock.now())
            self._tell(row, State.SENT)
        elif found is Unproven.ABSENT:
            await self._put_back(row, State.PENDING, "proven absent", None)
        else:
            await self._put_back(row, State.HELD, "no proof can be had", None)

    def _backoff(self, row: Row, why: Verdict) -> float:
        if why.meaning is Meaning.WORKSPACE:
            return self._patience.longest_retry
        doubled = self._patience.first_retry * 2 ** min(row.attempts, 16)
        return jittered(min(doubled, self._patience.longest_retry))

    async def _expire(self, row: Row, reason: str) -> None:
        async with self._db.transaction() as tx:
            await steps.expire(tx, row, reason)
        self._tell(row, State.EXPIRED, reason)

    async def _put_back(self, row: Row, state: State, error: str, wait: float | None) -> None:
        retry_at = None if wait is None else real_now() + timedelta(seconds=wait)
        async with self._db.transaction() as tx:
            await steps.put_back(tx, row, state, error=error, retry_at=retry_at)
        self._tell(row, state, error)

    def _tell(self, row: Row, state: State, reason: str | None = None) -> None:
        deliveries.labels(row.operation, state).inc()
        fields: dict[str, Any] = {"workspace": row.workspace_id, "message": row.message_id}
        if reason:
            fields["reason"] = reason
        said = log.warning if state in (State.HELD, State.FAILED, State.UNKNOWN) else log.info
        said(f"message_{state}", key=row.key, operation=row.operation, **fields)
