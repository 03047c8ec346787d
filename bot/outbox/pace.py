"""Slack's limits as token buckets, kept by the one sender of a workspace.

Figures: https://docs.slack.dev/apis/web-api/rate-limits. A tier allows so many calls a minute;
chat.postMessage one a second for each channel and "several hundred" a minute for a workspace,
of which 240 are used here.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bot.clock import monotonic
from bot.outbox.outbox import Operation

#: Calls a minute for a workspace, and how many may come at once.
PER_MINUTE = {
    Operation.POST: (240, 10),
    Operation.UPDATE: (50, 10),  # tier 3
    Operation.PIN: (20, 5),  # tier 2
    Operation.UNPIN: (20, 5),
    Operation.BOOKMARK: (20, 5),
    Operation.UNBOOKMARK: (20, 5),
    Operation.PUBLISH: (100, 20),  # tier 4
}
#: Messages a minute to one conversation; short bursts are tolerated.
IN_ONE_CONVERSATION = (60, 3)


@dataclass(kw_only=True)
class Bucket:
    """Tokens that come back with time. Seconds are of a clock that never goes back."""

    per_second: float
    size: float
    tokens: float = field(init=False)
    as_of: float

    def __post_init__(self) -> None:
        self.tokens = self.size

    def wait(self, now: float) -> float:
        """Take a token. Returns the seconds to wait before using it."""
        self.tokens = min(self.size, self.tokens + (now - self.as_of) * self.per_second)
        self.as_of = max(now, self.as_of)
        self.tokens -= 1
        return max(0.0, -self.tokens / self.per_second)

    def block(self, now: float, seconds: float) -> None:
        """No token for so many seconds: Slack said Retry-After."""
        self.as_of = now
        self.tokens = min(self.tokens, 1 - seconds * self.per_second)


class Pace:
    """When the next call may be made, by workspace and operation."""

    def __init__(
        self,
        *,
        limited: bool = True,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now: Callable[[], float] = monotonic,
    ) -> None:
        self._limited = limited
        self._sleep = sleep
        self._now = now
        self._buckets: dict[tuple[str, str], Bucket] = {}

    async def turn(self, workspace_id: str, operation: Operation, conversation: str) -> None:
        """Wait until this call is within the limits."""
        if not self._limited:
            return
        waits = [self._take(workspace_id, operation, PER_MINUTE[operation])]
        if operation is Operation.POST:
            waits.append(self._take(workspace_id, conversation, IN_ONE_CONVERSATION))
        if max(waits) > 0:
            await self._sleep(max(waits))

    def block(self, workspace_id: str, operation: Operation, seconds: float) -> None:
        """Slack answered 429: this method waits in this workspace; others go on."""
        if self._limited:
            self._bucket(workspace_id, operation, PER_MINUTE[operation]).block(self._now(), seconds)

    def _take(self, workspace_id: str, name: str, limit: tuple[int, int]) -> float:
        return self._bucket(workspace_id, name, limit).wait(self._now())

    def _bucket(self, workspace_id: str, name: str, limit: tuple[int, int]) -> Bucket:
        key = (workspace_id, name)
        if key not in self._buckets:
            per_minute, size = limit
            self._buckets[key] = Bucket(per_second=per_minute / 60, size=size, as_of=self._now())
        return self._buckets[key]
