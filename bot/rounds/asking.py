"""Asking one person: the weekly message at their slot, and at most one reminder."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda import agenda
from bot.agenda.agenda import Item, carrying_out, let_go
from bot.agenda.slots import within_hours
from bot.outbox import again, outbox
from bot.results.store import latest_note
from bot.rounds import messages, questions, rules, store, team
from bot.rounds.facts import Asked, PhaseFacts, Round
from bot.slack.people import Person
from bot.workspaces.services import Services
from bot.workspaces.store import settings_of

ASK, REMIND = "ask", "remind"


@dataclass(frozen=True, kw_only=True)
class _ToAsk:
    round: Round
    person: Asked
    phase: PhaseFacts
    zone: str


def ask_key(round_id: str, person: Asked) -> str:
    """The name of the message that asks this person."""
    return f"{'reflect' if person.is_lead else 'ask'}:{round_id}:{person.user_id}"


def remind_key(round_id: str, user_id: str) -> str:
    return f"remind:{round_id}:{user_id}"


async def ask(services: Services, item: Item) -> None:
    """Send one person the three questions, unless they are not to be asked any more."""
    profile = await _profile(services, item)
    now = services.clock.now()
    async with carrying_out(services.db, item) as tx:
        found = await _to_ask(tx, services, item, profile, now)
        if found is None:
            return
        at = within_hours(now, found.zone)
        if await _put_off(tx, item, found, at, now):
            return
        a_round, person, phase = found.round, found.person, found.phase
        asking = await store.asking_of(tx, item.workspace_id, a_round, to_lead=person.is_lead)
        note = await latest_note(tx, item.workspace_id, phase.phase_id)
        await outbox.say(
            tx,
            item.workspace_id,
            key=ask_key(a_round.round_id, person),
            to=person.user_id,
            content=messages.ask(replace(asking, note=None if person.is_lead else note)),
            now=now,
            expires_at=a_round.closes_at,
        )
        await _plan_reminder(tx, item, found, now)


async def remind(services: Services, item: Item) -> None:
    """Remind one person who has neither answered nor skipped, a day after they could read it."""
    profile = await _profile(services, item)
    now = services.clock.now()
    async with carrying_out(services.db, item) as tx:
        found = await _to_ask(tx, services, item, profile, now)
        if found is None:
            return
        at = await _remind_at(tx, item, found, now)
        if await _put_off(tx, item, found, at, now):
            return
        a_round, person, phase = found.round, found.person, found.phase
        await outbox.say(
            tx,
            item.workspace_id,
            key=remind_key(a_round.round_id, person.user_id),
            to=person.user_id,
            content=messages.reminder(a_round.round_id, phase.channel_id, a_round.closes_at),
            now=now,
            expires_at=a_round.closes_at,
        )


async def talk(services: Services, item: Item) -> None:
    """Put the questions to the channel of a team too small to be asked one by one."""
    phase_id, day = item.subject.split(":")
    now = services.clock.now()
    async with carrying_out(services.db, item) as tx:
        phase = await team.phase_of(tx, item.workspace_id, phase_id)
        if phase is None or phase.is_paused:
            return
        at = rules.asked_at(item.due_at, now, phase.zone)
        if at is None:
            let_go(item, "two days late")
            return
        settings = await settings_of(tx, item.workspace_id)
        wording = questions.for_member(phase.lead_names, questions.reworded(settings.questions))
        await outbox.say(
            tx,
            item.workspace_id,
            key=f"talking_points:{phase_id}:{day}",
            to=phase.channel_id,
            content=messages.talking_points(wording),
            now=at,
            expires_at=item.due_at + rules.OPEN_FOR,
        )


async def _profile(services: Services, item: Item) -> Person | None:
    _, user_id = item.subject.split(":")
    client = services.client_for(item.workspace_id)
    return await services.people.one(client, item.workspace_id, user_id)


async def _to_ask(
    tx: AsyncConnection, services: Services, item: Item, profile: Person | None, now: datetime
) -> _ToAsk | None:
    round_id, user_id = item.subject.split(":")
    a_round = await store.round_of(tx, item.workspace_id, round_id)
    if a_round is None or not a_round.is_open or now >= a_round.closes_at:
        let_go(item, "the questions are closed")
        return None
    person = await store.asked_person(tx, item.workspace_id, round_id, user_id)
    phase = await team.phase_of(tx, item.workspace_id, a_round.phase_id)
    if person is None or phase is None or person.has_left:
        return None
    optouts = await team.opted_out(tx, item.workspace_id, phase.channel_id)
    if profile is None or not profile.is_full_member or user_id in optouts:
        return None
    if await store.has_answered(tx, services.keys, item.workspace_id, a_round, person):
        return None  # in App Home, before the message came
    zone = profile.zone or (await settings_of(tx, item.workspace_id)).default_zone
    return _ToAsk(round=a_round, person=person, phase=phase, zone=zone)


async def _remind_at(tx: AsyncConnection, item: Item, found: _ToAsk, now: datetime) -> datetime:
    welcome_at = within_hours(now, found.zone)
    key = ask_key(found.round.round_id, found.person)
    asked_at = await again.read_from(tx, item.workspace_id, key, now)
    return max(welcome_at, rules.remind_at(asked_at, found.zone)) if asked_at else welcome_at


async def _put_off(
    tx: AsyncConnection, item: Item, found: _ToAsk, at: datetime, now: datetime
) -> bool:
    """After downtime it may be night where they are: then it waits until `at`.

    Whether it is not to be said now, whatever the reason.
    """
    if not rules.is_worth_asking(at, found.round.closes_at):
        let_go(item, "closes before it could be answered")
        return True
    if at <= now:
        return False
    await agenda.put(tx, item.workspace_id, action=item.action, subject=item.subject, due_at=at)
    return True


async def _plan_reminder(tx: AsyncConnection, item: Item, found: _ToAsk, now: datetime) -> None:
    due_at = rules.remind_at(now, found.zone)
    if found.phase.remind and rules.is_worth_asking(due_at, found.round.closes_at):
        await agenda.put(tx, item.workspace_id, action=REMIND, subject=item.subject, due_at=due_at)
