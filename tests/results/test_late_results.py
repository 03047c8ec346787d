"""Results after downtime: shown once, in messaging hours, and after the leads got theirs."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.clock import AdjustableClock
from bot.db.engine import Database
from bot.services import Services
from tests.harness import ANA
from tests.results.steps import FRIDAY, close, show
from tests.rounds.evidence import agenda_of, delivered, said

TO_ANA = f"lead_results:r1:{ANA}"
NIGHT = datetime(2026, 12, 2, 3, tzinfo=UTC)  # a Wednesday, in Lisbon as well


async def mark_read_by_leads(db: Database) -> None:
    await delivered(db, TO_ANA, ("D1", "1.1"))


@pytest.mark.parametrize("late", [timedelta(hours=1), timedelta(days=5), timedelta(weeks=6)])
async def test_late_results_are_still_shown(
    phase: Database, services: Services, clock: AdjustableClock, late: timedelta
) -> None:
    await close(phase)
    await mark_read_by_leads(phase)
    clock.move_to(FRIDAY + late)
    await show(services)

    assert "results:r1" in await said(phase)


async def test_results_overdue_at_three_am_wait_until_eight(
    phase: Database, services: Services, clock: AdjustableClock
) -> None:
    await close(phase)
    await mark_read_by_leads(phase)
    clock.move_to(NIGHT)
    await show(services)

    assert "results:r1" not in await said(phase)
    morning = datetime(2026, 12, 2, 8, tzinfo=UTC)
    assert (await agenda_of(phase, "show_results"))["r1"] == morning

    clock.move_to(morning)
    await show(services, due_at=morning)
    assert "results:r1" in await said(phase)


async def test_team_results_wait_a_working_day_for_an_undelivered_lead_message(
    phase: Database, services: Services, clock: AdjustableClock
) -> None:
    await close(phase)  # and the message to the lead is not delivered
    clock.move_to(NIGHT)
    await show(services)

    next_day = datetime(2026, 12, 3, 10, tzinfo=UTC)
    assert (await agenda_of(phase, "show_results"))["r1"] == next_day
    queued = await said(phase)
    assert "results:r1" not in queued
    assert str(int(next_day.timestamp())) in str(queued[f"edit:{TO_ANA}"])
