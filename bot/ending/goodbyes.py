"""Each member's private goodbye, in their own working hours."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda import agenda
from bot.agenda.agenda import Item, carrying_out, let_go
from bot.agenda.slots import slot, within_hours
from bot.ending import messages
from bot.ending.summary import Ended, ended_of
from bot.outbox import outbox
from bot.phases.model import Participant, WholePhase
from bot.rounds.team import opted_out
from bot.services import Services
from bot.slack.content import Content

GOODBYE, LINE = "say_goodbye", "say_line"


async def plan(
    tx: AsyncConnection, workspace_id: str, whole: WholePhase, on: date | None, now: datetime
) -> None:
    """From the day `on`, at the phase's time of day where each member lives; None: from now."""
    for member in whole.members:
        zone = member.zone or whole.phase.zone
        at = slot(on, whole.phase.time_of_day, zone) if on else now
        await _put(tx, workspace_id, GOODBYE, whole, member, at)


async def hurry(tx: AsyncConnection, workspace_id: str, whole: WholePhase, now: datetime) -> None:
    """It is wrapped up: goodbyes wait no longer. A line for who had theirs comes by itself."""
    for member in whole.members:
        subject = _subject(whole, member)
        waits = await agenda.due_of(tx, workspace_id, action=GOODBYE, subject=subject)
        if waits is not None:
            await _put(tx, workspace_id, GOODBYE, whole, member, now)
        elif member.thanks_line:
            await _put(tx, workspace_id, LINE, whole, member, now)


async def say_goodbye(services: Services, item: Item) -> None:
    await _say(services, item, "goodbye", messages.goodbye)


async def say_line(services: Services, item: Item) -> None:
    """What was written for somebody after their goodbye."""
    await _say(services, item, "line", messages.late_line)


ACTIONS: Mapping[str, Callable[[Services, Item], Awaitable[None]]] = {
    GOODBYE: say_goodbye,
    LINE: say_line,
}


async def _say(
    services: Services,
    item: Item,
    key: str,
    words: Callable[[Ended, Participant, date], Content],
) -> None:
    """In their working hours, also after downtime; to nobody who cannot or will not read it."""
    phase_id, user_id = item.subject.split(":")
    client = services.client_for(item.workspace_id)
    person = await services.people.one(client, item.workspace_id, user_id)
    now = services.clock.now()
    async with carrying_out(services.db, item) as tx:
        try:
            ended = await ended_of(tx, item.workspace_id, phase_id)
        except LookupError:
            let_go(item, "the phase is gone")
            return
        found = [one for one in ended.whole.members if one.user_id == user_id]
        if not found or person is None or not person.is_full_member:
            return
        if await _wants_none(tx, item.workspace_id, ended, found[0]):
            return
        await outbox.say(
            tx,
            item.workspace_id,
            key=f"{key}:{item.subject}",
            to=user_id,
            content=words(ended, found[0], ended.whole.phase.day_of(now)),
            now=within_hours(now, person.zone or ended.whole.phase.zone),
        )


async def _wants_none(
    tx: AsyncConnection, workspace_id: str, ended: Ended, member: Participant
) -> bool:
    """Who opted out of the channel hears only what somebody wrote for them."""
    quiet = await opted_out(tx, workspace_id, ended.whole.phase.channel_id)
    return member.user_id in quiet and not member.thanks_line


async def _put(
    tx: AsyncConnection,
    workspace_id: str,
    action: str,
    whole: WholePhase,
    member: Participant,
    earliest: datetime,
) -> None:
    await agenda.put(
        tx,
        workspace_id,
        action=action,
        subject=_subject(whole, member),
        due_at=within_hours(earliest, member.zone or whole.phase.zone),
    )


def _subject(whole: WholePhase, member: Participant) -> str:
    return f"{whole.phase.phase_id}:{member.user_id}"
