"""Profile changes reported by Slack: which ones are read, and effects of a new time zone."""

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from bot.agenda import schedule
from bot.agenda.actions import ActionName
from bot.agenda.schedule import AgendaItem
from bot.clock import AdjustableClock
from bot.db import schema
from bot.playground.server import FakeSlack
from bot.services import Services
from bot.slack.people import Person, store_person, stored_people
from bot.workspaces import handlers, profile_refresh
from bot.workspaces.profile_refresh import read_person
from tests.harness import BEN, CHIARA, WORKSPACE
from tests.rounds.evidence import agenda_of
from tests.rounds.round_rows import NOW, a_person

BEN_PROFILE = {
    "id": BEN,
    "name": "ben",
    "tz": "Africa/Lagos",
    "team_id": WORKSPACE,
    "profile": {"display_name": "Ben"},
}


@pytest.mark.parametrize(
    ("changed", "is_read"),
    [
        ({}, False),
        ({"color": "9f69e7"}, False),
        ({"tz": "Asia/Tokyo"}, True),
        ({"deleted": True}, True),
        ({"is_restricted": True}, True),
        ({"is_admin": True}, True),
        ({"team_id": "T0PARTNER"}, True),
        ({"profile": {"display_name": "Benedict"}}, True),
        ({"id": CHIARA}, False),  # not a stored person
    ],
)
async def test_user_change_schedules_a_read_only_if_stored_fields_differ(
    services: Services, changed: dict[str, Any], is_read: bool
) -> None:
    async with services.db.transaction() as tx:
        await store_person(tx, WORKSPACE, BEN_PROFILE, NOW)
    event = {"type": "user_change", "user": {**BEN_PROFILE, **changed}}
    context: Any = SimpleNamespace(team_id=WORKSPACE)
    for _ in range(2):
        await handlers.person_changed(services, {"event_id": "Ev1", "event": event}, context)

    assert bool(await agenda_of(services.db, ActionName.READ_PERSON)) is is_read


async def test_any_user_change_counts_while_a_profile_read_is_scheduled(services: Services) -> None:
    async with services.db.transaction() as tx:
        await store_person(tx, WORKSPACE, BEN_PROFILE, NOW)
        await profile_refresh.schedule_read(tx, WORKSPACE, BEN, NOW)
        assert await profile_refresh.is_changed(tx, WORKSPACE, BEN_PROFILE)
        await schedule.remove(tx, WORKSPACE, action=ActionName.READ_PERSON, subject=BEN)
        await profile_refresh.schedule_read(tx, WORKSPACE, CHIARA, NOW)
        assert not await profile_refresh.is_changed(tx, WORKSPACE, BEN_PROFILE)


@pytest.mark.parametrize(
    ("before", "now", "is_followed"),
    [
        ("Africa/Lagos", "Africa/Lagos", False),
        ("Africa/Lagos", "Asia/Tokyo", True),
        (None, "Asia/Tokyo", True),
        ("Africa/Lagos", None, False),  # new zone unknown: the schedule stays
    ],
)
async def test_new_time_zone_schedules_a_zone_follow_up(
    services: Services,
    fake_slack: FakeSlack,
    before: str | None,
    now: str | None,
    is_followed: bool,
) -> None:
    async with services.db.transaction() as tx:
        await a_person(tx, BEN, zone=before, refreshed_at=NOW - timedelta(days=40))
    user = fake_slack.workspace.users[BEN]
    fake_slack.workspace.users[BEN] = replace(user, tz=now)

    await read_ben(services)

    assert await agenda_of(services.db, ActionName.RESCHEDULE_FOR_ZONE) == (
        {BEN: services.clock.now()} if is_followed else {}
    )
    assert await agenda_of(services.db, ActionName.READ_PERSON) == {}
    assert (await stored_ben(services)).zone == now


async def test_unknown_person_is_stored_without_a_zone_follow_up(services: Services) -> None:
    await read_ben(services)

    assert (await stored_ben(services)).name == "Ben"
    assert await agenda_of(services.db, ActionName.RESCHEDULE_FOR_ZONE) == {}


async def test_person_invisible_in_slack_is_kept_and_marked_as_refreshed(
    services: Services, fake_slack: FakeSlack, clock: AdjustableClock
) -> None:
    async with services.db.transaction() as tx:
        await a_person(tx, BEN, zone="Asia/Tokyo", refreshed_at=NOW - timedelta(days=40))
        await a_person(tx, CHIARA, refreshed_at=NOW - timedelta(days=40))
    fake_slack.faults.fail_next("users.info", error="user_not_visible")

    await read_ben(services)

    people = schema.people
    async with services.db.reading() as reader:
        rows = await reader.execute(select(people.c.user_id, people.c.refreshed_at))
        assert {row.user_id: row.refreshed_at for row in rows} == {
            BEN: clock.now(),
            CHIARA: NOW - timedelta(days=40),
        }
    assert await agenda_of(services.db, ActionName.RESCHEDULE_FOR_ZONE) == {}


async def read_ben(services: Services) -> None:
    now = services.clock.now()
    async with services.db.transaction() as tx:
        await profile_refresh.schedule_read(tx, WORKSPACE, BEN, now)
    item = AgendaItem(
        workspace_id=WORKSPACE, action=ActionName.READ_PERSON, subject=BEN, due_at=now
    )
    await read_person(services, item)


async def stored_ben(services: Services) -> Person:
    async with services.db.reading() as reader:
        return (await stored_people(reader, WORKSPACE, [BEN]))[BEN]
