"""A person's change of time zone: their questions follow to their time there."""

from datetime import date, datetime
from functools import partial

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda import schedule
from bot.agenda.actions import ActionName, RoundPerson
from bot.agenda.schedule import AgendaItem, run_item
from bot.agenda.slots import slot, within_hours, zone_of
from bot.db import schema
from bot.outbox import requeue
from bot.phases import store as phase_store
from bot.phases.model import Phase
from bot.rounds import rules, store
from bot.rounds.model import Round
from bot.rounds.opening import time_of
from bot.services import Services
from bot.slack.people import known


async def reschedule_for_zone(services: Services, item: AgendaItem) -> None:
    """Move the questions that were not sent yet, in every open round, before it closes.

    What was decided for a later hour of theirs waits for such an hour there.
    """
    now = services.clock.now()
    async with run_item(services.db, item) as tx:
        person = (await known(tx, item.workspace_id, [item.subject])).get(item.subject)
        if person is None or person.zone is None:
            return
        next_allowed_at = partial(within_hours, zone=person.zone)
        await requeue.reschedule_for_zone(
            tx, item.workspace_id, user_id=person.user_id, next_allowed_at=next_allowed_at, now=now
        )
        for found in await store.open_about(tx, item.workspace_id, person.user_id):
            phase = await phase_store.load(tx, item.workspace_id, found.phase_id)
            on = planned_on(found, phase) if phase else None
            if phase is None or on is None:
                continue
            planned = slot(on, time_of(phase, found.kind), person.zone)
            at = within_hours(max(planned, now), person.zone)  # however long that is past
            if rules.is_worth_asking(at, found.closes_at):
                await _move(tx, item.workspace_id, found, person.user_id, at)


def planned_on(found: Round, phase: Phase) -> date | None:
    """The day of everybody's slot; None where the round opened late, or at no planned time."""
    there = found.opened_at.astimezone(zone_of(phase.zone))
    planned = found.kind is not rules.RoundKind.POLL
    return there.date() if planned and there.time() == time_of(phase, found.kind) else None


async def _move(
    tx: AsyncConnection, workspace_id: str, found: Round, user_id: str, at: datetime
) -> None:
    """Only where it still waits: who was asked is not asked again."""
    subject = str(RoundPerson(found.round_id, user_id))
    await schedule.lock(tx, workspace_id, action=ActionName.ASK, subject=subject)
    if await schedule.due_time(tx, workspace_id, action=ActionName.ASK, subject=subject) is None:
        return
    await schedule.add(tx, workspace_id, action=ActionName.ASK, subject=subject, due_at=at)
    people = schema.round_people
    await tx.execute(
        update(people)
        .where(
            people.c.workspace_id == workspace_id,
            people.c.round_id == found.round_id,
            people.c.user_id == user_id,
        )
        .values(slot_at=at)
    )
