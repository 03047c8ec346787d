"""Rescheduling of a person's questions after a change of their time zone."""

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
from bot.rounds.opening import ask_apart
from bot.rounds.other_phases import other_phases
from bot.rounds.phase_plan import time_of
from bot.services import Services
from bot.slack.people import stored_people
from bot.workspaces.public_holidays import calendar_of
from bot.workspaces.store import settings_of


async def reschedule_for_zone(services: Services, item: AgendaItem) -> None:
    """Reschedule the person's questions not sent yet, in every open round, before it closes.

    Messages already put off to an allowed hour of theirs wait for such an hour in the new zone.
    """
    now = services.clock.now()
    async with run_item(services.db, item) as tx:
        person = (await stored_people(tx, item.workspace_id, [item.subject])).get(item.subject)
        if person is None or person.zone is None:
            return
        calendar = calendar_of((await settings_of(tx, item.workspace_id)).country)
        next_allowed_at = partial(within_hours, zone=person.zone, calendar=calendar)
        await requeue.reschedule_for_zone(
            tx, item.workspace_id, user_id=person.user_id, next_allowed_at=next_allowed_at, now=now
        )
        for round_ in await store.open_rounds_of(tx, item.workspace_id, person.user_id):
            phase = await phase_store.load(tx, item.workspace_id, round_.phase_id)
            day = planned_day(round_, phase) if phase else None
            if phase is None or day is None:
                continue
            planned = slot(day, time_of(phase, round_.kind), person.zone)
            # Even where `planned` is long past.
            at = within_hours(max(planned, now), person.zone, phase.calendar)
            others = await other_phases(
                tx, item.workspace_id, phase, [person.user_id], now, except_round=round_.round_id
            )
            at = ask_apart(others, person.user_id, person.zone, round_.kind, at)
            if rules.leaves_time_to_answer(at, round_.closes_at):
                await _reschedule(tx, item.workspace_id, round_, person.user_id, at)


def planned_day(round_: Round, phase: Phase) -> date | None:
    """Return the day of everybody's slot; None where the round opened late or was not planned."""
    local_opening = round_.opened_at.astimezone(zone_of(phase.zone))
    is_planned = round_.kind is not rules.RoundKind.POLL
    return (
        local_opening.date()
        if is_planned and local_opening.time() == time_of(phase, round_.kind)
        else None
    )


async def _reschedule(
    tx: AsyncConnection, workspace_id: str, round_: Round, user_id: str, at: datetime
) -> None:
    """Reschedule a question that still waits; a person asked already is not asked again."""
    subject = str(RoundPerson(round_.round_id, user_id))
    await schedule.lock(tx, workspace_id, action=ActionName.ASK, subject=subject)
    if await schedule.due_time(tx, workspace_id, action=ActionName.ASK, subject=subject) is None:
        return
    await schedule.add(tx, workspace_id, action=ActionName.ASK, subject=subject, due_at=at)
    people = schema.round_people
    await tx.execute(
        update(people)
        .where(
            people.c.workspace_id == workspace_id,
            people.c.round_id == round_.round_id,
            people.c.user_id == user_id,
        )
        .values(slot_at=at)
    )
