"""Settings, their audit rows, and an installation's way."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from bot.agenda.agenda import Item, Taken
from bot.clock import MovedClock
from bot.db import schema
from bot.db.engine import Database
from bot.slack.errors import Refused
from bot.slack.events import is_new
from bot.workspaces import lifecycle, store
from bot.workspaces.rules import WorkspaceSettings
from bot.workspaces.services import Services
from tests.lifecycle.rounds.builders import NOW, a_person
from tests.lifecycle.rounds.evidence import agenda_of
from tests.vocabulary import BEN, GUEST, OWNER, WORKSPACE

US = {"team_id": WORKSPACE, "team": "Northwind", "user_id": "U0IMBAL", "app_id": "A0IMBAL"}
THEIRS = WorkspaceSettings(sprint_max_weeks=5, starters=(BEN,))


@pytest.fixture
async def installed(db: Database) -> Database:
    await lifecycle.install(db, US, NOW)
    async with db.transaction() as tx:
        await a_person(tx, OWNER, is_admin=True)
        await a_person(tx, BEN)
        await a_person(tx, GUEST, is_admin=True, is_guest=True)
    return db


async def settings_of(db: Database) -> WorkspaceSettings:
    async with db.reading() as reader:
        return await store.settings_of(reader, WORKSPACE)


async def change(
    services: Services, settings: WorkspaceSettings, user_id: str = OWNER
) -> tuple[str, ...]:
    return await lifecycle.change_settings(
        services, workspace_id=WORKSPACE, user_id=user_id, change=lambda _: settings
    )


async def state(db: Database) -> str | None:
    async with db.reading() as reader:
        found: str | None = await reader.scalar(select(schema.workspaces.c.state))
        return found


async def test_without_settings_ours_hold(installed: Database) -> None:
    assert await settings_of(installed) == WorkspaceSettings()
    async with installed.reading() as reader:
        assert await store.settings_of(reader, "T0OTHER") == WorkspaceSettings()


async def test_each_change_has_its_audit_row(
    installed: Database, services: Services, clock: MovedClock
) -> None:
    assert await change(services, THEIRS) == ("sprint_max_weeks", "starters")
    clock.advance(timedelta(hours=1))
    back = replace(THEIRS, sprint_max_weeks=6, questions={"ego": {"label": "Room to err?"}})
    assert await change(services, back) == ("questions", "sprint_max_weeks")

    assert await settings_of(installed) == back
    async with installed.reading() as reader:
        changes = await store.audit_of(reader, WORKSPACE)
    rows = [(one.subject, one.before, one.after, one.actor_id) for one in changes]
    assert sorted(rows[:2]) == [
        ("questions", None, {"ego": {"label": "Room to err?"}}, OWNER),
        ("sprint_max_weeks", 5, None, OWNER),
    ]
    assert sorted(rows[2:]) == [
        ("sprint_max_weeks", None, 5, OWNER),
        ("starters", None, [BEN], OWNER),
    ]


async def test_saving_the_same_leaves_no_audit_row(installed: Database, services: Services) -> None:
    assert await change(services, WorkspaceSettings()) == ()

    async with installed.reading() as reader:
        assert await store.audit_of(reader, WORKSPACE) == []


@pytest.mark.parametrize("user_id", [BEN, GUEST])
async def test_only_admins_who_are_full_members_change_them(
    installed: Database, services: Services, user_id: str
) -> None:
    with pytest.raises(Refused, match="only workspace admins"):
        await change(services, THEIRS, user_id)

    assert await settings_of(installed) == WorkspaceSettings()


async def test_what_is_out_of_bounds_is_said_at_its_field(
    installed: Database, services: Services
) -> None:
    with pytest.raises(Refused) as refused:
        await change(services, replace(THEIRS, minimum_small=3))

    assert list(refused.value.fields) == ["minimum_small"]
    assert await settings_of(installed) == WorkspaceSettings()


async def test_settings_survive_a_new_start(installed: Database, services: Services) -> None:
    await change(services, THEIRS)
    await lifecycle.install(installed, US, NOW + timedelta(days=1))

    assert await settings_of(installed) == THEIRS


async def test_a_removal_older_than_the_installation_changes_nothing(installed: Database) -> None:
    async with installed.transaction() as tx:
        early, late = NOW - timedelta(seconds=1), NOW + timedelta(seconds=1)
        assert not await store.mark_uninstalled(tx, WORKSPACE, early)
    assert await state(installed) == "installed"

    async with installed.transaction() as tx:
        assert await store.mark_uninstalled(tx, WORKSPACE, late)
    assert await state(installed) == "uninstalled"


async def test_old_events_are_forgotten_once_a_day(
    installed: Database, services: Services, clock: MovedClock
) -> None:
    async with installed.transaction() as tx:
        assert await is_new(tx, WORKSPACE, {"event_id": "Ev1"}, NOW - timedelta(days=2))
        assert await is_new(tx, WORKSPACE, {"event_id": "Ev2"}, NOW)
    due_at = (await agenda_of(installed, lifecycle.TIDY))[WORKSPACE]
    clock.move_to(due_at)
    item = Item(workspace_id=WORKSPACE, action=lifecycle.TIDY, subject=WORKSPACE, due_at=due_at)

    await lifecycle.tidy(services, item)

    async with installed.transaction() as tx:
        assert not await is_new(tx, WORKSPACE, {"event_id": "Ev2"}, NOW)
        assert await is_new(tx, WORKSPACE, {"event_id": "Ev1"}, NOW)
    assert (await agenda_of(installed, lifecycle.TIDY))[WORKSPACE] == due_at + lifecycle.EVERY
    with pytest.raises(Taken):
        await lifecycle.tidy(services, item)
