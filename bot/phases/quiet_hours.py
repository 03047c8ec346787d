"""The next time at which a message to a person or channel is allowed, for delivery."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda.slots import within_hours
from bot.phases.store import zones_in
from bot.slack.people import stored_people
from bot.workspaces.public_holidays import calendar_of
from bot.workspaces.store import settings_of


async def next_allowed_at(
    reader: AsyncConnection, workspace_id: str, conversations: Collection[str], now: datetime
) -> dict[str, datetime]:
    """Return when each may be messaged: `now`, or the next working day at 08:00 in its zone.

    A channel has the hours of the lead of its latest phase, a person their own.
    """
    zones = await zones_in(reader, workspace_id, conversations)
    others = [conversation for conversation in conversations if conversation not in zones]
    settings = await settings_of(reader, workspace_id)
    people = await stored_people(reader, workspace_id, others) if others else {}
    for user_id in others:
        zone = people[user_id].zone if user_id in people else None
        zones[user_id] = zone or settings.default_zone
    calendar = calendar_of(settings.country)
    return {to: within_hours(now, zone, calendar) for to, zone in zones.items()}
