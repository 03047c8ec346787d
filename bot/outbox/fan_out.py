"""How far a message to many people has come: in the log and in a metric, at every measuring."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from bot.log import log
from bot.metrics import fan_out_left
from bot.outbox.outbox import Operation
from bot.outbox.pace import PER_MINUTE, RESERVED_FOR_CHANNELS

#: Fewer than these are gone before anybody looks.
MANY = 20


def expected_end(left: int, now: datetime) -> datetime:
    """When so many direct messages of one workspace will have been sent, by Slack's limits."""
    per_minute = PER_MINUTE[Operation.POST] - RESERVED_FOR_CHANNELS
    return now + timedelta(minutes=(left - 1) // per_minute)


class FanOuts:
    """What was seen of each workspace's waiting messages, from one measuring to the next."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[int, int]] = {}  # sent, left

    def note(self, waiting: Mapping[str, int], now: datetime) -> None:
        """Tell how many messages wait in the workspaces that have many, at `now` (real time)."""
        for workspace_id in (*waiting, *(gone for gone in self._seen if gone not in waiting)):
            left = waiting.get(workspace_id, 0)
            sent, before = self._seen.get(workspace_id, (0, left))
            sent += max(0, before - left)
            self._seen[workspace_id] = (sent, left)
            end = expected_end(left, now).isoformat(timespec="seconds")
            log.info("fan_out", workspace=workspace_id, sent=sent, left=left, expected_end=end)
        fan_out_left.set(sum(waiting.values()))
        self._seen = {name: seen for name, seen in self._seen.items() if name in waiting}
