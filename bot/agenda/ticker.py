"""The tick: APScheduler calls it, it carries out what is due.

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
from bot.agenda.schedule import AgendaItem, AlreadyTaken
from bot.clock import Clock, real_now
from bot.db.db_errors import failure_kind
from bot.db.engine import Database
from bot.log import log
from bot.metrics import agenda_actions, scheduler_lag_seconds
from bot.slack.errors import verdict

#: Takes an item; one that is carried out together takes several.
Action = Callable[..., Awaitable[None]]

BATCH = 100
#: On PostgreSQL; SQLite has one writer. Answers of people need connections too.
AT_ONCE = 6
FIRST_RETRY = timedelta(seconds=2)
LONGEST_RETRY = timedelta(minutes=10)


class Ticker:
    """Carries out due items, each by the action of its name.

    An action opens its transaction with `carrying_out`, or strikes its item off in it. One that
    fails is logged and tried again later; it stops no other. Things about one subject are done in
    the order they were due, others side by side: no action may count on what another subject's
    has done (see `bot.agenda`).
    """

    def __init__(
        self,
        db: Database,
        clock: Clock,
        actions: Mapping[str, Action],
        together: Collection[str] = (),
    ) -> None:
        """`together` are the actions that may be given at once all that is due about one thing.

        That is named by what their subjects begin with, up to a colon. What cannot be done
        together is done one by one.
        """
        self._db = db
        self._clock = clock
        self._actions = actions
        self._together = together
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        self._working = asyncio.Lock()
        self._at_once = asyncio.Semaphore(1 if db.is_sqlite else AT_ONCE)
        self._stopping = False
        self._left: list[AgendaItem] = []  # claimed, and not begun any more

    def start(self, seconds: float) -> None:
        """Tick every so many seconds, in the running loop."""
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
        """Begin nothing new, and give what is being carried out so many seconds.

        APScheduler would cancel it in the middle.
        """
        self._stopping = True
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds), self._working:
                pass
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    async def tick(self) -> int:
        """Do what is due now, until nothing is. Returns how many things were done."""
        if self._working.locked():
            return 0
        async with self._working:
            return await self._work_off()

    async def _tick_on_time(self) -> None:
        try:
            await self.tick()
        except Exception as error:  # one of the three borders where everything is caught
            if failure_kind(error) is None:  # the database says itself that it does not work
                log.error("tick_failed", exc_info=error)

    async def _work_off(self) -> int:
        done = 0
        while not self._stopping and (items := await self._claim()):
            done += sum(await asyncio.gather(*map(self._in_order, self._side_by_side(items))))
            await self._give_back()
        return done

    def _side_by_side(self, items: Sequence[AgendaItem]) -> Iterable[list[list[AgendaItem]]]:
        """What need not wait for each other: of each the steps, one after the other."""
        subjects: dict[tuple[str, str], list[AgendaItem]] = {}
        for item in items:
            subjects.setdefault((item.workspace_id, item.subject), []).append(item)
        found: dict[tuple[str, ...], list[list[AgendaItem]]] = {}
        for key, (first, *more) in subjects.items():
            if more or first.action not in self._together:
                found[key] = [[first], *([one] for one in more)]
                continue
            about = leading_id(first.subject)
            found.setdefault((first.workspace_id, first.action, about), [[]])[0].append(first)
        return found.values()

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

    async def _in_order(self, steps: Sequence[list[AgendaItem]]) -> int:
        """One step after the other; what is not about the same does not wait for it."""
        done = 0
        for at, items in enumerate(steps):
            async with self._at_once:
                if self._stopping:
                    self._left += chain.from_iterable(steps[at:])
                    break
                carried_out = await self._carry_out(items)
            if carried_out:
                done += len(items)
            elif len(items) > 1:  # what cannot be done shall fail alone
                done += await self._in_order([[item] for item in items])
        return done

    async def _carry_out(self, items: Sequence[AgendaItem]) -> bool:
        """Whether these were carried out, all of them. Of one that fails it is noted."""
        item = items[0]
        try:
            with bound_contextvars(**_about(item)):  # all are about the same, but for people
                await self._actions[item.action](*items)
        except AlreadyTaken:
            return False
        except Exception as error:  # one of the three borders where everything is caught
            if len(items) == 1:
                agenda_actions.labels(item.action, "failed").inc()
                about = _about(item)
                log.error("agenda_action_failed", exc_info=error, attempts=item.attempts, **about)
                await self._put_off(item, error)
            return False
        agenda_actions.labels(item.action, "done").inc(len(items))
        for item in items:
            log.info("agenda_action_done", **_about(item))
        return True

    async def _put_off(self, item: AgendaItem, error: Exception) -> None:
        asked = timedelta(seconds=verdict(error).retry_after or 0)
        wait = max(_wait_after(item.attempts), asked)
        with suppress(Exception):  # then it is free again when the claim has run out
            async with self._db.transaction() as tx:
                await reschedule_failed(tx, item, real_now() + wait)

    async def _give_back(self) -> None:
        if not self._left:
            return
        async with self._db.transaction() as tx:
            await release(tx, self._left)


def _about(item: AgendaItem) -> dict[str, str]:
    return {**log_fields(item.action, item.subject), "workspace": item.workspace_id}


def _wait_after(attempts: int) -> timedelta:
    """Two seconds, doubled after each failure, at most ten minutes."""
    doubled: timedelta = FIRST_RETRY * 2 ** min(attempts, 20)
    return min(doubled, LONGEST_RETRY)
