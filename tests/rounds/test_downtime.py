"""Rounds after downtime: overdue work is done within messaging hours, or dropped."""

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
    """An open round that closes in two days; the questions are due, and none was sent yet."""
    async with db.transaction() as tx:
        for user_id in (ANA, *MEMBERS):
            await a_person(tx, user_id)
        await a_phase(tx)
        await a_round(tx, questions=store.as_json(questions.about_leads(["Ana"])))
        await ballots.create_secret(tx, services.keys, WORKSPACE, ROUND, CLOSES)
        await schedule.add(tx, WORKSPACE, action="close_round", subject=ROUND, due_at=CLOSES)
        for user_id in (ANA, *MEMBERS):
            subject = f"{ROUND}:{user_id}"
            await schedule.add(tx, WORKSPACE, action="ask", subject=subject, due_at=NOW)
    return db


@pytest.mark.parametrize("hours", [0.1, 5, 17, 38])
async def test_late_round_asks_everyone_within_messaging_hours(
    phase: Database, services: Services, clock: AdjustableClock, hours: float
) -> None:
    await open_weekly(services, clock, timedelta(hours=hours))

    asks = await agenda_of(phase, "ask")
    assert {subject.split(":")[1] for subject in asks} == {ANA, *MEMBERS}
    for subject, due_at in asks.items():
        local = due_at.astimezone(ZoneInfo(ZONES[subject.split(":")[1]]))
        assert due_at >= clock.now()
        assert local.weekday() < 5
        assert 8 <= local.hour < 20 or (local.hour, local.minute) == (20, 0)


@pytest.mark.parametrize("late", [timedelta(hours=48), timedelta(days=10), timedelta(weeks=6)])
async def test_round_two_or_more_days_late_is_not_opened(
    phase: Database, services: Services, clock: AdjustableClock, late: timedelta
) -> None:
    await open_weekly(services, clock, late)

    assert await the_round(phase) is None
    assert await agenda_of(phase, "ask") == {}
    assert WEEKLY not in await agenda_of(phase, "open_round")


async def test_late_round_leaves_out_people_it_would_reach_two_days_late(
    db: Database, services: Services, clock: AdjustableClock
) -> None:
    """Thursday's questions open on Friday: it is Saturday in Auckland, and Monday is too late."""
    async with db.transaction() as tx:
        for user_id in ZONES:
            is_far_away = user_id in (BEN, CHIARA, DEV)
            await a_person(tx, user_id, zone="Pacific/Auckland" if is_far_away else "Europe/Lisbon")
        await a_phase(tx, weekday=3)
        await plan_rounds(tx, WORKSPACE, await the_phase(tx), NOW)
    subject = f"{PHASE}:weekly:2026-12-03"
    assert subject in await agenda_of(db, "open_round")
    clock.move_to(datetime(2026, 12, 4, 16, tzinfo=UTC))

    await carry_out(services, "open_round", subject)

    asks = await agenda_of(db, "ask")
    assert {key.split(":")[1] for key in asks} == {ANA, *MEMBERS} - {BEN, CHIARA, DEV}
    assert (await the_round(db)).asked == 7  # all have a place


async def test_late_round_with_too_few_people_left_is_skipped(
    db: Database, services: Services, clock: AdjustableClock
) -> None:
    async with db.transaction() as tx:
        for user_id in ZONES:
            is_far_away = user_id in (BEN, CHIARA, DEV)
            await a_person(tx, user_id, zone="Pacific/Auckland" if is_far_away else "Europe/Lisbon")
        await a_phase(tx, weekday=3, members=MEMBERS[:6])
        await plan_rounds(tx, WORKSPACE, await the_phase(tx), NOW)
    clock.move_to(datetime(2026, 12, 4, 16, tzinfo=UTC))

    await carry_out(services, "open_round", f"{PHASE}:weekly:2026-12-03")

    assert await the_round(db) is None
    assert await agenda_of(db, "post_talking_points") == {}


async def test_round_in_which_nobody_was_asked_is_cancelled(
    opened: Database, services: Services, clock: AdjustableClock
) -> None:
    """The bot was down for the whole round: there are neither questions nor results."""
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
async def test_order_of_overdue_actions_does_not_matter(
    opened: Database, services: Services, clock: AdjustableClock, first: str
) -> None:
    clock.move_to(CLOSES + timedelta(minutes=1))
    for action in (first, "ask", "remind", "close_round"):
        await carry_out(services, action)

    assert await said(opened) == {}
    assert await agenda_of(opened, "ask") == {}


async def test_nobody_is_asked_less_than_an_hour_before_the_close(
    opened: Database, services: Services, clock: AdjustableClock
) -> None:
    clock.move_to(CLOSES - timedelta(minutes=59))
    await carry_out(services, "ask")

    assert await said(opened) == {}
    assert await agenda_of(opened, "ask") == {}


async def test_questions_overdue_at_three_am_wait_until_eight(
    opened: Database, services: Services, clock: AdjustableClock
) -> None:
    clock.move_to(datetime(2026, 11, 24, 2, tzinfo=UTC))  # 03:00 in Lagos
    await carry_out(services, "ask", f"{ROUND}:{BEN}")

    assert (await agenda_of(opened, "ask"))[f"{ROUND}:{BEN}"] == datetime(
        2026, 11, 24, 7, tzinfo=UTC
    )
    assert await said(opened) == {}


async def test_late_talking_points_wait_for_messaging_hours_or_are_dropped(
    db: Database, services: Services, clock: AdjustableClock
) -> None:
    async with db.transaction() as tx:
        await a_phase(tx)
        for day, due_at in (("2026-11-24", TUESDAY), ("2026-11-17", TUESDAY - timedelta(days=7))):
            await schedule.add(
                tx, WORKSPACE, action="post_talking_points", subject=f"{PHASE}:{day}", due_at=due_at
            )
    clock.move_to(TUESDAY + timedelta(hours=17))  # 03:00
    await carry_out(services, "post_talking_points")

    async with db.reading() as reader:
        (row,) = (await reader.execute(select(schema.messages))).all()
    assert row.key == f"talking_points:{PHASE}:2026-11-24"
    assert row.not_before == datetime(2026, 12, 2, 8, tzinfo=UTC)


async def test_round_opens_on_retry_after_a_failed_members_lookup(
    phase: Database, services: Services, clock: AdjustableClock, fake_slack: FakeSlack
) -> None:
    fake_slack.faults.fail_next("conversations.members", error="fetch_members_failed")
    with pytest.raises(SlackApiError):
        await open_weekly(services, clock, timedelta(hours=1))
    await open_weekly(services, clock, timedelta(hours=2))

    assert await the_round(phase) is not None


async def test_changed_workspace_defaults_do_not_affect_a_running_phase(
    phase: Database, services: Services, clock: AdjustableClock
) -> None:
    async with phase.transaction() as tx:
        await a_workspace(tx, WorkspaceSettings(default_weekday=4, default_time=time(15)))
        before = await agenda_of(phase, "open_round")
        await plan_rounds(tx, WORKSPACE, await the_phase(tx), NOW)

    assert await agenda_of(phase, "open_round") == before


async def test_replanning_for_a_new_end_date_opens_no_round_twice(
    phase: Database, services: Services, clock: AdjustableClock
) -> None:
    """Tuesday's round opens on Monday evening, for people far in the east."""
    clock.move_to((await agenda_of(phase, "open_round"))[WEEKLY])
    await carry_out(services, "open_round", WEEKLY)
    opened = await the_round(phase)
    async with phase.transaction() as tx:
        await tx.execute(update(schema.phases).values(ends_on=date(2026, 12, 30)))
        await plan_rounds(tx, WORKSPACE, await the_phase(tx), clock.now())
    assert WEEKLY in await agenda_of(phase, "open_round")

    await carry_out(services, "open_round")

    assert await the_round(phase) == opened
