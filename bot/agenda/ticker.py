"""The tick: APScheduler calls it, it carries out what is due.

APScheduler does nothing else here: its job stores cannot be shared by processes, and its cron
triggers fire twice or never around daylight-saving changes.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.agenda.agenda import Item, Taken, due, failed
from bot.clock import Clock, real_now
from bot.db.engine import Database
from bot.log import log
from bot.metrics import agenda_actions, agenda_lag_seconds

Action = Callable[[Item], Awaitable[None]]

BATCH = 100
FIRST_RETRY = timedelta(seconds=2)
LONGEST_RETRY = timedelta(minutes=10)


class Ticker:
    """Carries out due items, each by the action of its name.

    An action opens its transaction with `carrying_out`. One that fails is logged and tried again
    later; it stops no other.
    """

    def __init__(self, db: Database, clock: Clock, actions: Mapping[str, Action]) -> None:
        self._db = db
        self._clock = clock
        self._actions = actions
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        self._working = asyncio.Lock()
        self._stopping = False

    def start(self, seconds: float) -> None:
        """Tick every so many seconds, in the running loop."""
        self._scheduler.add_job(
            self.tick,
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

    async def _work_off(self) -> int:
        done = 0
        while items := await self._due():
            progress = 0
            for item in items:
                if self._stopping:
                    return done
                progress += await self._carry_out(item)
            done += progress
            if not progress:  # what is left waits for a retry or is done elsewhere
                break
        return done

    async def _due(self) -> list[Item]:
        now = self._clock.now()
        async with self._db.reading() as reader:
            items = await due(reader, now, real_now(), BATCH)
        oldest = items[0].due_at if items else now
        agenda_lag_seconds.set((now - oldest).total_seconds())
        return items

    async def _carry_out(self, item: Item) -> bool:
        about = {"action": item.action, "subject": item.subject, "workspace": item.workspace_id}
        try:
            await self._actions[item.action](item)
        except Taken:
            return False
        except Exception as error:  # one of the three borders where everything is caught
            agenda_actions.labels(item.action, "failed").inc()
            log.error("agenda_action_failed", exc_info=error, attempts=item.attempts, **about)
            async with self._db.transaction() as tx:
                await failed(tx, item, real_now() + _wait_after(item.attempts))
            return False
        agenda_actions.labels(item.action, "done").inc()
        log.info("agenda_action_done", **about)
        return True


def _wait_after(attempts: int) -> timedelta:
    """Two seconds, doubled after each failure, at most ten minutes."""
    doubled: timedelta = FIRST_RETRY * 2 ** min(attempts, 20)
    return min(doubled, LONGEST_RETRY)
