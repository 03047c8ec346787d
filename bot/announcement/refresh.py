"""Keeping the announcement true: days left by a daily edit, the end by the agenda."""

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

#: Where the lead lives.
WARNS_AT = time(9, 0)
NEW_DAY = time(0, 1)


async def schedule_dates(
    tx: AsyncConnection, workspace_id: str, phase: Phase, now: datetime
) -> None:
    """Note what this phase's dates ask for; what was noted before is moved."""
    warn_at = slot(rules.warn_on(phase.ends_on), WARNS_AT, phase.zone)
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
    """Its end moved, or came: a warning that still waits for the morning is not said any more."""
    warnings = [keys.warning(phase.phase_id, phase.ends_on, one.user_id) for one in phase.leads]
    await enqueue.cancel(tx, workspace_id, keys=warnings)


async def edit_announcement(
    tx: AsyncConnection, workspace_id: str, phase: Phase, now: datetime
) -> None:
    """Edit the announcement to what is true now; that of a paused phase is edited later."""
    if not phase.is_paused:
        said = messages.announcement(phase, phase.day_of(now))
        key = keys.announcement(phase.phase_id)
        await enqueue.edit(tx, workspace_id, of=key, content=said, now=now)


async def check_channel_soon(
    tx: AsyncConnection, workspace_id: str, phase_id: str, now: datetime
) -> None:
    """Ask Slack, outside of this transaction, how its channel is."""
    await schedule.add(
        tx, workspace_id, action=ActionName.LOOK_AT_CHANNEL, subject=phase_id, due_at=now
    )


async def refresh_announcement(services: Services, item: AgendaItem) -> None:
    """Count the days left down, every day until the end."""
    now = services.clock.now()
    async with run_item(services.db, item) as tx:
        phase = await store.load(tx, item.workspace_id, item.subject)
        if phase is None or not phase.is_active:
            return
        await edit_announcement(tx, item.workspace_id, phase, now)
        if phase.is_paused:  # Slack may not have told us that its channel is back
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
    AgendaAction(name=ActionName.REFRESH_ANNOUNCEMENT, run=refresh_announcement, is_noticed=False),
)


def _next_day(phase: Phase, now: datetime) -> datetime:
    return slot(phase.day_of(now) + timedelta(days=1), NEW_DAY, phase.zone)
