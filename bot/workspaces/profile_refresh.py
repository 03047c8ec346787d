"""Background refresh of stored profiles, so that nobody has to wait for Slack.

Events may be repeated, out of order, or lost while the bot is down. Each one therefore only
triggers a read of the person's current profile, and all profiles are read again now and then.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda import schedule
from bot.agenda.actions import ActionName
from bot.agenda.schedule import AgendaItem, run_item
from bot.services import Services
from bot.slack import people

#: Between two reads: a third of Slack's rate limit (tier 4), which leaves the rest for reads that
#: somebody is waiting for.
SPACING = timedelta(seconds=2)


async def is_changed(tx: AsyncConnection, workspace_id: str, user: Mapping[str, Any]) -> bool:
    """Return whether a profile in an event differs from the stored one; False if none is stored."""
    user_id = user["id"]
    stored = (await people.stored_people(tx, workspace_id, [user_id])).get(user_id)
    if stored is None:
        return False
    if stored != people.person_from(workspace_id, user):
        return True
    # A read is already scheduled, and its response may be older than this event.
    return (
        await schedule.due_time(tx, workspace_id, action=ActionName.READ_PERSON, subject=user_id)
        is not None
    )


async def schedule_read(
    tx: AsyncConnection, workspace_id: str, user_id: str, now: datetime
) -> None:
    """Schedule a read of a person's profile, outside this transaction."""
    await schedule.add(tx, workspace_id, action=ActionName.READ_PERSON, subject=user_id, due_at=now)


async def schedule_stale_reads(tx: AsyncConnection, workspace_id: str, now: datetime) -> None:
    """Schedule reads, spread out, of profiles that Slack has not reported on for long."""
    await _spread(tx, workspace_id, await people.ids_to_refresh(tx, workspace_id, now), now)


async def schedule_all_reads(tx: AsyncConnection, workspace_id: str, now: datetime) -> None:
    """Schedule reads, spread out, of all profiles, because events about them may be lost."""
    await _spread(tx, workspace_id, await people.stored_ids(tx, workspace_id), now)


async def read_person(services: Services, item: AgendaItem) -> None:
    """Store a person's current profile; if their zone changed, reschedule what is due to them.

    If Slack refuses to say, the stored profile stays.
    """
    workspace_id, user_id = item.workspace_id, item.subject
    client = services.client_for(workspace_id)
    user = await services.people.fetch_profile(client, workspace_id, user_id)
    now = services.clock.now()
    async with run_item(services.db, item) as tx:
        if user is None:
            await people.mark_refreshed(tx, workspace_id, user_id, now)
            return
        stored = (await people.stored_people(tx, workspace_id, [user_id])).get(user_id)
        await people.store_person(tx, workspace_id, user, now)
        current = people.person_from(workspace_id, user)
        if stored is not None and stored.is_deleted and not current.is_deleted:
            await schedule.add(
                tx,
                workspace_id,
                action=ActionName.SEND_AGAIN_TO_PERSON,
                subject=user_id,
                due_at=now,
            )
        if stored is not None and current.zone not in (None, stored.zone):
            await schedule.add(
                tx, workspace_id, action=ActionName.RESCHEDULE_FOR_ZONE, subject=user_id, due_at=now
            )


async def _spread(
    tx: AsyncConnection, workspace_id: str, user_ids: Collection[str], now: datetime
) -> None:
    due = {user_id: now + number * SPACING for number, user_id in enumerate(user_ids)}
    await schedule.add_all_if_absent(tx, workspace_id, action=ActionName.READ_PERSON, due=due)
