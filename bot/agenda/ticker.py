"""The ticker: APScheduler calls it, and it runs what is due.

APScheduler does nothing else here: its job stores cannot be shared by processes, and its cron
triggers fire twice or never around daylight-saving changes.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from itertools import chain

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from structlog.contextvars import bound_contextvars

from bot.agenda.actions import leading_id, log_fields
from bot.agenda.claims import claim, due, release, reschedule_failed
from bot.agenda.schedule import AgendaItem, NoLongerDue
from bot.clock import Clock, real_now
from bot.db.engine import Database
from bot.db.health import log_unless_database_failed
from bot.log import log
from bot.metrics import agenda_actions, scheduler_lag_seconds
from bot.slack.errors import classify

#: Takes an item; a batched action takes several.
Action = Callable[..., Awaitable[None]]

BATCH = 100
#: Actions run at once on PostgreSQL; SQLite has one writer. People's requests need connections too.
MAX_CONCURRENT = 6
FIRST_RETRY = timedelta(seconds=2)
LONGEST_RETRY = timedelta(minutes=10)
#: The outcomes of an action, in the metrics.
OUTCOMES = DONE, FAILED = ("done", "failed")


class Ticker:
    """Runs due items, each by the action of its name.

    An action opens its transaction with `run_item`, or calls `complete_or_abort` in its own. A
    failed action is logged and retried later, and stops no other. Items with one subject run in the
    order they were due, others concurrently: no action may rely on what an action on another
    subject has done (see `bot.agenda`).
    """

    def __init__(
        self,
        db: Database,
        clock: Clock,
        actions: Mapping[str, Action],
        batched_actions: Collection[str] = (),
    ) -> None:
        """Set up a ticker; `together` names the actions that may be given a batch of due items.

        The items of a batch share the leading id of their subjects. If a batch fails, its items are
        run one by one.
        """
        self._db = db
        self._clock = clock
        self._actions = actions
        self._batched = batched_actions
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        self._tick_lock = asyncio.Lock()
        self._concurrency = asyncio.Semaphore(1 if db.is_sqlite else MAX_CONCURRENT)
        self._stopping = False
        self._unstarted: list[AgendaItem] = []  # claimed, but not to be started any more

    def start(self, seconds: float) -> None:
        """Tick every `seconds` seconds, in the running loop."""
        self._scheduler.add_job(
            self._tick_on_time,
            "interval",
            seconds=seconds,
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,
        )
        self._scheduler.start()

    async def stop(self, seconds: float = 5) -> None:
        """Start nothing new, and give running actions up to `seconds` seconds to finish.

        APScheduler would cancel them halfway.
        """
        self._stopping = True
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds), self._tick_lock:
                pass
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    async def tick(self) -> int:
        """Run what is due until nothing is. Return the number of items done."""
        if self._tick_lock.locked():
            return 0
        async with self._tick_lock:
            return await self._run_due()

    async def _tick_on_time(self) -> None:
        try:
            await self.tick()
        except Exception as error:  # noqa: BLE001 - the loop goes on
            log_unless_database_failed("tick_failed", error)

    async def _run_due(self) -> int:
        done = 0
        while not self._stopping and (items := await self._claim()):
            done += sum(await asyncio.gather(*map(self._run_steps, self._concurrent_steps(items))))
            await self._release_unstarted()
        return done

    def _concurrent_steps(self, items: Sequence[AgendaItem]) -> Iterable[list[list[AgendaItem]]]:
        """Group items into lists of steps: lists run concurrently, the steps of a list in order."""
        subjects: dict[tuple[str, str], list[AgendaItem]] = {}
        for item in items:
            subjects.setdefault((item.workspace_id, item.subject), []).append(item)
        steps_by_key: dict[tuple[str, ...], list[list[AgendaItem]]] = {}
        for key, (first, *later) in subjects.items():
            if later or first.action not in self._batched:
                steps_by_key[key] = [[first], *([item] for item in later)]
                continue
            shared_id = leading_id(first.subject)
            steps_by_key.setdefault((first.workspace_id, first.action, shared_id), [[]])[0].append(
                first
            )
        return steps_by_key.values()

    async def _claim(self) -> list[AgendaItem]:
        now = self._clock.now()
        async with self._db.reading() as reader:  # most ticks find nothing and write nothing
            oldest = await due(reader, now, real_now(), 1)
        lag = now - oldest[0].due_at if oldest else timedelta(0)
        scheduler_lag_seconds.set(lag.total_seconds())
        if not oldest:
            return []
        async with self._db.transaction() as tx:
            return await claim(tx, now, real_now(), BATCH)

    async def _run_steps(self, steps: Sequence[list[AgendaItem]]) -> int:
        """Run steps in order; items with other subjects do not wait for them."""
        done = 0
        for index, items in enumerate(steps):
            async with self._concurrency:
                if self._stopping:
                    self._unstarted += chain.from_iterable(steps[index:])
                    break
                succeeded = await self._run(items)
            if succeeded:
                done += len(items)
            elif len(items) > 1:  # so that only the failing item fails
                done += await self._run_steps([[item] for item in items])
        return done

    async def _run(self, items: Sequence[AgendaItem]) -> bool:
        """Run these items and return whether all of them were done.

        Schedule a retry of a single item that fails.
        """
        item = items[0]
        try:
            with bound_contextvars(**_log_context(item)):  # they differ only in the person
                await self._actions[item.action](*items)
        except NoLongerDue:
            return False
        except Exception as error:  # noqa: BLE001 - the loop goes on
            if len(items) == 1:
                agenda_actions.labels(item.action, FAILED).inc()
                context = _log_context(item)
                log.error("agenda_action_failed", exc_info=error, attempts=item.attempts, **context)
                await self._schedule_retry(item, error)
            return False
        agenda_actions.labels(item.action, DONE).inc(len(items))
        for item in items:
            log.info("agenda_action_done", **_log_context(item))
        return True

    async def _schedule_retry(self, item: AgendaItem, error: Exception) -> None:
        requested = timedelta(seconds=classify(error).retry_after or 0)
        wait = max(_wait_after(item.attempts), requested)
        with suppress(Exception):  # if this fails, the item is free once its claim expires
            async with self._db.transaction() as tx:
                await reschedule_failed(tx, item, real_now() + wait)

    async def _release_unstarted(self) -> None:
        if not self._unstarted:
            return
        async with self._db.transaction() as tx:
            await release(tx, self._unstarted)


def _log_context(item: AgendaItem) -> dict[str, str]:
    return {**log_fields(item.action, item.subject), "workspace": item.workspace_id}


def _wait_after(attempts: int) -> timedelta:
    """Return the wait after a failure: two seconds, doubled each time, at most ten minutes."""
    doubled: timedelta = FIRST_RETRY * 2 ** min(attempts, 20)
    return min(doubled, LONGEST_RETRY)
