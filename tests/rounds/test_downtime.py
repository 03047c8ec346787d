"""The bot was away: what still makes sense is made up for, in hours when messages are welcome."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from slack_sdk.errors import SlackApiError
from sqlalchemy import select, update

from bot.agenda import schedule
from bot.clock import AdjustableClock
from bot.db import schema
from bot.db.engine import Database
from bot.playground.server import FakeSlack
from bot.rounds import ballots, questions, store
from bot.rounds.lifecycle import plan_rounds
from bot.services import Services
from bot.workspaces.rules import WorkspaceSettings
from tests.harness import ANA, BEN, CHIARA, DEV, LAUNCH, MEMBERS, WORKSPACE
from tests.rounds.evidence import agenda_of, carry_out, said, the_round
from tests.rounds.round_rows import (
    NOW,
    PHASE,
    ROUND,
    ZONES,
    a_person,
    a_phase,
    a_round,
    a_workspace,
    the_phase,
)

WEEKLY = f"{PHASE}:weekly:2026-12-01"
TUESDAY = datetime(2026, 12, 1, 10, tzinfo=UTC)  # in Lisbon, where the lead lives
CLOSES = NOW + timedelta(days=2)


async def open_weekly(services: Services, clock: AdjustableClock, late: timedelta) -> None:
    clock.move_to(TUESDAY + late)
    await carry_out(services, "open_round", WEEKLY)


@pytest.fixture
async def opened(db: Database, services: Services) -> Database:
    """An open round of which nobody was told yet; it closes in two days."""
    async with db.transaction() as tx:
        for user_id in (ANA, *MEMBERS):
            await a_person(tx, user_id)
        await a_phase(tx)
        await a_round(tx, questions=store.as_json(questions.for_member(["Ana"])))
        await ballots.create_secret(tx, services.keys, WORKSPACE, ROUND)
        await schedule.add(tx, WORKSPACE, action="close_round", subject=ROUND, due_at=CLOSES)
        for user_id in (ANA, *MEMBERS):
            subject = f"{ROUND}:{user_id}"
            await schedule.add(tx, WORKSPACE, action="ask", subject=subject, due_at=NOW)
    return db


@pytest.mark.parametrize("hours", [0.1, 5, 17, 38])
async def test_a_round_some_hours_late_asks_everyone_at_a_welcome_hour(
    phase: Database, services: Services, clock: AdjustableClock, hours: float
) -> None:
    await open_weekly(services, clock, timedelta(hours=hours))

    asks = await agenda_of(phase, "ask")
    assert {subject.split(":")[1] for subject in asks} == {ANA, *MEMBERS}
    for subject, due_at in asks.items():
        there = due_at.astimezone(ZoneInfo(ZONES[subject.split(":")[1]]))
        assert due_at >= clock.now()
        assert there.weekday() < 5
        assert 8 <= there.hour < 20 or (there.hour, there.minute) == (20, 0)


@pytest.mark.parametrize("late", [timedelta(hours=48), timedelta(days=10), timedelta(weeks=6)])
async def test_a_round_whose_time_has_passed_is_not_opened(
    phase: Database, services: Services, clock: AdjustableClock, late: timedelta
) -> None:
    await open_weekly(services, clock, late)

    assert await the_round(phase) is None
    assert await agenda_of(phase, "ask") == {}
    assert WEEKLY not in await agenda_of(phase, "open_round")


async def test_for_whom_it_would_be_two_days_late_the_round_goes_without(
    db: Database, services: Services, clock: AdjustableClock
) -> None:
    """Thursday's questions on Friday evening: in Auckland it is Saturday, Monday is too late."""
    async with db.transaction() as tx:
        for user_id in ZONES:
            away = user_id in (BEN, CHIARA, DEV)
            await a_person(tx, user_id, zone="Pacific/Auckland" if away else "Europe/Lisbon")
        await a_phase(tx, weekday=3)
        await plan_rounds(tx, WORKSPACE, await the_phase(tx), NOW)
    subject = f"{PHASE}:weekly:2026-12-03"
    assert subject in await agenda_of(db, "open_round")
    clock.move_to(datetime(2026, 12, 4, 16, tzinfo=UTC))

    await carry_out(services, "open_round", subject)

    asks = await agenda_of(db, "ask")
    assert {one.split(":")[1] for one in asks} == {ANA, *MEMBERS} - {BEN, CHIARA, DEV}
    assert (await the_round(db)).asked == 4


async def test_where_too_few_are_left_the_round_is_left_out(
    db: Database, services: Services, clock: AdjustableClock
) -> None:
    async with db.transaction() as tx:
        for user_id in ZONES:
            away = user_id in (BEN, CHIARA, DEV)
            await a_person(tx, user_id, zone="Pacific/Auckland" if away else "Europe/Lisbon")
        await a_phase(tx, weekday=3, members=MEMBERS[:6])
        await plan_rounds(tx, WORKSPACE, await the_phase(tx), NOW)
    clock.move_to(datetime(2026, 12, 4, 16, tzinfo=UTC))

    await carry_out(services, "open_round", f"{PHASE}:weekly:2026-12-03")

    assert await the_round(db) is None
    assert await agenda_of(db, "talk") == {}


async def test_a_round_that_nobody_was_asked_in_is_taken_back(
    opened: Database, services: Services, clock: AdjustableClock
) -> None:
    """All of its time was downtime: no questions for a closed round, no results of nobody."""
    clock.move_to(CLOSES + timedelta(days=8))
    await carry_out(services, "ask")
    await carry_out(services, "close_round")

    assert (await the_round(opened)).state == "cancelled"
    assert await said(opened) == {}
    assert await agenda_of(opened, "show_results") == {}
    assert list(await agenda_of(opened, "scrub")) == [ROUND]
    async with opened.reading() as reader:
        assert await store.last_opening(reader, WORKSPACE, LAUNCH) is None


@pytest.mark.parametrize("first", ["ask", "close_round"])
async def test_in_which_order_late_things_are_done_makes_no_difference(
    opened: Database, services: Services, clock: AdjustableClock, first: str
) -> None:
    clock.move_to(CLOSES + timedelta(minutes=1))
    for action in (first, "ask", "remind", "close_round"):
        await carry_out(services, action)

    assert await said(opened) == {}
    assert await agenda_of(opened, "ask") == {}


async def test_nobody_is_asked_what_they_could_not_answer_in_peace(
    opened: Database, services: Services, clock: AdjustableClock
) -> None:
    clock.move_to(CLOSES - timedelta(minutes=59))
    await carry_out(services, "ask")

    assert await said(opened) == {}
    assert await agenda_of(opened, "ask") == {}


async def test_woken_at_three_the_questions_wait_for_eight(
    opened: Database, services: Services, clock: AdjustableClock
) -> None:
    clock.move_to(datetime(2026, 11, 24, 2, tzinfo=UTC))  # 03:00 in Lagos
    await carry_out(services, "ask", f"{ROUND}:{BEN}")

    assert (await agenda_of(opened, "ask"))[f"{ROUND}:{BEN}"] == datetime(
        2026, 11, 24, 7, tzinfo=UTC
    )
    assert await said(opened) == {}


async def test_talking_points_come_to_the_channel_at_a_good_hour_or_not_at_all(
    db: Database, services: Services, clock: AdjustableClock
) -> None:
    async with db.transaction() as tx:
        await a_phase(tx)
        for day, due_at in (("2026-11-24", TUESDAY), ("2026-11-17", TUESDAY - timedelta(days=7))):
            await schedule.add(
                tx, WORKSPACE, action="talk", subject=f"{PHASE}:{day}", due_at=due_at
            )
    clock.move_to(TUESDAY + timedelta(hours=17))  # 03:00
    await carry_out(services, "talk")

    async with db.reading() as reader:
        (row,) = (await reader.execute(select(schema.messages))).all()
    assert row.key == f"talking_points:{PHASE}:2026-11-24"
    assert row.not_before == datetime(2026, 12, 2, 8, tzinfo=UTC)


async def test_a_round_opens_late_where_slack_could_not_say_who_is_there(
    phase: Database, services: Services, clock: AdjustableClock, fake_slack: FakeSlack
) -> None:
    fake_slack.faults.fail_next("conversations.members", error="fetch_members_failed")
    with pytest.raises(SlackApiError):
        await open_weekly(services, clock, timedelta(hours=1))
    await open_weekly(services, clock, timedelta(hours=2))

    assert await the_round(phase) is not None


async def test_another_weekday_in_the_settings_changes_no_running_phase(
    phase: Database, services: Services, clock: AdjustableClock
) -> None:
    async with phase.transaction() as tx:
        await a_workspace(tx, WorkspaceSettings(default_weekday=4, default_time=time(15)))
        before = await agenda_of(phase, "open_round")
        await plan_rounds(tx, WORKSPACE, await the_phase(tx), NOW)

    assert await agenda_of(phase, "open_round") == before


async def test_a_new_end_opens_no_round_twice(
    phase: Database, services: Services, clock: AdjustableClock
) -> None:
    """On Monday evening Tuesday's questions are open already, for those far in the east."""
    clock.move_to((await agenda_of(phase, "open_round"))[WEEKLY])
    await carry_out(services, "open_round", WEEKLY)
    opened = await the_round(phase)
    async with phase.transaction() as tx:
        await tx.execute(update(schema.phases).values(ends_on=date(2026, 12, 30)))
        await plan_rounds(tx, WORKSPACE, await the_phase(tx), clock.now())
    assert WEEKLY in await agenda_of(phase, "open_round")

    await carry_out(services, "open_round")

    assert await the_round(phase) == opened
