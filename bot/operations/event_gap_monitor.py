"""Detection of gaps in which Slack could not deliver events, some of which are then lost.

Slack retries an event for the last time some six minutes after the first attempt.
"""

import asyncio
from collections.abc import Awaitable, Callable

from bot.clock import uptime
from bot.log import log

LOOK_SECONDS = 60.0
#: The longest time between two successful checks that counts as no gap.
LOST_AFTER_SECONDS = 300.0


class EventGapMonitor:
    """A periodic check of whether Slack can deliver events.

    The time while the process was suspended, or the machine asleep, counts as a gap, too.
    """

    def __init__(
        self,
        hears: Callable[[], Awaitable[bool]],
        missed: Callable[[], Awaitable[None]],
        now: Callable[[], float] = uptime,
    ) -> None:
        """Store the callbacks. `missed` is called after a gap; it may fail."""
        self._hears = hears
        self._missed = missed
        self._now = now
        self._heard_at = now()

    async def watch(self) -> None:
        """Check periodically until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self.look()
            except Exception as error:  # noqa: BLE001 - the next check tries again, as _heard_at is unchanged
                log.warning("hearing_not_looked_at", reason=type(error).__name__)

    async def look(self) -> None:
        now = self._now()
        if not await self._hears():
            return
        if now - self._heard_at > LOST_AFTER_SECONDS:
            log.warning("events_missed", seconds=round(now - self._heard_at))
            await self._missed()
        self._heard_at = now
