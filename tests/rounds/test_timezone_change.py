"""Rescheduling of pending questions when a person's time zone changes."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from bot.agenda import schedule
from bot.clock import AdjustableClock
from bot.db import schema
from bot.db.engine import Database
from bot.services import Services
from tests.harness import ANA, BEN, FINN, WORKSPACE
from tests.rounds.evidence import agenda_of, carry_out, delivered, said, the_round
from tests.rounds.round_rows import PHASE

WEEKLY = f"{PHASE}:weekly:2026-12-01"
#: Tuesday 10:00 in Lagos.
IN_LAGOS = datetime(2026, 12, 1, 9, tzinfo=UTC)


@pytest.fixture
async def opened(phase: Database, services: Services, clock: AdjustableClock) -> Database:
    clock.move_to((await agenda_of(phase, "open_round"))[WEEKLY])
    await carry_out(services, "open_round", WEEKLY)
    return phase


async def move_to_zone(services: Services, user_id: str, zone: str | None) -> None:
    people = schema.people
    async with services.db.transaction() as tx:
        await tx.execute(update(people).where(people.c.user_id == user_id).values(zone=zone))
        now = services.clock.now()
        await schedule.add(tx, WORKSPACE, action="reschedule_for_zone", subject=user_id, due_at=now)
    await carry_out(services, "reschedule_for_zone")


async def ask_time(db: Database, user_id: str) -> datetime | None:
    asks = await agenda_of(db, "ask")
    return asks.get(f"{(await the_round(db)).round_id}:{user_id}")


@pytest.mark.parametrize(
    ("zone", "at"),
    [
        ("Asia/Kolkata", datetime(2026, 12, 1, 4, 30, tzinfo=UTC)),
        ("Asia/Kathmandu", datetime(2026, 12, 1, 4, 15, tzinfo=UTC)),
        ("Australia/Lord_Howe", datetime(2026, 11, 30, 23, 0, tzinfo=UTC)),
        ("America/Los_Angeles", datetime(2026, 12, 1, 18, 0, tzinfo=UTC)),
        ("Pacific/Apia", datetime(2026, 11, 30, 21, 0, tzinfo=UTC)),
    ],
)
async def test_pending_question_moves_to_ten_in_the_new_zone(
    opened: Database, services: Services, zone: str, at: datetime
) -> None:
    assert await ask_time(opened, BEN) == IN_LAGOS
    closes_at = (await the_round(opened)).closes_at
    others = await ask_time(opened, FINN)

    await move_to_zone(services, BEN, zone)

    assert await ask_time(opened, BEN) == at
    assert await ask_time(opened, FINN) == others
    assert (await the_round(opened)).closes_at == closes_at


async def test_move_to_a_zone_past_ten_asks_at_once(
    opened: Database, services: Services, clock: AdjustableClock
) -> None:
    clock.move_to(IN_LAGOS - timedelta(hours=1))
    await move_to_zone(services, BEN, "Asia/Kolkata")  # 13:30 there

    assert await ask_time(opened, BEN) == clock.now()


async def test_move_into_the_evening_asks_the_next_morning(
    opened: Database, services: Services, clock: AdjustableClock
) -> None:
    clock.move_to(IN_LAGOS - timedelta(hours=1))
    await move_to_zone(services, BEN, "Pacific/Auckland")  # 21:00 there

    assert await ask_time(opened, BEN) == datetime(2026, 12, 1, 19, tzinfo=UTC)


async def test_person_already_asked_is_not_asked_again_after_a_move(
    opened: Database, services: Services, clock: AdjustableClock
) -> None:
    clock.move_to(IN_LAGOS)
    await carry_out(services, "ask")
    before = await said(opened)
    await move_to_zone(services, BEN, "America/Los_Angeles")

    assert await ask_time(opened, BEN) is None
    clock.advance(timedelta(hours=9))
    await carry_out(services, "ask")
    asked = [key for key in await said(opened) if key.endswith(f":{BEN}")]
    assert asked == [key for key in before if key.endswith(f":{BEN}")]


async def test_reminder_waits_for_morning_in_the_new_zone(
    opened: Database, services: Services, clock: AdjustableClock
) -> None:
    clock.move_to(IN_LAGOS)
    await carry_out(services, "ask")
    await move_to_zone(services, BEN, "America/Los_Angeles")
    subject = f"{(await the_round(opened)).round_id}:{BEN}"
    await delivered(opened, f"ask:{subject}", ("D1", "1.1"))
    clock.advance(timedelta(days=1))  # 01:00 there
    await carry_out(services, "remind")

    morning = datetime(2026, 12, 2, 16, tzinfo=UTC)
    assert (await agenda_of(opened, "remind"))[subject] == morning
    assert f"remind:{subject}" not in await said(opened)


async def test_pending_question_of_a_lead_moves_too(opened: Database, services: Services) -> None:
    await move_to_zone(services, ANA, "America/New_York")

    assert await ask_time(opened, ANA) == datetime(2026, 12, 1, 15, tzinfo=UTC)


@pytest.mark.parametrize("zone", [None, "Africa/Lagos"])
async def test_unknown_or_unchanged_zone_changes_nothing(
    opened: Database, services: Services, zone: str | None
) -> None:
    await move_to_zone(services, BEN, zone)

    assert await ask_time(opened, BEN) == IN_LAGOS


async def test_slot_stays_if_ten_in_the_new_zone_is_after_the_close(
    opened: Database, services: Services, clock: AdjustableClock
) -> None:
    """The closing time of a round is fixed when it opens."""
    async with opened.transaction() as tx:
        closes_at = IN_LAGOS + timedelta(hours=8)
        await tx.execute(update(schema.rounds).values(closes_at=closes_at))
    await move_to_zone(services, BEN, "America/Los_Angeles")

    assert await ask_time(opened, BEN) == IN_LAGOS
