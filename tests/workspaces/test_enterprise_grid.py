"""An organisation on Enterprise Grid installs the bot for its workspaces, adds and removes them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bot.clock import AdjustableClock
from bot.db import schema
from bot.playground.fake_slack.organization import ORG_ID
from bot.settings import Settings
from bot.workspaces.retention import PURGED_AFTER
from tests.conftest import running_fake_slack
from tests.harness import BEN, CHIARA, EXTERNAL, LAUNCH, MEMBERS, WORKSPACE
from tests.many_slacks import ManyWorkspaces, running_in_many
from tests.scenarios.lead import Lead
from tests.scenarios.screen import channel_texts, dm_texts
from tests.two_workspaces import OTHER_WORKSPACE

MANIFEST = Path(__file__).parents[2] / ".slack" / "manifest.http.json"
TOKEN = "xoxb-of-E0ORG-1"


@pytest.fixture
async def grid(settings: Settings, clock: AdjustableClock) -> AsyncIterator[ManyWorkspaces]:
    """A running bot, not installed yet, and two workspaces of what may become an organisation."""
    async with (
        running_fake_slack(clock, MANIFEST) as one,
        running_fake_slack(clock, MANIFEST) as other,
        running_in_many(settings, clock, {WORKSPACE: one, OTHER_WORKSPACE: other}) as many,
    ):
        yield many


async def added(grid: ManyWorkspaces, *workspace_ids: str) -> None:
    """Install the bot in the organisation, and add these workspaces to it."""
    await grid.install_org_wide(TOKEN)
    for workspace_id in workspace_ids:
        granted = grid[workspace_id].slack.grant_access()
        assert granted is not None
        assert await granted


def tokens_used(grid: ManyWorkspaces) -> set[str]:
    return {token for tenant in grid.tenants.values() for _, token in tenant.calls}


async def phases_of(grid: ManyWorkspaces, workspace_id: str) -> int:
    phases = schema.phases
    own = select(func.count()).where(phases.c.workspace_id == workspace_id)
    async with grid.bot.db.reading() as reader:
        return int(await reader.scalar(own) or 0)


async def test_organisation_installs_and_its_workspaces_run_phases(grid: ManyWorkspaces) -> None:
    await grid.install_org_wide(TOKEN)
    assert [await grid.state_of(one) for one in grid.tenants] == [None, None]
    await added(grid, *grid.tenants)
    one, other = grid[WORKSPACE], grid[OTHER_WORKSPACE]

    for harness in (one, other):
        await Lead(harness).starts()
    await one.wait(days=1, hours=8)
    await other.settle()
    answered = [await harness.slack.let_team_answer() for harness in (one, other)]
    await one.wait(days=3)
    await other.settle()

    assert answered == [len(MEMBERS), len(MEMBERS)]
    for harness in (one, other):
        assert "🏁" in channel_texts(harness)[0]
        await harness.slack.as_user(BEN).open_home()
        await harness.settle()
        assert harness.slack.as_user(BEN).home is not None
    assert tokens_used(grid) == {TOKEN}
    assert await grid.state_of(ORG_ID) is None  # the organisation is no workspace


async def test_event_without_a_workspace_reaches_each_of_the_organisation(
    grid: ManyWorkspaces,
) -> None:
    await added(grid, *grid.tenants)
    for workspace_id in grid.tenants:
        await Lead(grid[workspace_id]).starts()
        await grid[workspace_id].settle()
    for tenant in grid.tenants.values():
        tenant.calls.clear()

    reported = grid[WORKSPACE].slack.set_tz(BEN, "Asia/Tokyo")
    assert reported is not None
    assert await reported
    await grid[WORKSPACE].settle()

    people = schema.people
    query = select(people.c.workspace_id, people.c.zone).where(people.c.user_id == BEN)
    async with grid.bot.db.reading() as reader:
        zones = {row.workspace_id: row.zone for row in await reader.execute(query)}
    assert zones == {WORKSPACE: "Asia/Tokyo", OTHER_WORKSPACE: "Africa/Lagos"}
    for tenant in grid.tenants.values():  # each asked Slack
        assert [method for method, _ in tenant.calls] == ["users.info"]


@pytest.mark.parametrize("event", ["received", "lost"])
async def test_workspace_removed_in_mid_phase_stops_and_keeps_its_data(
    grid: ManyWorkspaces, event: str
) -> None:
    await added(grid, *grid.tenants)
    one, other = grid[WORKSPACE], grid[OTHER_WORKSPACE]
    for harness in (one, other):
        await Lead(harness).starts()
        await harness.settle()
    if event == "received":
        removed = other.slack.revoke_access()
        assert removed is not None
        assert await removed
    else:
        other.slack.core.install.has_access = False
    tenant = grid.tenants[OTHER_WORKSPACE]
    messages, calls = len(channel_texts(other)), len(tenant.calls)
    await one.wait(days=2)

    assert await grid.state_of(OTHER_WORKSPACE) == "uninstalled"
    assert await grid.state_of(WORKSPACE) == "installed"
    assert all(dm_texts(one, member) for member in MEMBERS)
    assert not any(dm_texts(other, member) for member in MEMBERS)
    assert len(channel_texts(other)) == messages
    assert len(tenant.calls) - calls <= (0 if event == "received" else 2)
    assert await phases_of(grid, OTHER_WORKSPACE) == 1

    granted = other.slack.grant_access()
    assert granted is not None
    assert await granted
    await other.wait(hours=12)
    assert await grid.state_of(OTHER_WORKSPACE) == "installed"
    assert all(dm_texts(other, member) for member in MEMBERS)


async def test_data_of_a_removed_workspace_is_purged_in_time(grid: ManyWorkspaces) -> None:
    await added(grid, *grid.tenants)
    for workspace_id in grid.tenants:
        await Lead(grid[workspace_id]).starts()
        await grid[workspace_id].settle()
    removed = grid[OTHER_WORKSPACE].slack.revoke_access()
    assert removed is not None
    await removed

    await grid[WORKSPACE].wait(seconds=PURGED_AFTER.total_seconds() + 1)

    assert await grid.state_of(OTHER_WORKSPACE) is None
    assert await phases_of(grid, OTHER_WORKSPACE) == 0
    assert await phases_of(grid, WORKSPACE) == 1


async def test_workspace_that_moves_into_an_organisation_keeps_its_data(
    grid: ManyWorkspaces,
) -> None:
    await grid.install(WORKSPACE)
    one, tenant = grid[WORKSPACE], grid.tenants[WORKSPACE]
    own_token = tenant.token
    await Lead(one).starts()
    await one.settle()

    one.slack.join_organization()
    await one.wait(days=1, hours=8)
    assert await one.slack.let_team_answer() == len(MEMBERS)
    assert tokens_used(grid) == {own_token}

    tenant.calls.clear()
    await added(grid, WORKSPACE)  # the organisation's installation replaces the own one
    await one.wait(days=7)
    assert await grid.state_of(WORKSPACE) == "installed"
    assert await phases_of(grid, WORKSPACE) == 1
    assert await one.slack.let_team_answer() == len(MEMBERS)
    assert tokens_used(grid) == {TOKEN}
    assert set(grid.gateway.strangers) == {own_token}  # refused, then given up
    assert len(grid.gateway.strangers) <= 2
    grid.gateway.strangers.clear()


async def test_uninstalling_from_the_organisation_stops_all_its_workspaces(
    grid: ManyWorkspaces,
) -> None:
    await added(grid, *grid.tenants)
    for workspace_id in grid.tenants:
        await Lead(grid[workspace_id]).starts()
        await grid[workspace_id].settle()
    removed = grid[WORKSPACE].slack.uninstall()
    assert removed is not None
    assert await removed
    await grid[WORKSPACE].slack.settled()
    for tenant in grid.tenants.values():
        tenant.calls.clear()
    await grid[WORKSPACE].wait(days=2)

    assert [await grid.state_of(one) for one in grid.tenants] == ["uninstalled"] * 2
    assert await grid.bot.installations.bot_of(ORG_ID) is None
    assert [tenant.calls for tenant in grid.tenants.values()] == [[], []]
    for workspace_id in grid.tenants:
        assert not any(dm_texts(grid[workspace_id], member) for member in MEMBERS)


async def test_command_makes_up_for_a_lost_event(grid: ManyWorkspaces) -> None:
    await grid.install_org_wide(TOKEN)
    other = grid[OTHER_WORKSPACE]
    other.slack.core.install.has_access = True  # added, but the event was lost

    await other.slack.as_user(CHIARA).open_home()
    assert await grid.state_of(OTHER_WORKSPACE) is None
    await Lead(other).starts()
    await other.settle()

    assert await grid.state_of(OTHER_WORKSPACE) == "installed"
    assert "🏁" in channel_texts(other)[0]


async def test_outsider_in_a_shared_channel_adds_no_workspace(grid: ManyWorkspaces) -> None:
    await added(grid, WORKSPACE)
    one = grid[WORKSPACE]
    await one.settle()
    payload = {
        "type": "block_actions",
        "team": None,
        "enterprise": {"id": ORG_ID, "name": "Northwind Group"},
        "is_enterprise_install": True,
        "user": {"id": EXTERNAL, "team_id": "T0ELSE"},
        "channel": {"id": LAUNCH},
        "container": {"type": "message", "channel_id": LAUNCH, "message_ts": "1.2"},
        "actions": [{"action_id": "announcement.part", "value": "x"}],
    }
    await one.slack.interact(payload)

    assert await grid.state_of("T0ELSE") is None


async def test_reinstalling_in_the_organisation_replaces_the_token(grid: ManyWorkspaces) -> None:
    await added(grid, *grid.tenants)
    one = grid[WORKSPACE]
    await Lead(one).starts()
    for tenant in grid.tenants.values():
        tenant.token = "xoxb-of-E0ORG-2"
    again = grid.tenants[WORKSPACE].installation()
    again.team_id, again.enterprise_id, again.is_enterprise_install = None, ORG_ID, True
    again.bot_scopes = ["commands", "chat:write"]
    await grid.bot.installations.async_save(again)
    await one.wait(days=1, hours=8)

    assert all(dm_texts(one, member) for member in MEMBERS)
    found = await grid.bot.installations.async_find_installation(
        enterprise_id=ORG_ID, team_id=None, is_enterprise_install=True
    )
    assert found is not None
    assert found.bot_scopes == ["commands", "chat:write"]
    assert len(grid.gateway.strangers) <= len(grid.tenants)  # the old token, once each at most
    grid.gateway.strangers.clear()
