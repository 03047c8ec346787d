"""The next time at which a message to a person or channel is allowed, for delivery."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda.slots import within_hours
from bot.phases.store import zones_in
from bot.slack.people import stored_people
from bot.workspaces.store import settings_of


async def next_allowed_at(
    reader: AsyncConnection, workspace_id: str, conversations: Collection[str], now: datetime
) -> dict[str, datetime]:
    """Return when each may be messaged: `now`, or the next weekday at 08:00 in its zone.

    A channel has the hours of the lead of its latest phase, a person their own.
    """
    zones = await zones_in(reader, workspace_id, conversations)
    others = [conversation for conversation in conversations if conversation not in zones]
    people = await _people_allowed_at(reader, workspace_id, others, now)
    return people | {channel: within_hours(now, zone) for channel, zone in zones.items()}


async def _people_allowed_at(
    reader: AsyncConnection, workspace_id: str, user_ids: Collection[str], now: datetime
) -> dict[str, datetime]:
    """Return when each person may be messaged: `now`, or the next weekday at 08:00 in their zone.

    Read from stored profiles; Slack is not asked.
    """
    people = await stored_people(reader, workspace_id, user_ids)
    zones = {user_id: people[user_id].zone if user_id in people else None for user_id in user_ids}
    default = None
    if not all(zones.values()):
        default = (await settings_of(reader, workspace_id)).default_zone
    return {user_id: within_hours(now, zone or default) for user_id, zone in zones.items()}
