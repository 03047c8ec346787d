"""Rounds nobody answered, people who were not asked, and a small team's questions day by day."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.agenda import schedule
from bot.clock import AdjustableClock
from bot.db.engine import Database
from bot.rounds import answering, ballots
from bot.rounds.lifecycle import plan_rounds
from bot.rounds.poll import poll
from bot.services import Services
from bot.slack.errors import Refused
from bot.slack.request import Request
from tests.harness import ANA, BEN, CHIARA, DEV, LAUNCH, OWNER, WORKSPACE, other_keys
from tests.rounds.evidence import agenda_of, carry_out, said, the_round
from tests.rounds.round_rows import NOW, PHASE, ROUND, ZONES, a_person, a_phase, a_round, the_phase

CLOSES_AT = NOW + timedelta(days=2)
HERE = Request(workspace_id=WORKSPACE, channel_id=LAUNCH, user_id=ANA)


@pytest.fixture
async def open_round(db: Database, services: Services) -> Database:
    async with db.transaction() as tx:
        for user_id in ZONES:
            await a_person(tx, user_id)
        await a_phase(tx)
        await a_round(tx)
        await ballots.create_secret(tx, services.keys, WORKSPACE, ROUND, NOW + timedelta(days=2))
        await schedule.add(tx, WORKSPACE, action="close_round", subject=ROUND, due_at=CLOSES_AT)
    return db


async def test_a_lost_key_delays_no_round_that_nobody_answered(
    open_round: Database, services: Services, clock: AdjustableClock
) -> None:
    clock.move_to(CLOSES_AT)

    await carry_out(replace(services, keys=other_keys()), "close_round")

    assert (await the_round(open_round)).state == "cancelled"


@pytest.mark.parametrize("user_id", [OWNER, "U0NOBODY"])
async def test_nothing_is_shown_to_a_person_who_was_not_asked(
    open_round: Database, services: Services, user_id: str
) -> None:
    request = Request(workspace_id=WORKSPACE, user_id=user_id, target_id=ROUND)

    await answering.redraw(services, request)

    assert await said(open_round) == {}


async def test_a_small_team_is_polled_again_the_next_day(
    db: Database, services: Services, clock: AdjustableClock
) -> None:
    async with db.transaction() as tx:
        for user_id in ZONES:
            await a_person(tx, user_id)
        await a_phase(tx, members=(BEN, CHIARA, DEV))
        await plan_rounds(tx, WORKSPACE, await the_phase(tx), NOW)
    clock.move_to(datetime(2026, 11, 26, 12, tzinfo=UTC))
    for _ in range(2):
        assert "too small for anonymous answers" in await poll(services, HERE)
        await carry_out(services, "post_talking_points")
        with pytest.raises(Refused, match="already in the channel"):
            await poll(services, HERE)
        clock.advance(timedelta(days=1))

    talked = [key for key in await said(db) if key.startswith("talking_points:")]
    assert sorted(talked) == [f"talking_points:{PHASE}:2026-11-2{day}" for day in (6, 7)]
    assert await agenda_of(db, "post_talking_points") == {}


#: Half past eight on Thursday in Tokyo, half past three on Wednesday in Los Angeles.
FIRST_POLL = datetime(2026, 11, 25, 23, 30, tzinfo=UTC)


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/Los_Angeles", "Europe/Lisbon"])
async def test_a_small_team_is_polled_once_on_each_day_where_its_lead_lives(
    db: Database, services: Services, clock: AdjustableClock, zone: str
) -> None:
    async with db.transaction() as tx:
        for user_id in ZONES:
            await a_person(tx, user_id)
        await a_phase(tx, members=(BEN, CHIARA, DEV), zone=zone)
    polled: list[datetime] = []
    clock.move_to(FIRST_POLL)
    for _ in range(48):
        try:
            await poll(services, HERE)
        except Refused:
            pass
        else:
            polled.append(clock.now().astimezone(ZoneInfo(zone)))
            await send_talking_points(db, services)
        clock.advance(timedelta(hours=1))

    days = [instant.date() for instant in polled]
    assert len(set(days)) == len(days) == 3
    assert all(instant.hour == 0 for instant in polled[1:])


async def send_talking_points(db: Database, services: Services) -> None:
    """Post what was scheduled, as if its hour had come."""
    for subject, due_at in (await agenda_of(db, "post_talking_points")).items():
        later = replace(services, clock=AdjustableClock(due_at))
        assert await carry_out(later, "post_talking_points", subject) == [subject]


async def test_a_poll_does_not_take_the_place_of_the_next_days_questions(
    db: Database, services: Services, clock: AdjustableClock
) -> None:
    """Eight on Tuesday in Tokyo is still Monday in UTC, the day of a poll before."""
    async with db.transaction() as tx:
        for user_id in ZONES:
            await a_person(tx, user_id)
        await a_phase(
            tx, members=(BEN, CHIARA, DEV), zone="Asia/Tokyo", weekday=1, time_of_day=time(8)
        )
        await plan_rounds(tx, WORKSPACE, await the_phase(tx), NOW)
    clock.move_to(datetime(2026, 11, 30, 1, tzinfo=UTC))
    await poll(services, HERE)
    await send_talking_points(db, services)
    weekly = f"{PHASE}:weekly:2026-12-01"
    clock.move_to((await agenda_of(db, "open_round"))[weekly])
    await carry_out(services, "open_round", weekly)
    await send_talking_points(db, services)

    talked = sorted(key for key in await said(db) if key.startswith("talking_points:"))
    assert talked == [f"talking_points:{PHASE}:2026-11-30", f"talking_points:{PHASE}:2026-12-01"]
