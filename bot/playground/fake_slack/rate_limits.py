"""Slack's rate limits, by method and by channel, in real time.

https://docs.slack.dev/apis/web-api/rate-limits does not say how large a burst is tolerated; here a
method takes a minute's worth at once, and a channel three messages.
"""

import math
import time
from collections import deque

from bot.playground.fake_slack.errors import RateLimited

WINDOW_SECONDS = 60.0
TIERS = {1: 5, 2: 20, 3: 50, 4: 100}
POSTS_PER_MINUTE = 300  # chat.postMessage ("several hundred" a minute in a workspace), auth.test
CHANNEL_BURST = 3
CHANNEL_SECONDS = 1.0
SLOW_HISTORY = ("conversations.history", "conversations.replies")


class RateLimits:
    """The times of recent calls, by method and channel."""

    def __init__(self) -> None:
        self._calls: dict[str, deque[float]] = {}
        self._channel_free: dict[str, float] = {}

    def count(self, method: str, most: int) -> None:
        """Count a call.

        Raises:
            RateLimited: there were more than `most` calls within a minute.
        """
        now = time.monotonic()
        calls = self._calls.setdefault(method, deque())
        while calls and calls[0] <= now - WINDOW_SECONDS:
            calls.popleft()
        if len(calls) >= most:
            raise RateLimited(math.ceil(calls[0] + WINDOW_SECONDS - now))
        calls.append(now)

    def count_message(self, channel_id: str) -> None:
        """Count a message: about one a second per channel, with a short burst."""
        now = time.monotonic()
        free = max(
            self._channel_free.get(channel_id, 0.0), now - (CHANNEL_BURST - 1) * CHANNEL_SECONDS
        )
        if free > now:
            raise RateLimited(math.ceil(free - now))
        self._channel_free[channel_id] = free + CHANNEL_SECONDS
