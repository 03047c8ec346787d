"""Sending the questions: the weekly message at each person's slot, and at most one reminder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, or_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda import schedule
from bot.agenda.actions import ActionName, PhaseDay, RoundPerson
from bot.agenda.schedule import AgendaItem, log_skipped, run_item
from bot.agenda.slots import within_hours
from bot.db import schema
from bot.db.upserts import padded
from bot.outbox import enqueue, keys, requeue
from bot.outbox.keys import MessageKey
from bot.phases import store as phase_store
from bot.phases.model import Phase
from bot.rounds import messages, questionnaires, questions, rules, store
from bot.rounds.model import QuestionnaireView, RosterEntry, Round
from bot.services import Services
from bot.slack.people import Person

_people = schema.phase_people


@dataclass(frozen=True, kw_only=True)
class _Due:
    """A person whose agenda item is due."""

    item: AgendaItem
    person: RosterEntry
    zone: str


@dataclass(frozen=True, kw_only=True)
class _Batch:
    """The people of one round whose items are due."""

    workspace_id: str
    round: Round
    phase: Phase
    people: tuple[_Due, ...]


def question_key(round_id: str, person: RosterEntry) -> MessageKey:
    """Return the key of the message that asks this person."""
    return (keys.reflect if person.is_lead else keys.ask)(round_id, person.user_id)


async def send_questions(services: Services, *items: AgendaItem) -> None:
    """Send people of one round the three questions, except those not to be asked any more."""
    profiles = await _profiles(services, items)
    now = services.clock.now()
    async with run_item(services.db, *items) as tx:
        batch = await _batch_to_ask(tx, services, items, profiles, now)
        if batch is None:
            return
        send_times = {
            recipient: within_hours(now, recipient.zone, batch.phase.calendar)
            for recipient in batch.people
        }
        people = await _due_now(tx, batch, send_times, now)
        if not people:
            return
        await _note_introduced(tx, batch, people)
        shown = await _questionnaires(tx, batch, people)
        posts = (
            (
                question_key(batch.round.round_id, recipient.person),
                recipient.person.user_id,
                messages.questions_message(shown[recipient.person.user_id]),
            )
            for recipient in people
        )
        closes_at = batch.round.closes_at
        await enqueue.post_all(tx, batch.workspace_id, posts, now=now, expires_at=closes_at)
        await _plan_reminders(tx, batch, people, now)


async def send_reminders(services: Services, *items: AgendaItem) -> None:
    """Remind those who neither answered nor skipped, a day after they could read the questions."""
    profiles = await _profiles(services, items)
    now = services.clock.now()
    async with run_item(services.db, *items) as tx:
        batch = await _batch_to_ask(tx, services, items, profiles, now)
        if batch is None:
            return
        people = await _due_now(tx, batch, await _reminder_times(tx, batch, now), now)
        round_id, closes_at = batch.round.round_id, batch.round.closes_at
        shown = await _questionnaires(tx, batch, people)
        posts = (
            (
                keys.remind(round_id, recipient.person.user_id),
                recipient.person.user_id,
                messages.questions_message(shown[recipient.person.user_id], is_reminder=True),
            )
            for recipient in people
        )
        await enqueue.post_all(tx, batch.workspace_id, posts, now=now, expires_at=closes_at)


async def send_talking_points(services: Services, item: AgendaItem) -> None:
    """Post the questions in the channel of a team too small to be asked one by one."""
    day = PhaseDay.parse(item.subject)
    now = services.clock.now()
    async with run_item(services.db, item) as tx:
        phase = await phase_store.load(tx, item.workspace_id, day.phase_id)
        if phase is None or phase.is_paused:
            return
        at = rules.ask_time(item.due_at, now, phase.zone, phase.calendar)
        if at is None:
            log_skipped(item, "two days late")
            return
        asked = questions.questions_for(phase.kind, phase.settings.questions)
        wording = questions.about_leads(phase.lead_names, asked)
        await enqueue.post(
            tx,
            item.workspace_id,
            key=keys.talking_points(day.phase_id, day.on),
            to=phase.channel_id,
            content=messages.talking_points(
                wording, is_too_similar=phase.too_similar_to is not None
            ),
            now=at,
            expires_at=item.due_at + rules.OPEN_FOR,
        )


async def _profiles(services: Services, items: Sequence[AgendaItem]) -> dict[str, Person]:
    workspace_id = items[0].workspace_id
    client = services.client_for(workspace_id)
    return await services.people.get_many(client, workspace_id, map(_user_id, items))


def _user_id(item: AgendaItem) -> str:
    return RoundPerson.parse(item.subject).user_id


async def _batch_to_ask(
    tx: AsyncConnection,
    services: Services,
    items: Sequence[AgendaItem],
    profiles: Mapping[str, Person],
    now: datetime,
) -> _Batch | None:
    """Return those still to be asked, None where nobody is; the items are of one round."""
    workspace_id = items[0].workspace_id
    round_id = RoundPerson.parse(items[0].subject).round_id
    round_ = await store.round_of(tx, workspace_id, round_id)
    if round_ is None or not round_.is_open or now >= round_.closes_at:
        for item in items:
            log_skipped(item, "the questions are closed")
        return None
    phase = await phase_store.load(tx, workspace_id, round_.phase_id)
    if phase is None:
        return None
    listed = await store.roster_entries(tx, workspace_id, round_id, map(_user_id, items))
    optouts = await phase_store.opted_out_ids(tx, workspace_id, phase.channel_id)
    wanted = {
        user_id: person
        for user_id, person in listed.items()
        if user_id in profiles
        and profiles[user_id].is_full_member
        and user_id not in optouts
        and not person.has_left
    }
    # Some answered in App Home before their message arrived.
    answered = await store.who_responded(tx, services.keys, workspace_id, round_, wanted.values())
    default = phase.settings.default_zone
    people = tuple(
        _Due(item=item, person=wanted[user_id], zone=profiles[user_id].zone or default)
        for item in items
        if (user_id := _user_id(item)) in wanted.keys() - answered
    )
    if not people:
        return None
    return _Batch(workspace_id=workspace_id, round=round_, phase=phase, people=people)


async def _questionnaires(
    tx: AsyncConnection, batch: _Batch, people: Sequence[_Due]
) -> dict[str, QuestionnaireView]:
    user_ids = [recipient.person.user_id for recipient in people]
    return await questionnaires.load(tx, batch.workspace_id, batch.round.round_id, user_ids)


async def _note_introduced(tx: AsyncConnection, batch: _Batch, people: Sequence[_Due]) -> None:
    """Store what these questions show people for the first time.

    To those never asked in this phase, why they are; to others what the leads count on them for,
    if their questions have not shown it yet.
    """
    asked = [recipient.person.user_id for recipient in people if not recipient.person.is_lead]
    if not asked:
        return
    round_id, expectation = batch.round.round_id, _people.c.expectation
    await tx.execute(
        update(_people)
        .where(
            _people.c.workspace_id == batch.workspace_id,
            _people.c.phase_id == batch.phase.phase_id,
            _people.c.user_id.in_(padded(asked)),
            or_(_people.c.introduced_in.is_(None), _people.c.expectation_shown_in.is_(None)),
        )
        .values(
            introduced_in=func.coalesce(_people.c.introduced_in, round_id),
            expectation_shown_in=case(
                (expectation.is_(None), None),
                else_=func.coalesce(_people.c.expectation_shown_in, round_id),
            ),
        )
    )


async def _reminder_times(
    tx: AsyncConnection, batch: _Batch, now: datetime
) -> dict[_Due, datetime]:
    ask_keys = {
        recipient: question_key(batch.round.round_id, recipient.person)
        for recipient in batch.people
    }
    read_from = await requeue.readable_from(tx, batch.workspace_id, ask_keys.values(), now)
    times = {
        recipient: within_hours(now, recipient.zone, batch.phase.calendar)
        for recipient in batch.people
    }
    for recipient, key in ask_keys.items():
        if key in read_from:
            times[recipient] = max(
                times[recipient],
                rules.reminder_time(read_from[key], recipient.zone, batch.phase.calendar),
            )
    return times


async def _due_now(
    tx: AsyncConnection, batch: _Batch, send_times: Mapping[_Due, datetime], now: datetime
) -> list[_Due]:
    """Return those to be messaged now, and reschedule the others.

    After downtime it may be night where some are: they wait.
    """
    later: dict[str, datetime] = {}
    people = []
    for recipient, send_at in send_times.items():
        if not rules.leaves_time_to_answer(send_at, batch.round.closes_at):
            log_skipped(recipient.item, "closes before it could be answered")
        elif send_at > now:
            later[recipient.item.subject] = send_at
        else:
            people.append(recipient)
    action = batch.people[0].item.action
    await schedule.add_all(tx, batch.workspace_id, action=action, due=later)
    return people


async def _plan_reminders(
    tx: AsyncConnection, batch: _Batch, people: Sequence[_Due], now: datetime
) -> None:
    if not batch.phase.remind:
        return
    times = {
        recipient.item.subject: rules.reminder_time(now, recipient.zone, batch.phase.calendar)
        for recipient in people
        if not recipient.person.is_lead  # leads are sent the results two days later
    }
    closes_at = batch.round.closes_at
    due = {
        subject: due_at
        for subject, due_at in times.items()
        if rules.leaves_time_to_answer(due_at, closes_at)
    }
    await schedule.add_all(tx, batch.workspace_id, action=ActionName.REMIND, due=due)
