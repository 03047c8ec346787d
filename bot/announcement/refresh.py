"""Updates of the announcement: a daily edit of the days left, and the agenda items of a phase."""

from datetime import datetime, time, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda import schedule
from bot.agenda.actions import ActionName, AgendaAction
from bot.agenda.schedule import AgendaItem, run_item
from bot.agenda.slots import slot
from bot.announcement import messages
from bot.outbox import enqueue, keys
from bot.phases import rules, store
from bot.phases.model import Phase
from bot.services import Services

#: In the lead's time zone.
WARN_AT = time(9, 0)
REFRESH_AT = time(0, 1)


async def schedule_dates(
    tx: AsyncConnection, workspace_id: str, phase: Phase, now: datetime
) -> None:
    """Schedule the agenda items that follow from the phase's dates, replacing earlier ones."""
    warn_at = slot(rules.end_warning_day(phase.ends_on, phase.calendar), WARN_AT, phase.zone)
    due: dict[str, datetime] = {
        ActionName.REFRESH_ANNOUNCEMENT: _next_day(phase, now),
        ActionName.END_PHASE: phase.ends_at,
    }
    if warn_at > now:  # a phase of a day or two needs no warning
        due[ActionName.WARN_END] = warn_at
    else:
        await schedule.remove(tx, workspace_id, action=ActionName.WARN_END, subject=phase.phase_id)
    await schedule.add_actions(tx, workspace_id, subject=phase.phase_id, due=due)


async def cancel_warnings(tx: AsyncConnection, workspace_id: str, phase: Phase) -> None:
    """Cancel undelivered warnings of the end, because it has moved or the phase has ended."""
    warnings = [keys.warning(phase.phase_id, phase.ends_on, lead.user_id) for lead in phase.leads]
    await enqueue.cancel(tx, workspace_id, keys=warnings)


async def edit_announcement(
    tx: AsyncConnection, workspace_id: str, phase: Phase, now: datetime
) -> None:
    """Bring the announcement up to date. While a phase is paused, this is put off."""
    if not phase.is_paused:
        announcement = messages.announcement(phase, phase.day_of(now))
        key = keys.announcement(phase.phase_id)
        await enqueue.edit(tx, workspace_id, of=key, content=announcement, now=now)


async def check_channel_soon(
    tx: AsyncConnection, workspace_id: str, phase_id: str, now: datetime
) -> None:
    """Schedule a check of the channel in Slack, outside this transaction."""
    await schedule.add(
        tx, workspace_id, action=ActionName.CHECK_CHANNEL, subject=phase_id, due_at=now
    )


async def refresh_announcement(services: Services, item: AgendaItem) -> None:
    """Update the days left, daily until the end."""
    now = services.clock.now()
    async with run_item(services.db, item) as tx:
        phase = await store.load(tx, item.workspace_id, item.subject)
        if phase is None or not phase.is_active:
            return
        await edit_announcement(tx, item.workspace_id, phase, now)
        if phase.is_paused:  # the event about the channel being usable again may be lost
            await check_channel_soon(tx, item.workspace_id, phase.phase_id, now)
        tomorrow = _next_day(phase, now)
        await schedule.add(
            tx,
            item.workspace_id,
            action=ActionName.REFRESH_ANNOUNCEMENT,
            subject=phase.phase_id,
            due_at=tomorrow,
        )


ACTIONS = (
    AgendaAction(name=ActionName.REFRESH_ANNOUNCEMENT, run=refresh_announcement, is_visible=False),
)


def _next_day(phase: Phase, now: datetime) -> datetime:
    return slot(phase.day_of(now) + timedelta(days=1), REFRESH_AT, phase.zone)
