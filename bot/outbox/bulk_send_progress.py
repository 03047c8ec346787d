"""Progress of messages to many people: in the log, in metrics and for `doctor`.

All of it is read from what senders stored in the database, so every replica reports the same.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.log import log
from bot.metrics import bulk_send_eta_seconds, bulk_send_left, bulk_send_sent
from bot.outbox import sender_leases
from bot.outbox.rate_limits import RateLimits

#: So few messages are sent before anyone would look at their progress.
MANY = 20


@dataclass(frozen=True, kw_only=True)
class BulkSend:
    """One workspace with many messages to send."""

    workspace_id: str
    sent: int  # until now, without a pause of a minute
    left: int
    seconds: float  # until Slack's limits will have admitted the last of them

    @property
    def is_many(self) -> bool:
        return self.left > MANY


async def bulk_sends(
    reader: AsyncConnection,
    rate_limits: RateLimits,
    now: datetime,
    also_include: Collection[str] = (),
) -> Sequence[BulkSend]:
    """Return the workspaces with many messages due at `now`, and those in `also_include`."""
    waiting = await sender_leases.due_counts(reader, now, MANY, also_include)
    workspace_ids = {*waiting, *also_include}
    if not workspace_ids:
        return ()
    usages = await sender_leases.rate_usage_of(reader, workspace_ids)
    real = (await sender_leases.real_time(reader)).timestamp()
    sends = []
    for workspace_id in sorted(workspace_ids):
        usage, left = (
            rate_limits.resume(usages.get(workspace_id), real),
            waiting.get(workspace_id, {}),
        )
        sends.append(
            BulkSend(
                workspace_id=workspace_id,
                sent=usage.sent,
                left=sum(left.values()),
                seconds=usage.seconds_until_sent(left),
            )
        )
    return sends


class BulkSendMonitor:
    """Remembers workspaces with many messages, so that the end of a bulk send is reported too."""

    def __init__(self) -> None:
        self._seen: frozenset[str] = frozenset()

    async def measure(
        self, reader: AsyncConnection, rate_limits: RateLimits, now: datetime, real: datetime
    ) -> None:
        """Report the progress of each bulk send; `now` is in business time."""
        sends = await bulk_sends(reader, rate_limits, now, self._seen)
        for send in sends:
            end = (real + timedelta(seconds=send.seconds)).isoformat(timespec="seconds")
            log.info(
                "bulk_send_progress",
                workspace=send.workspace_id,
                sent=send.sent,
                left=send.left,
                expected_end=end,
            )
        many = [send for send in sends if send.is_many]
        bulk_send_sent.set(sum(send.sent for send in many))
        bulk_send_left.set(sum(send.left for send in many))
        bulk_send_eta_seconds.set(max((send.seconds for send in many), default=0))
        self._seen = frozenset(send.workspace_id for send in many)
