"""Changes to a phase and its due agenda items take their locks in the same order."""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text, update

from bot.agenda import schedule
from bot.agenda.actions import ActionName, PausedPhase
from bot.agenda.claims import due
from bot.agenda.schedule import AgendaItem, NoLongerDue
from bot.announcement.concerns import raise_concern
from bot.app import ACTIONS
from bot.clock import real_now
from bot.db import schema
from bot.phases.model import PauseReason
from bot.services import Services
from bot.slack.request import Request
from tests.ending.phase_rows import planned, rows, running
from tests.harness import BEN, WORKSPACE

TIMEOUT_SECONDS = 10
COUNT_WAITING = text(
    "SELECT count(*) FROM pg_stat_activity "
    "WHERE wait_event_type = 'Lock' AND datname = current_database()"
)
# SQLite has one writer.
pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.mark.parametrize(
    "action",
    [
        ActionName.END_PHASE,
        ActionName.SYNC_MEMBERS,
        ActionName.CHECK_CHANNEL,
        ActionName.OPEN_ROUND,
        ActionName.PAUSE_PHASE,
    ],
)
async def test_due_item_waits_for_the_phase_without_locking_its_own_agenda_row(
    services: Services, action: ActionName
) -> None:
    item = await due_now(services, await running(services), action)

    async with services.db.engine.begin() as holder:
        await holder.execute(select(schema.phases).with_for_update())
        task = await start_until_blocked(services, ACTIONS[action].run(services, item))
        later = item.due_at + timedelta(days=1)
        await holder.execute(update(schema.agenda).values(due_at=later))

    with pytest.raises(NoLongerDue):
        await task


async def test_delivery_yields_to_a_concern_that_is_being_raised(services: Services) -> None:
    phase_id = await running(services)
    request = Request(workspace_id=WORKSPACE, target_id=phase_id, user_id=BEN)
    await raise_concern(services, request, text="Too much at once.", field="text", view_id="one")
    item = await due_now(services, phase_id, ActionName.DELIVER_CONCERNS)

    async with services.db.transaction() as raising:
        later = item.due_at + timedelta(days=1)
        await schedule.add_or_lock(
            raising, WORKSPACE, action=ActionName.DELIVER_CONCERNS, subject=phase_id, due_at=later
        )
        with pytest.raises(NoLongerDue):
            await ACTIONS[ActionName.DELIVER_CONCERNS].run(services, item)

    assert await planned(services, ActionName.DELIVER_CONCERNS) == {phase_id: item.due_at}
    async with services.db.reading() as reader:
        assert await due(reader, item.due_at, real_now(), 1) == [item]  # still due immediately


async def due_now(services: Services, phase_id: str, action: ActionName) -> AgendaItem:
    now = services.clock.now()
    subjects = [
        row["subject"] for row in await rows(services, schema.agenda) if row["action"] == action
    ]
    subject = next(iter(subjects), phase_id)
    if action is ActionName.PAUSE_PHASE:
        subject = str(PausedPhase(phase_id, PauseReason.NOT_VISIBLE))
    item = AgendaItem(workspace_id=WORKSPACE, action=action, subject=subject, due_at=now)
    async with services.db.transaction() as tx:
        await schedule.add(tx, WORKSPACE, action=action, subject=subject, due_at=now)
    return item


async def start_until_blocked(
    services: Services, coroutine: Coroutine[Any, Any, object]
) -> "asyncio.Task[object]":
    """Start the coroutine; return its task once it waits for a row that is locked."""
    task = asyncio.create_task(coroutine)
    async with asyncio.timeout(TIMEOUT_SECONDS), services.db.engine.connect() as observer:
        while not await observer.scalar(COUNT_WAITING):
            await observer.rollback()  # one transaction would see the same result again
            await asyncio.sleep(0.02)
    return task
