"""Sending the questions: the weekly message at each person's slot, and at most one reminder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda import schedule
from bot.agenda.actions import ActionName, PhaseDay, RoundPerson
from bot.agenda.schedule import AgendaItem, log_skipped, run_item
from bot.agenda.slots import within_hours
from bot.outbox import enqueue, keys, requeue
from bot.outbox.keys import MessageKey
from bot.phases import store as phase_store
from bot.phases.model import Phase
from bot.results.store import latest_note
from bot.rounds import messages, questions, rules, store
from bot.rounds.model import AskedPerson, Round
from bot.services import Services
from bot.slack.content import Content
from bot.slack.people import Person


@dataclass(frozen=True, kw_only=True)
class _Due:
    """Somebody whose turn it is."""

    item: AgendaItem
    person: AskedPerson
    zone: str


@dataclass(frozen=True, kw_only=True)
class _ToAsk:
    """What is put to whom."""

    workspace_id: str
    round: Round
    phase: Phase
    people: tuple[_Due, ...]


def ask_key(round_id: str, person: AskedPerson) -> MessageKey:
    """The key of the message that asks this person."""
    return (keys.reflect if person.is_lead else keys.ask)(round_id, person.user_id)


async def send_questions(services: Services, *items: AgendaItem) -> None:
    """Send people of one round the three questions, but who is not to be asked any more."""
    profiles = await _profiles(services, items)
    now = services.clock.now()
    async with run_item(services.db, *items) as tx:
        found = await _to_ask(tx, services, items, profiles, now)
        if found is None:
            return
        welcome = {one: within_hours(now, one.zone) for one in found.people}
        people = await _now(tx, found, welcome, now)
        if not people:
            return
        round_id, closes_at = found.round.round_id, found.round.closes_at
        to_lead, to_member = await _questions(tx, found)
        posts = (
            (
                ask_key(round_id, one.person),
                one.person.user_id,
                to_lead if one.person.is_lead else to_member,
            )
            for one in people
        )
        await enqueue.post_all(tx, found.workspace_id, posts, now=now, expires_at=closes_at)
        await _plan_reminders(tx, found, people, now)


async def send_reminders(services: Services, *items: AgendaItem) -> None:
    """Remind who has neither answered nor skipped, a day after they could read the questions."""
    profiles = await _profiles(services, items)
    now = services.clock.now()
    async with run_item(services.db, *items) as tx:
        found = await _to_ask(tx, services, items, profiles, now)
        if found is None:
            return
        people = await _now(tx, found, await _remind_at(tx, found, now), now)
        round_id, closes_at = found.round.round_id, found.round.closes_at
        reminder = messages.reminder(round_id, found.phase.channel_id, closes_at)
        posts = (
            (keys.remind(round_id, one.person.user_id), one.person.user_id, reminder)
            for one in people
        )
        await enqueue.post_all(tx, found.workspace_id, posts, now=now, expires_at=closes_at)


async def send_talking_points(services: Services, item: AgendaItem) -> None:
    """Put the questions to the channel of a team too small to be asked one by one."""
    day = PhaseDay.parse(item.subject)
    now = services.clock.now()
    async with run_item(services.db, item) as tx:
        phase = await phase_store.load(tx, item.workspace_id, day.phase_id)
        if phase is None or phase.is_paused:
            return
        at = rules.asked_at(item.due_at, now, phase.zone)
        if at is None:
            log_skipped(item, "two days late")
            return
        reworded = questions.reworded(phase.settings.questions)
        wording = questions.for_member(phase.lead_names, reworded)
        await enqueue.post(
            tx,
            item.workspace_id,
            key=keys.talking_points(day.phase_id, day.on),
            to=phase.channel_id,
            content=messages.talking_points(wording),
            now=at,
            expires_at=item.due_at + rules.OPEN_FOR,
        )


async def _profiles(services: Services, items: Sequence[AgendaItem]) -> dict[str, Person]:
    workspace_id = items[0].workspace_id
    client = services.client_for(workspace_id)
    return await services.people.of(client, workspace_id, map(_user_id, items))


def _user_id(item: AgendaItem) -> str:
    return RoundPerson.parse(item.subject).user_id


async def _to_ask(
    tx: AsyncConnection,
    services: Services,
    items: Sequence[AgendaItem],
    profiles: Mapping[str, Person],
    now: datetime,
) -> _ToAsk | None:
    """None where nobody is; the items are of one round."""
    workspace_id = items[0].workspace_id
    round_id = RoundPerson.parse(items[0].subject).round_id
    a_round = await store.round_of(tx, workspace_id, round_id)
    if a_round is None or not a_round.is_open or now >= a_round.closes_at:
        for item in items:
            log_skipped(item, "the questions are closed")
        return None
    phase = await phase_store.load(tx, workspace_id, a_round.phase_id)
    if phase is None:
        return None
    listed = await store.asked_among(tx, workspace_id, round_id, map(_user_id, items))
    optouts = await phase_store.opted_out(tx, workspace_id, phase.channel_id)
    wanted = {
        user_id: person
        for user_id, person in listed.items()
        if user_id in profiles
        and profiles[user_id].is_full_member
        and user_id not in optouts
        and not person.has_left
    }
    # Some did in App Home, before the message came.
    answered = await store.who_answered(tx, services.keys, workspace_id, a_round, wanted.values())
    default = phase.settings.default_zone
    people = tuple(
        _Due(item=item, person=wanted[user_id], zone=profiles[user_id].zone or default)
        for item in items
        if (user_id := _user_id(item)) in wanted.keys() - answered
    )
    if not people:
        return None
    return _ToAsk(workspace_id=workspace_id, round=a_round, phase=phase, people=people)


async def _questions(tx: AsyncConnection, found: _ToAsk) -> tuple[Content, Content]:
    """As they are put to a lead, and to a member."""
    asking = await store.asking_of(tx, found.workspace_id, found.round, found.phase, to_lead=False)
    note = await latest_note(tx, found.workspace_id, found.phase.phase_id)
    return messages.ask(replace(asking, to_lead=True)), messages.ask(replace(asking, note=note))


async def _remind_at(tx: AsyncConnection, found: _ToAsk, now: datetime) -> dict[_Due, datetime]:
    asked = {one: ask_key(found.round.round_id, one.person) for one in found.people}
    read_from = await requeue.readable_from(tx, found.workspace_id, asked.values(), now)
    at = {one: within_hours(now, one.zone) for one in found.people}
    for one, key in asked.items():
        if key in read_from:
            at[one] = max(at[one], rules.remind_at(read_from[key], one.zone))
    return at


async def _now(
    tx: AsyncConnection, found: _ToAsk, at: Mapping[_Due, datetime], now: datetime
) -> list[_Due]:
    """To whom it is said now. After downtime it may be night where some are: they wait."""
    later: dict[str, datetime] = {}
    people = []
    for one, said_at in at.items():
        if not rules.is_worth_asking(said_at, found.round.closes_at):
            log_skipped(one.item, "closes before it could be answered")
        elif said_at > now:
            later[one.item.subject] = said_at
        else:
            people.append(one)
    action = found.people[0].item.action
    await schedule.add_all(tx, found.workspace_id, action=action, due=later)
    return people


async def _plan_reminders(
    tx: AsyncConnection, found: _ToAsk, people: Sequence[_Due], now: datetime
) -> None:
    if not found.phase.remind:
        return
    at = {one.item.subject: rules.remind_at(now, one.zone) for one in people}
    closes_at = found.round.closes_at
    due = {
        subject: due_at
        for subject, due_at in at.items()
        if rules.is_worth_asking(due_at, closes_at)
    }
    await schedule.add_all(tx, found.workspace_id, action=ActionName.REMIND, due=due)
