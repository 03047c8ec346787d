"""One bot in two workspaces, each with its own token; they share every channel and user id."""

import io
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from bot.clock import AdjustableClock
from bot.db import schema
from bot.keys import KeyRing
from bot.playground.server import FakeSlack
from bot.settings import Settings
from bot.workspaces.clients import TOKEN_UNREADABLE_TEXT
from bot.workspaces.installation_store import InstallationStore
from tests.conftest import running_fake_slack
from tests.harness import BEN, KEY, LAUNCH, MEMBERS, PLATFORM, WORKSPACE, BotHarness
from tests.many_slacks import ManyWorkspaces, running_in_many
from tests.scenarios.lead import Lead
from tests.scenarios.requests import event_callback
from tests.scenarios.screen import channel_texts, dm_texts
from tests.two_workspaces import OTHER_WORKSPACE


@pytest.fixture
async def many(
    settings: Settings, clock: AdjustableClock, fake_slack: FakeSlack
) -> AsyncIterator[ManyWorkspaces]:
    """A running bot, not installed yet, and two workspaces."""
    async with (
        running_fake_slack(clock) as other,
        running_in_many(settings, clock, {WORKSPACE: fake_slack, OTHER_WORKSPACE: other}) as many,
    ):
        yield many


async def test_each_workspace_is_served_with_its_own_token(many: ManyWorkspaces) -> None:
    await many.install(WORKSPACE, OTHER_WORKSPACE)
    one, other = many[WORKSPACE], many[OTHER_WORKSPACE]

    await Lead(one).starts()
    assert channel_texts(other) == []
    await Lead(other).starts("trust 4w")
    await one.wait(days=1, hours=8)
    await other.settle()

    assert "🏁" in channel_texts(one)[0]
    assert "🌱" in channel_texts(other)[0]
    for harness in (one, other):
        assert all(dm_texts(harness, member) for member in MEMBERS)
    for tenant in many.tenants.values():
        assert {token for _, token in tenant.calls} == {tenant.token}
        assert "auth.test" not in {method for method, _ in tenant.calls}


async def test_workspace_without_an_installation_is_refused_in_words(many: ManyWorkspaces) -> None:
    await many.install(WORKSPACE)

    answer = await many[OTHER_WORKSPACE].slack.as_user(BEN).command("/imbalance status")

    assert "Only people from the workspace where I'm installed" in answer.text
    assert many.tenants[OTHER_WORKSPACE].calls == []


async def break_settings(many: ManyWorkspaces, workspace_id: str) -> None:
    """Store settings that cannot be read, so that what needs them fails."""
    workspaces = schema.workspaces
    async with many.bot.db.transaction() as tx:
        await tx.execute(
            update(workspaces)
            .where(workspaces.c.workspace_id == workspace_id)
            .values(settings=["not", "settings"])
        )


def posts(many: ManyWorkspaces, workspace_id: str) -> int:
    """Return the number of messages that Slack was asked to post in a workspace."""
    methods = [method for method, _ in many.tenants[workspace_id].calls]
    return methods.count("chat.postMessage")


@pytest.mark.parametrize(
    ("trouble", "most_calls"),
    [("token_revoked", 4), ("invalid_auth", 8), ("ratelimited", 8), ("defect", 0)],
)
async def test_trouble_in_one_workspace_slows_no_other(
    many: ManyWorkspaces, trouble: str, most_calls: int
) -> None:
    await many.install(WORKSPACE, OTHER_WORKSPACE)
    one, other = many[WORKSPACE], many[OTHER_WORKSPACE]
    await Lead(other).starts()
    await Lead(one).starts()
    troubled = many.tenants[OTHER_WORKSPACE]
    if trouble == "defect":
        await break_settings(many, OTHER_WORKSPACE)
    else:
        troubled.refusal = trouble
    posts_before, calls_before = posts(many, WORKSPACE), len(troubled.calls)

    for _ in range(32):  # what fails in one is retried in real time, so nothing waits for it
        many.clock.advance(timedelta(hours=1))
        await many.bot.catch_up()

    assert posts(many, WORKSPACE) - posts_before == len(MEMBERS)
    assert all(dm_texts(one, member) for member in MEMBERS)
    assert len(troubled.calls) - calls_before <= most_calls
    is_removed = trouble in ("token_revoked", "invalid_auth")
    assert await many.state_of(OTHER_WORKSPACE) == ("uninstalled" if is_removed else "installed")
    assert await many.state_of(WORKSPACE) == "installed"


async def test_token_stored_by_another_process_is_used_at_once(many: ManyWorkspaces) -> None:
    await many.install(WORKSPACE, OTHER_WORKSPACE)
    other, tenant = many[OTHER_WORKSPACE], many.tenants[OTHER_WORKSPACE]
    await Lead(other).starts()
    old, tenant.token = tenant.token, "xoxb-of-T0OTHER-2"
    elsewhere = InstallationStore(many.bot.db, many.clock, KeyRing([KEY]))
    await elsewhere.async_save(tenant.installation())

    await other.settle()
    assert await many.state_of(OTHER_WORKSPACE) == "installed"
    await other.wait(days=1, hours=8)

    assert all(dm_texts(other, member) for member in MEMBERS)
    assert many.gateway.strangers == [old]  # refused once, and never used again
    many.gateway.strangers.clear()


@pytest.mark.parametrize("event", ["app_uninstalled", "tokens_revoked"])
async def test_removal_and_reinstallation_concern_one_workspace(
    many: ManyWorkspaces, event: str
) -> None:
    await many.install(WORKSPACE, OTHER_WORKSPACE)
    one, other = many[WORKSPACE], many[OTHER_WORKSPACE]
    await Lead(one).starts()
    await Lead(other).starts()
    removed = other.slack.uninstall() if event == "app_uninstalled" else other.slack.revoke_token()
    assert removed is not None
    await removed

    calls_before = len(many.tenants[OTHER_WORKSPACE].calls)
    await one.wait(days=1, hours=8)

    assert await many.state_of(OTHER_WORKSPACE) == "uninstalled"
    assert await many.bot.installations.bot_of(OTHER_WORKSPACE) is None
    assert len(many.tenants[OTHER_WORKSPACE].calls) == calls_before
    assert all(dm_texts(one, member) for member in MEMBERS)

    other.slack.reinstall()
    many.tenants[OTHER_WORKSPACE].token = "xoxb-of-T0OTHER-2"
    await many.install(OTHER_WORKSPACE)
    await other.wait(hours=12)

    assert await many.state_of(OTHER_WORKSPACE) == "installed"
    assert all(dm_texts(other, member) for member in MEMBERS)
    many.gateway.strangers.clear()  # the old token, once


async def command_text(harness: BotHarness) -> str:
    """What somebody reads who asks for the status."""
    return (await harness.slack.as_user(BEN).command("/imbalance status")).text


async def seal(many: ManyWorkspaces, workspace_id: str, **values: object) -> None:
    """Change the stored installation of a workspace."""
    installations = schema.installations
    async with many.bot.db.transaction() as tx:
        await tx.execute(
            update(installations)
            .where(installations.c.workspace_id == workspace_id)
            .values(**values)
        )


@pytest.mark.parametrize("fault", ["swapped", "key missing"])
async def test_unreadable_token_concerns_its_workspace_alone(
    many: ManyWorkspaces, fault: str, written: io.StringIO
) -> None:
    await many.install(WORKSPACE, OTHER_WORKSPACE)
    one, other = many[WORKSPACE], many[OTHER_WORKSPACE]
    installations = schema.installations
    theirs = select(installations.c.sealed_token).where(installations.c.workspace_id == WORKSPACE)
    if fault == "swapped":
        await seal(many, OTHER_WORKSPACE, sealed_token=theirs.scalar_subquery())
    else:
        elsewhere = InstallationStore(many.bot.db, many.clock, KeyRing([b"l" * 32]))
        await elsewhere.async_save(many.tenants[OTHER_WORKSPACE].installation())

    assert await command_text(other) == TOKEN_UNREADABLE_TEXT
    opened = event_callback("app_home_opened")
    answer = await other.slack.core.dispatch.request("events_api", opened)
    assert answer.status == 500  # Slack sends it again
    other.slack.problems.clear()
    await Lead(one).starts()
    for _ in range(32):
        many.clock.advance(timedelta(hours=1))
        await many.bot.catch_up()

    assert all(dm_texts(one, member) for member in MEMBERS)
    assert many.tenants[OTHER_WORKSPACE].calls == []
    assert await many.state_of(OTHER_WORKSPACE) == "installed"
    cause = "belongs to another workspace" if fault == "swapped" else "is not in IMBALANCE_KEYS"
    assert cause in written.getvalue()
    assert "xoxb" not in written.getvalue()
    assert "Traceback" not in written.getvalue()

    await many.install(OTHER_WORKSPACE)
    await Lead(other).starts()
    assert "🏁" in channel_texts(other)[0]


async def test_replica_drops_the_token_of_an_earlier_installation(
    many: ManyWorkspaces, settings: Settings
) -> None:
    await many.install(OTHER_WORKSPACE)
    other, tenant = many[OTHER_WORKSPACE], many.tenants[OTHER_WORKSPACE]
    async with many.replica() as replica_url:
        here = many.gateway.request_url
        many.gateway.request_url = replica_url
        await Lead(other).starts()  # the replica knows the token from now on
        many.gateway.request_url = here
        removed = other.slack.uninstall()
        assert removed is not None
        await removed
        other.slack.reinstall()
        old, tenant.token = tenant.token, "xoxb-of-T0OTHER-2"
        await many.install(OTHER_WORKSPACE)
        await other.settle()

        many.gateway.request_url = replica_url
        tenant.calls.clear()
        assert await Lead(other).types("trust", channel_id=PLATFORM) == ""
        assert {token for _, token in tenant.calls} == {tenant.token}
        assert set(many.gateway.strangers) <= {old}
        many.gateway.strangers.clear()
        many.gateway.request_url = here


async def test_more_scopes_are_used_as_soon_as_they_are_granted(many: ManyWorkspaces) -> None:
    other = many[OTHER_WORKSPACE]
    other.slack.scopes.discard("pins:write")
    await many.install(OTHER_WORKSPACE)
    await Lead(other).starts()
    await other.settle()
    assert other.slack.workspace.pins(LAUNCH) == []

    other.slack.scopes.add("pins:write")
    await many.install(OTHER_WORKSPACE)  # Slack gives the same token
    await Lead(other).starts(channel_id=PLATFORM)
    await other.settle()

    assert len(other.slack.workspace.pins(PLATFORM)) == 1
    found = await many.bot.installations.async_find_installation(
        enterprise_id=None, team_id=OTHER_WORKSPACE
    )
    assert found is not None
    assert "pins:write" in (found.bot_scopes or ())
