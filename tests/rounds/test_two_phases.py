"""People in two phases whose questions come on the same day are asked on two days."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update

from bot.agenda import schedule
from bot.clock import AdjustableClock
from bot.db import schema
from bot.db.engine import Database
from bot.rounds.lifecycle import plan_rounds
from bot.services import Services
from bot.workspaces.rules import WorkspaceSettings
from tests.harness import ANA, BEN, CHIARA, DEV, EMI, FINN, GUSTAVO, HANA, PLATFORM, WORKSPACE
from tests.rounds.evidence import agenda_of, carry_out
from tests.rounds.round_rows import NOW, PHASE, ZONES, a_phase, a_workspace, the_phase

YOUNGER = "phase2"
BOTH = {ANA, BEN, CHIARA, DEV, EMI}
TUESDAY = date(2026, 12, 1)
ROUNDS = (f"{PHASE}:weekly:{TUESDAY}", f"{YOUNGER}:weekly:{TUESDAY}")


@pytest.fixture
async def two_phases(phase: Database) -> Database:
    """The phase of #launch, and a younger one in #platform with four of the same people."""
    async with phase.transaction() as tx:
        await a_phase(
            tx,
            phase_id=YOUNGER,
            channel_id=PLATFORM,
            members=(BEN, CHIARA, DEV, EMI),
            time_of_day=time(14),
            started_at=NOW + timedelta(minutes=1),
        )
        await plan_rounds(tx, WORKSPACE, await the_phase(tx, YOUNGER), NOW)
    return phase


async def open_rounds(services: Services, clock: AdjustableClock, *subjects: str) -> None:
    due = await agenda_of(services.db, "open_round")
    clock.move_to(max(due[subject] for subject in subjects))
    for subject in subjects:
        assert await carry_out(services, "open_round", subject) == [subject]


async def days_of(db: Database, phase_id: str) -> Mapping[str, date]:
    """Return the day on which each person is asked about the phase, in their zone."""
    people, rounds = schema.round_people, schema.rounds
    async with db.reading() as reader:
        rows = await reader.execute(
            select(people.c.user_id, people.c.slot_at)
            .join(rounds, rounds.c.round_id == people.c.round_id)
            .where(rounds.c.phase_id == phase_id)
        )
        return {
            row.user_id: row.slot_at.astimezone(ZoneInfo(ZONES[row.user_id])).date() for row in rows
        }


@pytest.mark.parametrize("order", [ROUNDS, ROUNDS[::-1]], ids=["older first", "younger first"])
async def test_people_of_two_phases_are_asked_about_the_younger_a_day_later(
    two_phases: Database, services: Services, clock: AdjustableClock, order: tuple[str, str]
) -> None:
    await open_rounds(services, clock, *order)

    older, younger = await days_of(two_phases, PHASE), await days_of(two_phases, YOUNGER)
    assert older == dict.fromkeys((*BOTH, FINN, GUSTAVO, HANA), TUESDAY)
    assert younger == dict.fromkeys(BOTH, TUESDAY + timedelta(days=1))


async def test_round_closes_two_days_after_the_last_slot_where_people_are_moved(
    two_phases: Database, services: Services, clock: AdjustableClock
) -> None:
    await open_rounds(services, clock, *ROUNDS)

    async with two_phases.reading() as reader:
        rounds = {row.phase_id: row for row in await reader.execute(select(schema.rounds))}
    # Wednesday at 14:00 in Lisbon, where it is as late as in UTC.
    assert rounds[YOUNGER].closes_at == datetime(2026, 12, 4, 14, tzinfo=UTC)
    assert rounds[PHASE].closes_at == datetime(2026, 12, 3, 15, tzinfo=UTC)  # Finn's, New York


async def test_phase_that_is_paused_takes_no_day_of_its_people(
    two_phases: Database, services: Services, clock: AdjustableClock
) -> None:
    async with two_phases.transaction() as tx:
        phases = schema.phases
        await tx.execute(update(phases).where(phases.c.phase_id == PHASE).values(paused_at=NOW))
    await open_rounds(services, clock, ROUNDS[1])

    assert set((await days_of(two_phases, YOUNGER)).values()) == {TUESDAY}


async def test_person_who_moves_to_another_zone_keeps_two_days(
    two_phases: Database, services: Services, clock: AdjustableClock
) -> None:
    await open_rounds(services, clock, *ROUNDS)
    async with two_phases.transaction() as tx:
        people = schema.people
        await tx.execute(
            update(people).where(people.c.user_id == BEN).values(zone="America/New_York")
        )
        now = clock.now()
        await schedule.add(tx, WORKSPACE, action="reschedule_for_zone", subject=BEN, due_at=now)
    await carry_out(services, "reschedule_for_zone")

    asks = await agenda_of(two_phases, "ask")
    assert sorted(at for subject, at in asks.items() if subject.endswith(BEN)) == [
        datetime(2026, 12, 1, 15, tzinfo=UTC),
        datetime(2026, 12, 2, 19, tzinfo=UTC),
    ]


async def test_round_planned_on_a_day_that_became_a_holiday_moves_to_the_next_working_day(
    phase: Database, services: Services, clock: AdjustableClock
) -> None:
    """The country is set after the round was planned; 8 December is a holiday in Portugal."""
    async with phase.transaction() as tx:
        await a_workspace(tx, WorkspaceSettings(country="PT"))
    await open_rounds(services, clock, f"{PHASE}:weekly:2026-12-08")

    assert await days_of(phase, PHASE) == {}
    await open_rounds(services, clock, f"{PHASE}:weekly:2026-12-09")
    assert set((await days_of(phase, PHASE)).values()) == {date(2026, 12, 9)}


async def test_phase_in_a_country_plans_no_round_on_its_holidays(
    phase: Database,
) -> None:
    async with phase.transaction() as tx:
        await a_workspace(tx, WorkspaceSettings(country="PT"))
        await schedule.remove_about(tx, WORKSPACE, actions=["open_round"], about=PHASE)
        await plan_rounds(tx, WORKSPACE, await the_phase(tx), NOW)

    planned = await agenda_of(phase, "open_round")
    assert sorted(subject.removeprefix(f"{PHASE}:") for subject in planned) == [
        "after:2027-01-04",
        "after:2027-01-15",
        "closing:2026-12-15",
        "first:2026-11-24",
        "weekly:2026-12-02",
        "weekly:2026-12-09",
    ]
