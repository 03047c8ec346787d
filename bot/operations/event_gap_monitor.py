"""Whether Slack could tell us things: after a while in which it could not, some of them are lost.

Its last repetition of an event comes some six minutes after the first try.
"""

import asyncio
from collections.abc import Awaitable, Callable

from bot.clock import uptime
from bot.log import log

LOOK_SECONDS = 60.0
#: Between two moments in which it could.
LOST_AFTER_SECONDS = 300.0


class EventGapMonitor:
    """Looks now and then. A process that stood still, or a machine that slept, was deaf, too."""

    def __init__(
        self,
        hears: Callable[[], Awaitable[bool]],
        missed: Callable[[], Awaitable[None]],
        now: Callable[[], float] = uptime,
    ) -> None:
        """`missed` is called where Slack may have told things in vain; it may fail."""
        self._hears = hears
        self._missed = missed
        self._now = now
        self._heard_at = now()

    async def watch(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self.look()
            except Exception as error:  # the next look tries again, since nothing is noted
                log.warning("hearing_not_looked_at", reason=type(error).__name__)

    async def look(self) -> None:
        now = self._now()
        if not await self._hears():
            return
        if now - self._heard_at > LOST_AFTER_SECONDS:
            log.warning("events_missed", seconds=round(now - self._heard_at))
            await self._missed()
        self._heard_at = now
