"""Private goodbyes to members, in their working hours."""

from collections.abc import Callable
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda import schedule
from bot.agenda.actions import ActionName, AgendaAction, PhasePerson
from bot.agenda.schedule import AgendaItem, log_skipped, run_item
from bot.agenda.slots import slot, within_hours
from bot.ending import messages
from bot.ending.summary import EndedPhase, summarize
from bot.outbox import enqueue, keys
from bot.outbox.keys import MessageKey
from bot.phases import store
from bot.phases.model import Participant, Phase
from bot.services import Services
from bot.slack.content import Content


async def schedule_goodbyes(
    tx: AsyncConnection, workspace_id: str, phase: Phase, on: date | None, now: datetime
) -> None:
    """Schedule each member's goodbye in their working hours, from `on` or, if None, from `now`.

    On the day `on` it is due at the phase's time of day in the member's zone.
    """
    due = {}
    for member in phase.members:
        zone = member.zone or phase.zone
        at = slot(on, phase.time_of_day, zone) if on else now
        due[_subject(phase, member)] = within_hours(at, zone, phase.calendar)
    await schedule.add_all(tx, workspace_id, action=ActionName.SEND_GOODBYE, due=due)


async def advance_goodbyes(
    tx: AsyncConnection, workspace_id: str, phase: Phase, now: datetime
) -> None:
    """Schedule goodbyes that are still to come for now, as the phase is wrapped up.

    Members who have had theirs get their personal line, if any, as a separate message.
    """
    for member in phase.members:
        subject = _subject(phase, member)
        due_at = await schedule.due_time(
            tx, workspace_id, action=ActionName.SEND_GOODBYE, subject=subject
        )
        if due_at is not None:
            await _schedule(tx, workspace_id, ActionName.SEND_GOODBYE, phase, member, now)
        elif member.thanks_line:
            await _schedule(tx, workspace_id, ActionName.SEND_LATE_THANKS, phase, member, now)


async def send_goodbye(services: Services, item: AgendaItem) -> None:
    await _send(services, item, keys.goodbye, messages.goodbye)


async def send_late_line(services: Services, item: AgendaItem) -> None:
    """Send a personal line that was written after the member's goodbye."""
    await _send(services, item, keys.late_thanks, messages.late_line)


ACTIONS = (
    AgendaAction(name=ActionName.SEND_GOODBYE, run=send_goodbye),
    AgendaAction(name=ActionName.SEND_LATE_THANKS, run=send_late_line),
)


async def _send(
    services: Services,
    item: AgendaItem,
    key: Callable[[str, str], MessageKey],
    build: Callable[[EndedPhase, Participant, date], Content],
) -> None:
    """Send it in the member's working hours, also after downtime.

    Nothing is sent to people who cannot read it, or who have opted out and have no personal line.
    """
    subject = PhasePerson.parse(item.subject)
    phase_id, user_id = subject.phase_id, subject.user_id
    client = services.client_for(item.workspace_id)
    person = await services.people.get(client, item.workspace_id, user_id)
    now = services.clock.now()
    async with run_item(services.db, item) as tx:
        phase = await store.load(tx, item.workspace_id, phase_id)
        if phase is None or phase.ended_at is None:
            log_skipped(item, "the phase is gone")
            return
        ended = await summarize(tx, item.workspace_id, phase)
        matching = [member for member in ended.phase.members if member.user_id == user_id]
        if not matching or person is None or not person.is_full_member:
            return
        if await _wants_none(tx, item.workspace_id, ended, matching[0]):
            return
        await enqueue.post(
            tx,
            item.workspace_id,
            key=key(phase_id, user_id),
            to=user_id,
            content=build(ended, matching[0], ended.phase.day_of(now)),
            now=within_hours(now, person.zone or ended.phase.zone, ended.phase.calendar),
        )


async def _wants_none(
    tx: AsyncConnection, workspace_id: str, ended: EndedPhase, member: Participant
) -> bool:
    """Return whether they have opted out of the channel and have no personal line to read."""
    quiet = await store.opted_out_ids(tx, workspace_id, ended.phase.channel_id)
    return member.user_id in quiet and not member.thanks_line


async def _schedule(
    tx: AsyncConnection,
    workspace_id: str,
    action: str,
    phase: Phase,
    member: Participant,
    earliest: datetime,
) -> None:
    await schedule.add(
        tx,
        workspace_id,
        action=action,
        subject=_subject(phase, member),
        due_at=within_hours(earliest, member.zone or phase.zone, phase.calendar),
    )


def _subject(phase: Phase, member: Participant) -> str:
    return str(PhasePerson(phase.phase_id, member.user_id))
