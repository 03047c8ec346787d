"""Keeping remembered profiles up to date, without making anybody wait for it.

Events come twice and in any order, or not at all while nobody was there to take them. So each is
only a reason to ask Slack how the person is now; and everybody is asked about now and then.
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

#: Between two people who are asked about in a row: a third of what Slack allows (tier 4), so that
#: the rest is there for who waits.
SPACING = timedelta(seconds=2)


async def is_changed(tx: AsyncConnection, workspace_id: str, user: Mapping[str, Any]) -> bool:
    """Whether what Slack told of somebody is not what we remember; of strangers nothing is."""
    user_id = user["id"]
    before = (await people.known(tx, workspace_id, [user_id])).get(user_id)
    if before is None:
        return False
    if before != people.person_from(workspace_id, user):
        return True
    # Slack is being asked: the answer may be older than this.
    return (
        await schedule.due_time(tx, workspace_id, action=ActionName.READ_PERSON, subject=user_id)
        is not None
    )


async def read_soon(tx: AsyncConnection, workspace_id: str, user_id: str, now: datetime) -> None:
    """Ask Slack, outside of this transaction, how somebody is now."""
    await schedule.add(tx, workspace_id, action=ActionName.READ_PERSON, subject=user_id, due_at=now)


async def read_old(tx: AsyncConnection, workspace_id: str, now: datetime) -> None:
    """Ask anew, spread out, about those of whom Slack has said nothing for long."""
    await _spread(tx, workspace_id, await people.ids_to_refresh(tx, workspace_id, now), now)


async def read_all(tx: AsyncConnection, workspace_id: str, now: datetime) -> None:
    """Ask anew, spread out, about everybody: Slack may have told of changes in vain."""
    await _spread(tx, workspace_id, await people.ids_known(tx, workspace_id), now)


async def read_person(services: Services, item: AgendaItem) -> None:
    """Remember what Slack says of somebody now; who moved is asked, and told, at their time there.

    Where Slack will not say, what it last said of them holds.
    """
    workspace_id, user_id = item.workspace_id, item.subject
    client = services.client_for(workspace_id)
    user = await services.people.ask(client, workspace_id, user_id)
    now = services.clock.now()
    async with run_item(services.db, item) as tx:
        if user is None:
            await people.mark_refreshed(tx, workspace_id, user_id, now)
            return
        before = (await people.known(tx, workspace_id, [user_id])).get(user_id)
        await people.remember(tx, workspace_id, user, now)
        if before is not None and before.is_deleted and not user.get("deleted"):
            await schedule.add(
                tx,
                workspace_id,
                action=ActionName.SEND_AGAIN_TO_PERSON,
                subject=user_id,
                due_at=now,
            )
        if before is not None and user.get("tz") not in (None, before.zone):
            await schedule.add(
                tx, workspace_id, action=ActionName.FOLLOW_ZONE, subject=user_id, due_at=now
            )


async def _spread(
    tx: AsyncConnection, workspace_id: str, user_ids: Collection[str], now: datetime
) -> None:
    due = {one: now + number * SPACING for number, one in enumerate(user_ids)}
    await schedule.add_all_if_absent(tx, workspace_id, action=ActionName.READ_PERSON, due=due)
