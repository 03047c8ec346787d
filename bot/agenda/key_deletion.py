"""The time at which round keys are deleted: the night after their day, in UTC."""

from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda import schedule
from bot.agenda.actions import ActionName
from bot.round_keys import RoundKeys

#: After the end of the day: longer than any transaction, and than clocks of replicas may differ.
AFTER_MIDNIGHT = timedelta(minutes=15)


async def schedule_key_deletion(
    tx: AsyncConnection, keys: RoundKeys, workspace_id: str, day: date
) -> None:
    """Schedule the deletion of the keys of this UTC day; whoever wraps with one calls this."""
    if not keys.are_files:
        return
    due_at = datetime.combine(day + timedelta(days=1), time(), UTC) + AFTER_MIDNIGHT
    await schedule.add_all_if_absent(
        tx, workspace_id, action=ActionName.DELETE_ROUND_KEYS, due={day.isoformat(): due_at}
    )
