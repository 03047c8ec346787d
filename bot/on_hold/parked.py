"""Following up on parked work: a message to its owner on its day."""

from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda import schedule
from bot.agenda.actions import ActionName, AgendaAction, PhaseItem
from bot.agenda.schedule import AgendaItem, log_skipped, run_item
from bot.agenda.slots import slot, within_hours
from bot.agenda.work_calendar import MORNING
from bot.on_hold import messages
from bot.on_hold.items import reply
from bot.on_hold.rules import follow_up_day
from bot.outbox import enqueue, keys
from bot.phases import store as phases
from bot.phases.model import Phase, SetAsideItem
from bot.services import Services
from bot.slack.people import stored_people


async def schedule_follow_ups(tx: AsyncConnection, workspace_id: str, phase: Phase) -> None:
    """Schedule a message about each parked item: the morning of its day where its owner lives.

    A day off work moves to the next working day.
    """
    parked = [item for item in phase.waiting_items if item.is_parked]
    if not parked:
        return
    owners = await stored_people(tx, workspace_id, [item.owner_id for item in parked])
    due = {}
    for item in parked:
        owner = owners.get(item.owner_id)
        zone = (owner.zone if owner else None) or phase.zone
        assert item.parked_until is not None  # as it is parked
        subject = str(PhaseItem(phase.phase_id, item.position))
        due[subject] = slot(
            follow_up_day(item.parked_until, phase.ended_on, phase.calendar), MORNING, zone
        )
    await schedule.add_all(tx, workspace_id, action=ActionName.FOLLOW_UP_PARKED, due=due)


async def follow_up_parked(services: Services, agenda_item: AgendaItem) -> None:
    """Remind the owner of a parked item on its day; the channel, if the owner can't be reached.

    If the phase was extended past that day, the item waits until its end.
    """
    now = services.clock.now()
    subject = PhaseItem.parse(agenda_item.subject)
    workspace_id = agenda_item.workspace_id
    async with run_item(services.db, agenda_item) as tx:
        phase = await phases.load(tx, workspace_id, subject.phase_id)
        items = phase.waiting_items if phase is not None else ()
        parked = (item for item in items if item.position == subject.position and item.is_parked)
        item = next(parked, None)
        if phase is None or item is None or item.parked_until is None:
            return
        if phase.is_active and item.parked_until <= phase.ends_on:  # extended since
            await schedule_follow_ups(tx, workspace_id, phase)
            return
        await _remind(tx, agenda_item, phase, item, item.parked_until, now)


ACTIONS = (AgendaAction(name=ActionName.FOLLOW_UP_PARKED, run=follow_up_parked),)


async def _remind(
    tx: AsyncConnection,
    agenda_item: AgendaItem,
    phase: Phase,
    item: SetAsideItem,
    until: date,
    now: datetime,
) -> None:
    workspace_id = agenda_item.workspace_id
    owner = (await stored_people(tx, workspace_id, [item.owner_id])).get(item.owner_id)
    participant = phase.participant(item.owner_id)
    has_left = participant is not None and participant.has_left
    if owner is not None and owner.is_full_member and not has_left:
        await enqueue.post(
            tx,
            workspace_id,
            key=keys.parked(phase.phase_id, item.position, until, item.owner_id),
            to=item.owner_id,
            content=messages.parked_until_today(phase, item),
            now=within_hours(now, owner.zone or phase.zone, phase.calendar),
        )
    elif phase.is_paused:
        log_skipped(agenda_item, "neither the owner nor the channel can be written to")
    else:
        key = keys.parked_unowned(phase.phase_id, item.position, until)
        content = messages.parked_without_owner(phase, item)
        at = within_hours(now, phase.zone, phase.calendar)
        await reply(tx, workspace_id, phase, key, content, at)
