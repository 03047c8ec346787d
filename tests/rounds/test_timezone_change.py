"""Somebody moves to another time zone while questions wait for them."""

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


async def moves(services: Services, user_id: str, zone: str | None) -> None:
    people = schema.people
    async with services.db.transaction() as tx:
        await tx.execute(update(people).where(people.c.user_id == user_id).values(zone=zone))
        now = services.clock.now()
        await schedule.add(tx, WORKSPACE, action="follow_zone", subject=user_id, due_at=now)
    await carry_out(services, "follow_zone")


async def asked_at(db: Database, user_id: str) -> datetime | None:
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
async def test_they_are_asked_at_ten_where_they_are_now(
    opened: Database, services: Services, zone: str, at: datetime
) -> None:
    assert await asked_at(opened, BEN) == IN_LAGOS
    closes_at = (await the_round(opened)).closes_at
    others = await asked_at(opened, FINN)

    await moves(services, BEN, zone)

    assert await asked_at(opened, BEN) == at
    assert await asked_at(opened, FINN) == others
    assert (await the_round(opened)).closes_at == closes_at


async def test_who_moves_past_ten_is_asked_at_once(
    opened: Database, services: Services, clock: AdjustableClock
) -> None:
    clock.move_to(IN_LAGOS - timedelta(hours=1))
    await moves(services, BEN, "Asia/Kolkata")  # 13:30 there

    assert await asked_at(opened, BEN) == clock.now()


async def test_who_moves_into_the_evening_is_asked_next_morning(
    opened: Database, services: Services, clock: AdjustableClock
) -> None:
    clock.move_to(IN_LAGOS - timedelta(hours=1))
    await moves(services, BEN, "Pacific/Auckland")  # 21:00 there

    assert await asked_at(opened, BEN) == datetime(2026, 12, 1, 19, tzinfo=UTC)


async def test_who_was_asked_is_not_asked_again(
    opened: Database, services: Services, clock: AdjustableClock
) -> None:
    clock.move_to(IN_LAGOS)
    await carry_out(services, "ask")
    before = await said(opened)
    await moves(services, BEN, "America/Los_Angeles")

    assert await asked_at(opened, BEN) is None
    clock.advance(timedelta(hours=9))
    await carry_out(services, "ask")
    asked = [key for key in await said(opened) if key.endswith(f":{BEN}")]
    assert asked == [key for key in before if key.endswith(f":{BEN}")]


async def test_a_reminder_waits_for_the_morning_there(
    opened: Database, services: Services, clock: AdjustableClock
) -> None:
    clock.move_to(IN_LAGOS)
    await carry_out(services, "ask")
    await moves(services, BEN, "America/Los_Angeles")
    subject = f"{(await the_round(opened)).round_id}:{BEN}"
    await delivered(opened, f"ask:{subject}", ("D1", "1.1"))
    clock.advance(timedelta(days=1))  # 01:00 there
    await carry_out(services, "remind")

    morning = datetime(2026, 12, 2, 16, tzinfo=UTC)
    assert (await agenda_of(opened, "remind"))[subject] == morning
    assert f"remind:{subject}" not in await said(opened)


async def test_leads_move_as_well(opened: Database, services: Services) -> None:
    await moves(services, ANA, "America/New_York")

    assert await asked_at(opened, ANA) == datetime(2026, 12, 1, 15, tzinfo=UTC)


@pytest.mark.parametrize("zone", [None, "Africa/Lagos"])
async def test_no_other_zone_changes_nothing(
    opened: Database, services: Services, zone: str | None
) -> None:
    await moves(services, BEN, zone)

    assert await asked_at(opened, BEN) == IN_LAGOS


async def test_where_ten_there_is_too_late_the_old_time_stands(
    opened: Database, services: Services, clock: AdjustableClock
) -> None:
    """The round closes at its fixed time, whatever people do."""
    async with opened.transaction() as tx:
        soon = IN_LAGOS + timedelta(hours=8)
        await tx.execute(update(schema.rounds).values(closes_at=soon))
    await moves(services, BEN, "America/Los_Angeles")

    assert await asked_at(opened, BEN) == IN_LAGOS
