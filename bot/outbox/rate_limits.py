"""Slack's limits, as one workspace uses them.

Figures: https://docs.slack.dev/apis/web-api/rate-limits. A tier allows so many calls a minute;
chat.postMessage one a second in each channel and "several hundred" a minute in a workspace, taken
as 300. What was used is kept with the workspace's lease, so whoever sends next goes on from there.

Pure: given what was used and the time, it says what may be sent now.
"""

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from typing import Any

from bot.outbox.enqueue import Operation, State
from bot.outbox.queued_message import QueuedMessage, SendResult
from bot.slack.errors import ErrorKind

#: Looking whether a message is there (conversations.open and .history, tier 3, a little less).
PROOF = "proof"
#: A post to a person; it counts as a post, but leaves a few of them for channels.
DIRECT = "direct"
RESERVED_FOR_CHANNELS = 20
#: Calls in any minute for a workspace.
PER_MINUTE: Mapping[str, int] = {
    Operation.POST: 300,
    Operation.UPDATE: 50,  # tier 3
    Operation.PIN: 20,  # tier 2
    Operation.UNPIN: 20,
    Operation.BOOKMARK: 20,
    Operation.UNBOOKMARK: 20,
    Operation.PUBLISH: 100,  # tier 4
    PROOF: 40,
}
#: A minute, and half a second more for calls that were a little longer on their way.
WINDOW_SECONDS = 60.5
#: Calls within this time are kept as one entry.
GRAIN_SECONDS = 0.25
#: Posts to one conversation: three at once, then one in this time.
CONVERSATION_SECONDS = 1.1
CONVERSATION_BURST = 3
#: After so many unknown outcomes in a row posting stops, and one is tried in this time.
DOUBTS = 3
DOUBT_SECONDS = 30.0


class RateLimits:
    """The limits. `limited=False` is for tests that are not about them."""

    def __init__(self, *, limited: bool = True) -> None:
        self.limited = limited

    def resume(self, kept: Mapping[str, Any] | None, now: float) -> "RateUsage":
        """What was used until `now` (Unix seconds), from what `Used.keep` gave."""
        return RateUsage(kept or {}, now, limited=self.limited)


class RateUsage:
    """One workspace's use of the limits at one moment, and how much was `sent` without a pause.

    A pause is a minute in which nothing was.
    """

    def __init__(self, kept: Mapping[str, Any], now: float, *, limited: bool) -> None:
        self._now = now
        self._limited = limited
        self._calls: dict[str, list[list[float]]] = {
            name: recent
            for name, calls in kept.get("calls", {}).items()
            if (recent := [call for call in calls if call[0] > now - WINDOW_SECONDS])
        }
        self._free_at = _ahead(kept.get("conversations", {}), now)
        self._blocked = _ahead(kept.get("blocked", {}), now)
        self._doubts: int = kept.get("doubts", 0)
        self._sent_at, sent = kept.get("sent", (0.0, 0))
        self.sent: int = sent if self._sent_at > now - WINDOW_SECONDS else 0
        self._waits: list[float] = []

    def keep(self) -> dict[str, Any] | None:
        """What the next sender needs to know, for a JSON column; None: nothing."""
        parts = {
            "calls": self._calls,
            "conversations": self._free_at,
            "blocked": self._blocked,
            "doubts": self._doubts,
            "sent": [self._sent_at, self.sent] if self.sent else None,
        }
        return {name: part for name, part in parts.items() if part} or None

    def learn(self, findings: Iterable[SendResult]) -> None:
        """Slack's Retry-After stops that method here; outcomes nobody knows stop posting."""
        for finding in findings:
            if finding.state is State.SENT and self._limited:
                self._sent_at, self.sent = self._now, self.sent + 1
            if finding.retry_after is not None:
                self._block(_limit_of(finding.row.pace), finding.retry_after)
            if finding.row.operation is not Operation.POST or finding.row.pace == PROOF:
                continue
            if finding.meaning is ErrorKind.UNKNOWN:
                self._doubts += 1
            elif finding.state is State.SENT:
                self._doubts = 0

    def barred(self) -> frozenset[str]:
        """The limits of which nothing is left now."""
        names = (*PER_MINUTE, DIRECT)
        return frozenset(name for name in names if self._left(name) <= 0)

    def take(self, row: QueuedMessage) -> bool:
        """Whether this call may be made now; if so, it is counted."""
        if not self._limited:
            return True
        if self._left(row.pace) <= 0:
            return False
        posts = row.operation is Operation.POST and row.pace != PROOF
        if posts and not self._conversation_free(row.conversation):
            return False
        self._count(_limit_of(row.pace))
        if posts and self._doubts >= DOUBTS:  # this one is the probe
            self._block(Operation.POST, DOUBT_SECONDS)
        return True

    def wait(self) -> float | None:
        """Seconds until what was refused until now may be tried; None: nothing was."""
        barred = self.barred()
        waits = [*self._waits, *(self._until_free(name) for name in barred)]
        return min(waits) if waits else None

    def until_made(self, counts: Mapping[str, int]) -> float:
        """Seconds until so many more calls, by limit, may all have been made."""
        if not self._limited:
            return 0.0
        wanted = Counter[str]()
        for name, count in counts.items():
            wanted[_limit_of(name)] += count
        reserved = RESERVED_FOR_CHANNELS if counts.get(DIRECT) else 0
        return max(
            (
                self._until(limit, count, reserved if limit == Operation.POST else 0)
                for limit, count in wanted.items()
            ),
            default=0.0,
        )

    def _until(self, limit: str, count: int, reserved: int) -> float:
        at = max(self._now, self._blocked.get(limit, 0.0))
        made = deque(self._calls.get(limit, ()))
        capacity = int(PER_MINUTE[limit] - reserved - sum(calls for _, calls in made))
        while count > capacity:  # as soon as one more may be made it is
            if capacity > 0:
                made.append([at, capacity])
                count, capacity = count - capacity, 0
            began, calls = made.popleft()
            at, capacity = max(at, began + WINDOW_SECONDS), capacity + int(calls)
        return at - self._now if count else 0.0

    def _left(self, name: str) -> int:
        if not self._limited:
            return 1
        limit = _limit_of(name)
        if limit in self._blocked:
            return 0
        used = sum(count for _, count in self._calls.get(limit, ()))
        reserved = RESERVED_FOR_CHANNELS if name == DIRECT else 0
        left = int(PER_MINUTE[limit] - reserved - used)
        probing = limit == Operation.POST and self._doubts >= DOUBTS
        return min(left, 1) if probing else left

    def _until_free(self, name: str) -> float:
        limit = _limit_of(name)
        if limit in self._blocked:
            return self._blocked[limit] - self._now
        calls = self._calls.get(limit, ())
        return min((call[0] for call in calls), default=self._now) + WINDOW_SECONDS - self._now

    def _conversation_free(self, conversation: str) -> bool:
        free_at = max(self._free_at.get(conversation, 0.0), self._now)
        ahead = free_at - self._now - (CONVERSATION_BURST - 1) * CONVERSATION_SECONDS
        if ahead > 0:
            self._waits.append(ahead)
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


def _ahead(times: Mapping[str, float], now: float) -> dict[str, float]:
    return {name: until for name, until in times.items() if until > now}
