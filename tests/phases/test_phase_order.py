"""The order in which phases, sprints and people are read, which is not that of their ids."""

from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import select, update

from bot.db import schema
from bot.phases import history, store
from bot.phases.budget import Span
from bot.phases.rules import PhaseLimits
from bot.services import Services
from tests.harness import ANA, BEN, CHIARA, DEV, GENERAL, LAUNCH, PLATFORM, WORKSPACE
from tests.rounds.round_rows import NOW, a_person, a_phase
from tests.start.proposals import SPRINT


async def add_phases(services: Services, *phases: dict[str, Any]) -> None:
    async with services.db.transaction() as tx:
        for phase in phases:
            await a_phase(tx, **phase)


def lasting(first: date, last: date, **more: Any) -> dict[str, Any]:
    """A phase that ended on its date, unless `more` says otherwise."""
    started_at = datetime.combine(first, time(9), NOW.tzinfo)
    ended = {"state": "ended", "ended_at": datetime.combine(last, time(17), NOW.tzinfo)}
    return {"starts_on": first, "ends_on": last, "started_at": started_at, **ended, **more}


def running(first: date, **more: Any) -> dict[str, Any]:
    return lasting(first, date(2026, 12, 18), state="active", ended_at=None, **more)


async def test_sprints_are_read_by_their_start_and_phases_by_theirs(services: Services) -> None:
    await add_phases(
        services,
        lasting(date(2026, 10, 5), date(2026, 10, 9), phase_id="p0"),
        lasting(date(2026, 10, 1), date(2026, 10, 30), phase_id="p1"),
        running(date(2026, 11, 1), phase_id="p2", channel_id=PLATFORM),
        running(date(2026, 11, 9), phase_id="p3", channel_id=GENERAL),
        running(date(2026, 11, 5), phase_id="p4"),
    )

    async with services.db.reading() as reader:
        sprints = await store.past_sprints(reader, WORKSPACE, LAUNCH, date(2026, 9, 1))
        own = await store.phases_of(reader, WORKSPACE, BEN)
        ids = await store.active_ids(reader, WORKSPACE)
        latest = await store.latest_in(reader, WORKSPACE, LAUNCH)

    assert [sprint.starts_on.day for sprint in sprints] == [1, 5, 5]
    assert [phase.phase_id for phase in own] == ["p3", "p4", "p2"]
    assert ids == ("p2", "p4", "p3")
    assert latest is not None
    assert latest.phase_id == "p4"


async def test_the_zone_of_a_channel_is_that_of_its_latest_phase(services: Services) -> None:
    day, zone = date(2026, 10, 1), "Asia/Tokyo"
    await add_phases(
        services,
        running(day + timedelta(days=20), phase_id="a", zone=zone),
        lasting(day, day, phase_id="b"),
        lasting(day + timedelta(days=9), day + timedelta(days=9), phase_id="c"),
        lasting(day, day, phase_id="d", channel_id=PLATFORM),
    )

    async with services.db.reading() as reader:
        zones = await store.zones_in(reader, WORKSPACE, [LAUNCH, PLATFORM, GENERAL])

    assert zones == {LAUNCH: zone, PLATFORM: "Europe/Lisbon"}


async def test_a_change_of_a_channel_affects_what_runs_or_is_still_paused_oldest_first(
    services: Services,
) -> None:
    day = date(2026, 10, 1)
    paused = {"paused_at": NOW, "pause_reason": "archived"}
    await add_phases(
        services,
        running(day + timedelta(days=9), phase_id="a"),
        lasting(day, day, phase_id="b", **paused),
        lasting(day, day, phase_id="c"),
        lasting(day, day, phase_id="d", channel_id=PLATFORM, **paused),
    )

    async with services.db.reading() as reader:
        affected = await store.active_or_paused_in(reader, WORKSPACE, LAUNCH)

    assert [phase.phase_id for phase in affected] == ["b", "a"]


async def test_the_last_sprint_is_the_one_that_ended_last_and_of_two_on_a_day_the_longer(
    services: Services,
) -> None:
    longer = Span(starts_on=date(2026, 10, 12), ends_on=date(2026, 10, 30))
    await add_phases(
        services,
        lasting(date(2026, 10, 30), date(2026, 10, 30), phase_id="a"),
        lasting(longer.starts_on, longer.ends_on, phase_id="b"),
        lasting(date(2026, 10, 13), date(2026, 10, 16), phase_id="c"),
    )

    async with services.db.reading() as reader:
        past = await history.sprint_history(reader, WORKSPACE, SPRINT, PhaseLimits(), None)

    assert past.last_sprint == longer
    assert past.recovery_until == date(2026, 11, 18)


async def test_leads_come_before_members_and_each_by_name(services: Services) -> None:
    async with services.db.transaction() as tx:
        await a_phase(tx, leads=(BEN, ANA), members=(DEV, CHIARA, "U0EMI"))
        for user_id, name in ((ANA, "Zoe"), (BEN, "Yan"), (CHIARA, "Bo"), (DEV, "Al")):
            await a_person(tx, user_id, name=name)
        people = schema.phase_people
        await tx.execute(update(people).where(people.c.user_id == DEV).values(left_at=NOW))
        assert len((await tx.execute(select(people))).all()) == 5

    async with services.db.reading() as reader:
        phase = await store.load(reader, WORKSPACE, "phase1")

    assert phase is not None
    names = [(person.name, person.is_lead) for person in phase.people]
    assert names == [("Yan", True), ("Zoe", True), ("Al", False), ("Bo", False), ("U0EMI", False)]
