"""Results after downtime: shown once, at a good hour, and never before the leads have read them."""

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


async def read_by_leads(db: Database) -> None:
    await delivered(db, TO_ANA, ("D1", "1.1"))


@pytest.mark.parametrize("late", [timedelta(hours=1), timedelta(days=5), timedelta(weeks=6)])
async def test_what_is_late_is_still_shown(
    phase: Database, services: Services, clock: AdjustableClock, late: timedelta
) -> None:
    await close(phase)
    await read_by_leads(phase)
    clock.move_to(FRIDAY + late)
    await show(services)

    assert "results:r1" in await said(phase)


async def test_woken_at_three_the_team_reads_it_at_eight(
    phase: Database, services: Services, clock: AdjustableClock
) -> None:
    await close(phase)
    await read_by_leads(phase)
    clock.move_to(NIGHT)
    await show(services)

    assert "results:r1" not in await said(phase)
    morning = datetime(2026, 12, 2, 8, tzinfo=UTC)
    assert (await agenda_of(phase, "show_results"))["r1"] == morning

    clock.move_to(morning)
    await show(services, due_at=morning)
    assert "results:r1" in await said(phase)


async def test_leads_read_it_a_working_day_before_whatever_held_it_up(
    phase: Database, services: Services, clock: AdjustableClock
) -> None:
    await close(phase)  # and nothing of it reached Slack
    clock.move_to(NIGHT)
    await show(services)

    next_day = datetime(2026, 12, 3, 10, tzinfo=UTC)
    assert (await agenda_of(phase, "show_results"))["r1"] == next_day
    told = await said(phase)
    assert "results:r1" not in told
    assert str(int(next_day.timestamp())) in str(told[f"edit:{TO_ANA}"])
