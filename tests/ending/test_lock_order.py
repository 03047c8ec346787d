"""Who changes a phase and who carries out what is due about it wait for each other in one order."""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text, update

from bot.agenda import schedule
from bot.agenda.actions import ActionName, PausedPhase
from bot.agenda.claims import due
from bot.agenda.schedule import AgendaItem, AlreadyTaken
from bot.announcement.concerns import raise_concern
from bot.app import ACTIONS
from bot.clock import real_now
from bot.db import schema
from bot.phases.model import PauseReason
from bot.services import Services
from bot.slack.request import Request
from tests.ending.phase_rows import planned, rows, running
from tests.harness import BEN, WORKSPACE

LONGEST_SECONDS = 10
WAITING = text(
    "SELECT count(*) FROM pg_stat_activity "
    "WHERE wait_event_type = 'Lock' AND datname = current_database()"
)
# SQLite has one writer.
pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.mark.parametrize(
    "action",
    [
        ActionName.END_PHASE,
        ActionName.FOLLOW_MEMBERS,
        ActionName.LOOK_AT_CHANNEL,
        ActionName.OPEN_ROUND,
        ActionName.PAUSE_PHASE,
    ],
)
async def test_what_is_due_about_a_phase_waits_for_it_empty_handed(
    services: Services, action: ActionName
) -> None:
    item = await due_now(services, await running(services), action)

    async with services.db.engine.begin() as holder:
        await holder.execute(select(schema.phases).with_for_update())
        carrying_out = await waiting(services, ACTIONS[action].run(services, item))
        later = item.due_at + timedelta(days=1)
        await holder.execute(update(schema.agenda).values(due_at=later))

    with pytest.raises(AlreadyTaken):
        await carrying_out


async def test_a_concern_being_raised_is_not_left_behind_by_a_delivery(services: Services) -> None:
    phase_id = await running(services)
    request = Request(workspace_id=WORKSPACE, target_id=phase_id, user_id=BEN)
    await raise_concern(services, request, text="Too much at once.", field="text", form="one")
    item = await due_now(services, phase_id, ActionName.DELIVER_CONCERNS)

    async with services.db.transaction() as raising:
        later = item.due_at + timedelta(days=1)
        await schedule.add_or_lock(
            raising, WORKSPACE, action=ActionName.DELIVER_CONCERNS, subject=phase_id, due_at=later
        )
        with pytest.raises(AlreadyTaken):
            await ACTIONS[ActionName.DELIVER_CONCERNS].run(services, item)

    assert await planned(services, ActionName.DELIVER_CONCERNS) == {phase_id: item.due_at}
    async with services.db.reading() as reader:
        assert await due(reader, item.due_at, real_now(), 1) == [item]  # at once


async def due_now(services: Services, phase_id: str, action: ActionName) -> AgendaItem:
    now = services.clock.now()
    noted = [
        row["subject"] for row in await rows(services, schema.agenda) if row["action"] == action
    ]
    subject = next(iter(noted), phase_id)
    if action is ActionName.PAUSE_PHASE:
        subject = str(PausedPhase(phase_id, PauseReason.UNSEEN))
    item = AgendaItem(workspace_id=WORKSPACE, action=action, subject=subject, due_at=now)
    async with services.db.transaction() as tx:
        await schedule.add(tx, WORKSPACE, action=action, subject=subject, due_at=now)
    return item


async def waiting(services: Services, doing: Coroutine[Any, Any, object]) -> "asyncio.Task[object]":
    """It was begun, and waits for a row that another transaction holds."""
    task = asyncio.create_task(doing)
    async with asyncio.timeout(LONGEST_SECONDS), services.db.engine.connect() as looking:
        while not await looking.scalar(WAITING):
            await looking.rollback()  # in one transaction it says the same again
            await asyncio.sleep(0.02)
    return task
