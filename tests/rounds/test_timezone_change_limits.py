"""A change of time zone near the close of a round: there is an hour to answer, or nothing moves."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from bot.agenda import schedule
from bot.clock import AdjustableClock
from bot.db import schema
from bot.db.engine import Database
from bot.services import Services
from tests.harness import BEN, WORKSPACE
from tests.rounds.evidence import agenda_of, carry_out, the_round
from tests.rounds.round_rows import PHASE

WEEKLY = f"{PHASE}:weekly:2026-12-01"
#: Ten on Tuesday in Lagos, where Ben lives, and in Lisbon, where he goes.
IN_LAGOS, IN_LISBON = datetime(2026, 12, 1, 9, tzinfo=UTC), datetime(2026, 12, 1, 10, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture
async def opened(phase: Database, services: Services, clock: AdjustableClock) -> Database:
    clock.move_to((await agenda_of(phase, "open_round"))[WEEKLY])
    await carry_out(services, "open_round", WEEKLY)
    return phase


@pytest.mark.parametrize(
    ("closes_at", "asked_at"),
    [
        (IN_LISBON + timedelta(hours=1), IN_LISBON),
        (IN_LISBON + timedelta(hours=1) - SECOND, IN_LAGOS),
        (IN_LISBON, IN_LAGOS),
    ],
)
async def test_the_new_time_counts_where_it_leaves_an_hour_to_answer(
    opened: Database, services: Services, closes_at: datetime, asked_at: datetime
) -> None:
    people, roster = schema.people, schema.round_people
    async with services.db.transaction() as tx:
        await tx.execute(update(schema.rounds).values(closes_at=closes_at))
        moved = update(people).where(people.c.user_id == BEN).values(zone="Europe/Lisbon")
        await tx.execute(moved)
        now = services.clock.now()
        await schedule.add(tx, WORKSPACE, action="reschedule_for_zone", subject=BEN, due_at=now)

    await carry_out(services, "reschedule_for_zone")

    asks = await agenda_of(opened, "ask")
    assert asks[f"{(await the_round(opened)).round_id}:{BEN}"] == asked_at
    async with opened.reading() as reader:
        slot_at = await reader.scalar(select(roster.c.slot_at).where(roster.c.user_id == BEN))
    assert slot_at == asked_at
