"""Each member's private goodbye, in their own working hours."""

from collections.abc import Callable
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda import agenda
from bot.agenda.actions import ActionName, AgendaAction, PhasePerson
from bot.agenda.agenda import Item, carrying_out, let_go
from bot.agenda.slots import slot, within_hours
from bot.ending import messages
from bot.ending.summary import Ended, ended_of
from bot.outbox import keys, outbox
from bot.outbox.keys import MessageKey
from bot.phases import store
from bot.phases.model import Participant, Phase
from bot.services import Services
from bot.slack.content import Content


async def plan(
    tx: AsyncConnection, workspace_id: str, phase: Phase, on: date | None, now: datetime
) -> None:
    """From the day `on`, at the phase's time of day where each member lives; None: from now."""
    due = {}
    for member in phase.members:
        zone = member.zone or phase.zone
        at = slot(on, phase.time_of_day, zone) if on else now
        due[_subject(phase, member)] = within_hours(at, zone)
    await agenda.put_all(tx, workspace_id, action=ActionName.SAY_GOODBYE, due=due)


async def hurry(tx: AsyncConnection, workspace_id: str, phase: Phase, now: datetime) -> None:
    """It is wrapped up: goodbyes wait no longer. A line for who had theirs comes by itself."""
    for member in phase.members:
        subject = _subject(phase, member)
        waits = await agenda.due_of(
            tx, workspace_id, action=ActionName.SAY_GOODBYE, subject=subject
        )
        if waits is not None:
            await _put(tx, workspace_id, ActionName.SAY_GOODBYE, phase, member, now)
        elif member.thanks_line:
            await _put(tx, workspace_id, ActionName.SAY_LINE, phase, member, now)


async def say_goodbye(services: Services, item: Item) -> None:
    await _say(services, item, keys.goodbye, messages.goodbye)


async def say_line(services: Services, item: Item) -> None:
    """What was written for somebody after their goodbye."""
    await _say(services, item, keys.line, messages.late_line)


ACTIONS = (
    AgendaAction(name=ActionName.SAY_GOODBYE, run=say_goodbye),
    AgendaAction(name=ActionName.SAY_LINE, run=say_line),
)


async def _say(
    services: Services,
    item: Item,
    key: Callable[[str, str], MessageKey],
    words: Callable[[Ended, Participant, date], Content],
) -> None:
    """In their working hours, also after downtime; to nobody who cannot or will not read it."""
    about = PhasePerson.parse(item.subject)
    phase_id, user_id = about.phase_id, about.user_id
    client = services.client_for(item.workspace_id)
    person = await services.people.one(client, item.workspace_id, user_id)
    now = services.clock.now()
    async with carrying_out(services.db, item) as tx:
        phase = await store.load(tx, item.workspace_id, phase_id)
        if phase is None or phase.ended_at is None:
            let_go(item, "the phase is gone")
            return
        ended = await ended_of(tx, item.workspace_id, phase)
        found = [one for one in ended.phase.members if one.user_id == user_id]
        if not found or person is None or not person.is_full_member:
            return
        if await _wants_none(tx, item.workspace_id, ended, found[0]):
            return
        await outbox.say(
            tx,
            item.workspace_id,
            key=key(phase_id, user_id),
            to=user_id,
            content=words(ended, found[0], ended.phase.day_of(now)),
            now=within_hours(now, person.zone or ended.phase.zone),
        )


async def _wants_none(
    tx: AsyncConnection, workspace_id: str, ended: Ended, member: Participant
) -> bool:
    """Who opted out of the channel hears only what somebody wrote for them."""
    quiet = await store.opted_out(tx, workspace_id, ended.phase.channel_id)
    return member.user_id in quiet and not member.thanks_line


async def _put(
    tx: AsyncConnection,
    workspace_id: str,
    action: str,
    phase: Phase,
    member: Participant,
    earliest: datetime,
) -> None:
    await agenda.put(
        tx,
        workspace_id,
        action=action,
        subject=_subject(phase, member),
        due_at=within_hours(earliest, member.zone or phase.zone),
    )


def _subject(phase: Phase, member: Participant) -> str:
    return str(PhasePerson(phase.phase_id, member.user_id))
