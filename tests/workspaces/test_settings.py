"""Workspace settings, their audit rows, and the lifecycle of an installation."""

from dataclasses import replace
from datetime import time, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from bot.agenda.actions import ActionName
from bot.agenda.schedule import AgendaItem, NoLongerDue
from bot.clock import AdjustableClock
from bot.db import schema
from bot.db.engine import Database
from bot.phases.rules import PhaseLimits
from bot.services import Services
from bot.slack.errors import Refused
from bot.slack.event_dedup import is_new
from bot.slack.request import Request
from bot.workspaces import lifecycle, store
from bot.workspaces.rules import BOUNDS, WorkspaceSettings
from tests.harness import BEN, GUEST, OWNER, WORKSPACE
from tests.rounds.evidence import agenda_of
from tests.rounds.round_rows import NOW, a_person

INSTALLATION = {
    "team_id": WORKSPACE,
    "team": "Northwind",
    "user_id": "U0IMBAL",
    "app_id": "A0IMBAL",
}
CUSTOM = WorkspaceSettings(sprint_max_weeks=5, starters=(BEN,))


@pytest.fixture
async def installed(db: Database) -> Database:
    await lifecycle.install(db, INSTALLATION, NOW)
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
        services, Request(workspace_id=WORKSPACE, user_id=user_id), lambda _: settings
    )


async def workspace_state(db: Database) -> str | None:
    async with db.reading() as reader:
        found: str | None = await reader.scalar(select(schema.workspaces.c.state))
        return found


async def test_defaults_apply_without_stored_settings(installed: Database) -> None:
    assert await settings_of(installed) == WorkspaceSettings()
    async with installed.reading() as reader:
        assert await store.settings_of(reader, "T0OTHER") == WorkspaceSettings()


async def test_each_changed_setting_has_an_audit_row(
    installed: Database, services: Services, clock: AdjustableClock
) -> None:
    assert await change(services, CUSTOM) == ("sprint_max_weeks", "starters")
    clock.advance(timedelta(hours=1))
    changed_again = replace(
        CUSTOM, sprint_max_weeks=6, questions={"ego": {"label": "Room to err?"}}
    )
    assert await change(services, changed_again) == ("questions", "sprint_max_weeks")

    assert await settings_of(installed) == changed_again
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


NUMERIC_BOUNDS: list[tuple[str, Any, Any, dict[str, Any]]] = [
    ("sprint_warn_weeks", 1, 12, {"sprint_max_weeks": 12}),
    ("sprint_max_weeks", 1, 12, {"sprint_warn_weeks": 1, "default_weeks": 1}),
    ("trust_max_weeks", 1, 26, {"default_weeks": 1}),
    ("budget_percent", 5, 100, {}),
    ("minimum_small", 4, 7, {}),
    ("minimum_large", 5, 50, {}),
    ("default_weeks", 1, 12, {"sprint_max_weeks": 12}),
    ("keep_texts_months", 1, 60, {"keep_levels_months": 120}),
    ("keep_levels_months", 3, 120, {"keep_texts_months": 1}),
    ("keep_audit_months", 1, 120, {}),
    ("keep_messages_days", 30, 730, {}),
    ("default_weekday", 0, 4, {}),
]


@pytest.mark.parametrize(("name", "low", "high", "other_settings"), NUMERIC_BOUNDS)
async def test_numbers_are_accepted_up_to_their_bounds_and_not_beyond(
    installed: Database,
    services: Services,
    name: str,
    low: int,
    high: int,
    other_settings: dict[str, Any],
) -> None:
    assert set(BOUNDS) == {one[0] for one in NUMERIC_BOUNDS}
    for value in (low, high):
        chosen = replace(WorkspaceSettings(), **{**other_settings, name: value})
        await change(services, chosen)
        assert await settings_of(installed) == chosen

    stored = await settings_of(installed)
    for value in (low - 1, high + 1):
        with pytest.raises(Refused) as refused:
            await change(services, replace(stored, **{**other_settings, name: value}))
        assert list(refused.value.fields) == [name]
    assert await settings_of(installed) == stored


@pytest.mark.parametrize(
    ("name", "value", "is_valid"),
    [
        ("starters", (BEN, OWNER), True),
        ("default_time", time(8), True),
        ("default_time", time(20), True),
        ("default_time", time(7, 59), False),
        ("default_time", time(20, 1), False),
        ("default_zone", "Asia/Kolkata", True),
        ("default_zone", "Asia/Nowhere", False),
        ("questions", {"ego": {"label": "x" * 75, "to_member": "y" * 300}}, True),
        ("questions", {"ego": {"label": "x" * 76}}, False),
        ("questions", {"ego": {"to_member": "x" * 301}}, False),
        ("questions", {"ego": {"to_lead": "x" * 301}}, False),
        ("sprint_warn_weeks", 6, True),  # equal to the longest sprint
        ("sprint_warn_weeks", 7, False),
        ("default_weeks", 6, True),
        ("default_weeks", 7, False),
    ],
)
async def test_valid_setting_is_saved_and_invalid_one_refused(
    installed: Database, services: Services, name: str, value: Any, is_valid: bool
) -> None:
    chosen = replace(WorkspaceSettings(), **{name: value})
    if is_valid:
        assert await change(services, chosen) == (name,)
    else:
        with pytest.raises(Refused):
            await change(services, chosen)

    assert await settings_of(installed) == (chosen if is_valid else WorkspaceSettings())


async def test_limits_follow_the_stored_settings(installed: Database, services: Services) -> None:
    async def limits() -> PhaseLimits:
        async with installed.reading() as reader:
            return PhaseLimits.of(await store.settings_of(reader, WORKSPACE))

    assert await limits() == PhaseLimits()
    chosen = WorkspaceSettings(
        sprint_warn_weeks=3,
        sprint_max_weeks=5,
        trust_max_weeks=9,
        budget_percent=34,
        starters=(BEN,),
    )
    await change(services, chosen)

    assert await limits() == PhaseLimits(
        sprint_warn_weeks=3,
        sprint_max_weeks=5,
        trust_max_weeks=9,
        budget_share=0.34,
        starters=(BEN,),
    )


async def test_audit_is_sorted_newest_first_and_limited(installed: Database) -> None:
    async with installed.transaction() as tx:
        for number in range(3):
            await store.add_audit_entry(
                tx,
                WORKSPACE,
                actor=OWNER,
                action="settings",
                subject=str(number),
                before=number,
                after=None,
                now=NOW + timedelta(hours=[1, 3, 2][number]),
            )

    async with installed.reading() as reader:
        assert [one.subject for one in await store.audit_of(reader, WORKSPACE)] == ["1", "2", "0"]
        assert [one.subject for one in await store.audit_of(reader, WORKSPACE, 1)] == ["1"]


async def test_installed_workspaces_excludes_uninstalled_ones(installed: Database) -> None:
    async with installed.transaction() as tx:
        for team_id in ("T0ZZZ", "T0AAA", "T0GONE"):
            await store.remember_workspace(tx, {**INSTALLATION, "team_id": team_id}, NOW)
        assert await store.mark_uninstalled(tx, "T0GONE", NOW)  # at the moment of installation
        assert not await store.mark_uninstalled(tx, "T0NEVER", NOW)

    async with installed.reading() as reader:
        assert await store.installed_workspaces(reader) == ("T0AAA", WORKSPACE, "T0ZZZ")


async def test_saving_unchanged_settings_adds_no_audit_row(
    installed: Database, services: Services
) -> None:
    assert await change(services, WorkspaceSettings()) == ()

    async with installed.reading() as reader:
        assert await store.audit_of(reader, WORKSPACE) == []


@pytest.mark.parametrize("user_id", [BEN, GUEST])
async def test_only_admins_who_are_full_members_may_change_settings(
    installed: Database, services: Services, user_id: str
) -> None:
    with pytest.raises(Refused, match="Only workspace admins"):
        await change(services, CUSTOM, user_id)

    assert await settings_of(installed) == WorkspaceSettings()


async def test_out_of_bounds_setting_is_refused_at_its_field(
    installed: Database, services: Services
) -> None:
    with pytest.raises(Refused) as refused:
        await change(services, replace(CUSTOM, minimum_small=3))

    assert list(refused.value.fields) == ["minimum_small"]
    assert await settings_of(installed) == WorkspaceSettings()


async def test_settings_survive_a_reinstallation(installed: Database, services: Services) -> None:
    await change(services, CUSTOM)
    await lifecycle.install(installed, INSTALLATION, NOW + timedelta(days=1))

    assert await settings_of(installed) == CUSTOM


async def test_uninstall_older_than_the_installation_is_ignored(installed: Database) -> None:
    async with installed.transaction() as tx:
        early, late = NOW - timedelta(seconds=1), NOW + timedelta(seconds=1)
        assert not await store.mark_uninstalled(tx, WORKSPACE, early)
    assert await workspace_state(installed) == "installed"

    async with installed.transaction() as tx:
        assert await store.mark_uninstalled(tx, WORKSPACE, late)
    assert await workspace_state(installed) == "uninstalled"


async def test_daily_tidy_deletes_old_event_ids_and_reschedules_itself(
    installed: Database, services: Services, clock: AdjustableClock
) -> None:
    async with installed.transaction() as tx:
        assert await is_new(tx, WORKSPACE, {"event_id": "Ev1"}, NOW - timedelta(days=2))
        assert await is_new(tx, WORKSPACE, {"event_id": "Ev2"}, NOW)
    due_at = (await agenda_of(installed, ActionName.TIDY))[WORKSPACE]
    clock.move_to(due_at)
    item = AgendaItem(
        workspace_id=WORKSPACE, action=ActionName.TIDY, subject=WORKSPACE, due_at=due_at
    )

    await lifecycle.tidy(services, item)

    async with installed.transaction() as tx:
        assert not await is_new(tx, WORKSPACE, {"event_id": "Ev2"}, NOW)
        assert await is_new(tx, WORKSPACE, {"event_id": "Ev1"}, NOW)
    assert (await agenda_of(installed, ActionName.TIDY))[
        WORKSPACE
    ] == due_at + lifecycle.TIDY_INTERVAL
    with pytest.raises(NoLongerDue):
        await lifecycle.tidy(services, item)
