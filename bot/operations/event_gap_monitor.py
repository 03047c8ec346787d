"""Detection of gaps in which Slack could not deliver events, some of which are then lost.

Slack retries an event for the last time some six minutes after the first attempt.
"""

import asyncio
from collections.abc import Awaitable, Callable

from bot.clock import uptime
from bot.log import log

CHECK_SECONDS = 60.0
#: The longest time between two successful checks that counts as no gap.
MAX_GAP_SECONDS = 300.0


class EventGapMonitor:
    """A periodic check of whether Slack can deliver events.

    The time while the process was suspended, or the machine asleep, counts as a gap, too.
    """

    def __init__(
        self,
        is_connected: Callable[[], Awaitable[bool]],
        on_gap: Callable[[], Awaitable[None]],
        now: Callable[[], float] = uptime,
    ) -> None:
        """Store the callbacks. `missed` is called after a gap; it may fail."""
        self._hears = is_connected
        self._missed = on_gap
        self._now = now
        self._connected_at = now()

    async def watch(self) -> None:
        """Check periodically until cancelled."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            try:
                await self.check_once()
            except Exception as error:  # noqa: BLE001 - the next check tries again, as _connected_at is unchanged
                log.warning("event_gap_check_failed", reason=type(error).__name__)

    async def check_once(self) -> None:
        now = self._now()
        if not await self._hears():
            return
        if now - self._connected_at > MAX_GAP_SECONDS:
            log.warning("events_missed", seconds=round(now - self._connected_at))
            await self._missed()
        self._connected_at = now
