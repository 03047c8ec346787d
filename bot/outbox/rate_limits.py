"""Slack's rate limits, as one workspace uses them.

Figures: https://docs.slack.dev/apis/web-api/rate-limits. A tier allows a number of calls a minute;
chat.postMessage one a second in each channel and "several hundred" a minute in a workspace, taken
as 300. The usage is stored with the workspace's lease, so the next sender continues from there.

Pure: given the usage and the time, it says what may be sent now.
"""

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from typing import Any

from bot.outbox.enqueue import Operation, State
from bot.outbox.queued_message import QueuedMessage, SendResult
from bot.slack.errors import ErrorKind

#: Lookups (conversations.open and .history, tier 3, a little less).
LOOKUP = "proof"
#: A post to a person; it counts as a post, but leaves a few posts for channels.
DIRECT = "direct"
RESERVED_FOR_CHANNELS = 20
#: Calls a minute for a workspace.
PER_MINUTE: Mapping[str, int] = {
    Operation.POST: 300,
    Operation.UPDATE: 50,  # tier 3
    Operation.PIN: 20,  # tier 2
    Operation.UNPIN: 20,
    Operation.BOOKMARK: 20,
    Operation.UNBOOKMARK: 20,
    Operation.PUBLISH: 100,  # tier 4
    LOOKUP: 40,
}
#: A minute, and half a second more for calls that took a little longer to arrive.
WINDOW_SECONDS = 60.5
#: Calls within this time are stored as one entry.
GRAIN_SECONDS = 0.25
#: Posts to one conversation: three at once, then one in this many seconds.
CONVERSATION_SECONDS = 1.1
CONVERSATION_BURST = 3
#: After this many unknown outcomes in a row posting stops, except for one probe in this many
#: seconds.
UNKNOWN_OUTCOMES_BEFORE_PROBING = 3
PROBE_EVERY_SECONDS = 30.0


class RateLimits:
    """Slack's rate limits. `limited=False` is for tests that are not about them."""

    def __init__(self, *, limited: bool = True) -> None:
        self.limited = limited

    def resume(self, stored: Mapping[str, Any] | None, now: float) -> "RateUsage":
        """Return the usage at `now` (Unix seconds), from what `RateUsage.keep` returned."""
        return RateUsage(stored or {}, now, limited=self.limited)


class RateUsage:
    """One workspace's usage of the rate limits at one moment.

    `sent` counts the messages sent without a pause; a pause is a minute in which none was sent.
    """

    def __init__(self, stored: Mapping[str, Any], now: float, *, limited: bool) -> None:
        self._now = now
        self._limited = limited
        self._calls: dict[str, list[list[float]]] = {
            name: recent
            for name, calls in stored.get("calls", {}).items()
            if (recent := [call for call in calls if call[0] > now - WINDOW_SECONDS])
        }
        self._free_at = _in_future(stored.get("conversations", {}), now)
        self._blocked = _in_future(stored.get("blocked", {}), now)
        self._unknown_in_a_row: int = stored.get("doubts", 0)
        self._sent_at, sent = stored.get("sent", (0.0, 0))
        self.sent: int = sent if self._sent_at > now - WINDOW_SECONDS else 0
        self._waits: list[float] = []

    def to_json(self) -> dict[str, Any] | None:
        """Return what the next sender needs to know, for a JSON column, or None if nothing."""
        parts = {
            "calls": self._calls,
            "conversations": self._free_at,
            "blocked": self._blocked,
            "doubts": self._unknown_in_a_row,
            "sent": [self._sent_at, self.sent] if self.sent else None,
        }
        return {name: part for name, part in parts.items() if part} or None

    def apply_results(self, results: Iterable[SendResult]) -> None:
        """Apply the results of calls.

        Retry-After stops that method here; repeated unknown outcomes stop posting.
        """
        for result in results:
            if result.state is State.SENT and self._limited:
                self._sent_at, self.sent = self._now, self.sent + 1
            if result.retry_after is not None:
                self._block(_limit_of(result.row.rate_limit), result.retry_after)
            if result.row.operation is not Operation.POST or result.row.rate_limit == LOOKUP:
                continue
            if result.error_kind is ErrorKind.UNKNOWN:
                self._unknown_in_a_row += 1
            elif result.state is State.SENT:
                self._unknown_in_a_row = 0

    def barred(self) -> frozenset[str]:
        """Return the rate limits that are used up now."""
        names = (*PER_MINUTE, DIRECT)
        return frozenset(name for name in names if self._remaining(name) <= 0)

    def take(self, row: QueuedMessage) -> bool:
        """Return whether this call may be made now; if so, count it."""
        if not self._limited:
            return True
        if self._remaining(row.rate_limit) <= 0:
            return False
        is_post = row.operation is Operation.POST and row.rate_limit != LOOKUP
        if is_post and not self._take_conversation(row.conversation):
            return False
        self._count(_limit_of(row.rate_limit))
        if (
            is_post and self._unknown_in_a_row >= UNKNOWN_OUTCOMES_BEFORE_PROBING
        ):  # this one is the probe
            self._block(Operation.POST, PROBE_EVERY_SECONDS)
        return True

    def wait(self) -> float | None:
        """Return the seconds until what was refused so far may be tried, or None if nothing was."""
        barred = self.barred()
        waits = [*self._waits, *(self._until_free(name) for name in barred)]
        return min(waits) if waits else None

    def seconds_until_sent(self, counts: Mapping[str, int]) -> float:
        """Return the seconds until this many more calls, by limit, may all have been made."""
        if not self._limited:
            return 0.0
        calls_by_limit = Counter[str]()
        for name, count in counts.items():
            calls_by_limit[_limit_of(name)] += count
        reserved = RESERVED_FOR_CHANNELS if counts.get(DIRECT) else 0
        return max(
            (
                self._seconds_until_made(limit, count, reserved if limit == Operation.POST else 0)
                for limit, count in calls_by_limit.items()
            ),
            default=0.0,
        )

    def _seconds_until_made(self, limit: str, count: int, reserved: int) -> float:
        time = max(self._now, self._blocked.get(limit, 0.0))
        past_calls = deque(self._calls.get(limit, ()))
        capacity = int(PER_MINUTE[limit] - reserved - sum(calls for _, calls in past_calls))
        while count > capacity:  # a call is made as soon as it may be
            if capacity > 0:
                past_calls.append([time, capacity])
                count, capacity = count - capacity, 0
            began, calls = past_calls.popleft()
            time, capacity = max(time, began + WINDOW_SECONDS), capacity + int(calls)
        return time - self._now if count else 0.0

    def _remaining(self, name: str) -> int:
        if not self._limited:
            return 1
        limit = _limit_of(name)
        if limit in self._blocked:
            return 0
        used = sum(count for _, count in self._calls.get(limit, ()))
        reserved = RESERVED_FOR_CHANNELS if name == DIRECT else 0
        remaining = int(PER_MINUTE[limit] - reserved - used)
        probing = (
            limit == Operation.POST and self._unknown_in_a_row >= UNKNOWN_OUTCOMES_BEFORE_PROBING
        )
        return min(remaining, 1) if probing else remaining

    def _until_free(self, name: str) -> float:
        limit = _limit_of(name)
        if limit in self._blocked:
            return self._blocked[limit] - self._now
        calls = self._calls.get(limit, ())
        return min((call[0] for call in calls), default=self._now) + WINDOW_SECONDS - self._now

    def _take_conversation(self, conversation: str) -> bool:
        free_at = max(self._free_at.get(conversation, 0.0), self._now)
        wait = free_at - self._now - (CONVERSATION_BURST - 1) * CONVERSATION_SECONDS
        if wait > 0:
            self._waits.append(wait)
            return False
        self._free_at[conversation] = free_at + CONVERSATION_SECONDS
        return True

    def _count(self, limit: str) -> None:
        calls = self._calls.setdefault(limit, [])
        if calls and calls[-1][0] > self._now - GRAIN_SECONDS:
            calls[-1] = [self._now, calls[-1][1] + 1]  # the later time: never too early
        else:
            calls.append([self._now, 1])

    def _block(self, limit: str, seconds: float) -> None:
        if self._limited:
            self._blocked[limit] = max(self._blocked.get(limit, 0.0), self._now + seconds)


def _limit_of(name: str) -> str:
    return Operation.POST if name == DIRECT else name


def _in_future(times: Mapping[str, float], now: float) -> dict[str, float]:
    return {name: until for name, until in times.items() if until > now}
