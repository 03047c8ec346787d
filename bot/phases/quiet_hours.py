"""The next time at which a message to a person or channel is allowed, for delivery."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda.slots import within_hours
from bot.phases.store import zones_in
from bot.slack.people import known
from bot.workspaces.store import settings_of


async def next_allowed_at(
    reader: AsyncConnection, workspace_id: str, conversations: Collection[str], now: datetime
) -> dict[str, datetime]:
    """From when it suits each of them: `now`, or the next weekday at 08:00 there.

    A channel has the hours of whoever leads its latest phase, a person their own.
    """
    zones = await zones_in(reader, workspace_id, conversations)
    others = [one for one in conversations if one not in zones]
    people = await _welcome_people_at(reader, workspace_id, others, now)
    return people | {channel: within_hours(now, zone) for channel, zone in zones.items()}


async def _welcome_people_at(
    reader: AsyncConnection, workspace_id: str, user_ids: Collection[str], now: datetime
) -> dict[str, datetime]:
    """From when each of them may be written to: `now`, or the next weekday at 08:00 there.

    Read from what we remember of people; Slack is not asked.
    """
    people = await known(reader, workspace_id, user_ids)
    zones = {one: people[one].zone if one in people else None for one in user_ids}
    default = None
    if not all(zones.values()):
        default = (await settings_of(reader, workspace_id)).default_zone
    return {one: within_hours(now, zone or default) for one, zone in zones.items()}
