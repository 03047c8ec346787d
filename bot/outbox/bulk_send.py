"""Progress of messages to many people: in the log, in metrics and for `doctor`.

All of it is read from what senders left in the database, so every replica says the same.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.log import log
from bot.metrics import bulk_send_eta_seconds, bulk_send_left, bulk_send_sent
from bot.outbox import sender_leases
from bot.outbox.rate_limits import RateLimits

#: Fewer than these are gone before anybody looks.
MANY = 20


@dataclass(frozen=True, kw_only=True)
class BulkSend:
    """One workspace with many messages to send."""

    workspace_id: str
    sent: int  # without a minute's pause, until now
    left: int
    seconds: float  # until Slack's limits will have let the last of them through

    @property
    def is_many(self) -> bool:
        return self.left > MANY


async def bulk_sends(
    reader: AsyncConnection, pace: RateLimits, now: datetime, besides: Collection[str] = ()
) -> Sequence[BulkSend]:
    """Workspaces with many messages that are due at `now`, and those `besides`."""
    waiting = await sender_leases.many_waiting(reader, now, MANY, besides)
    names = {*waiting, *besides}
    if not names:
        return ()
    kept = await sender_leases.used_in(reader, names)
    real = (await sender_leases.real_time(reader)).timestamp()
    found = []
    for workspace_id in sorted(names):
        used, left = pace.resume(kept.get(workspace_id), real), waiting.get(workspace_id, {})
        found.append(
            BulkSend(
                workspace_id=workspace_id,
                sent=used.sent,
                left=sum(left.values()),
                seconds=used.until_made(left),
            )
        )
    return found


class BulkSendMonitor:
    """Which workspaces had many messages at the last measuring: their end is told as well."""

    def __init__(self) -> None:
        self._seen: frozenset[str] = frozenset()

    async def measure(
        self, reader: AsyncConnection, pace: RateLimits, now: datetime, real: datetime
    ) -> None:
        """Tell how far each of them is; `now` is in business time."""
        found = await bulk_sends(reader, pace, now, self._seen)
        for one in found:
            end = (real + timedelta(seconds=one.seconds)).isoformat(timespec="seconds")
            log.info(
                "fan_out",
                workspace=one.workspace_id,
                sent=one.sent,
                left=one.left,
                expected_end=end,
            )
        many = [one for one in found if one.is_many]
        bulk_send_sent.set(sum(one.sent for one in many))
        bulk_send_left.set(sum(one.left for one in many))
        bulk_send_eta_seconds.set(max((one.seconds for one in many), default=0))
        self._seen = frozenset(one.workspace_id for one in many)
