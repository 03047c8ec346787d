"""The bot starts only with a token for one workspace, and only on that workspace's database."""

import pytest

from bot.app import Imbalance, StartupError
from bot.clock import AdjustableClock
from bot.db.engine import Database
from bot.operations import doctor
from bot.playground.server import FakeSlack
from bot.settings import Settings
from bot.workspaces import store
from bot.workspaces.identity import token_problem
from tests.conftest import MONDAY
from tests.harness import LAUNCH, WORKSPACE
from tests.operations.stuck_messages import add_message

OTHERS = {"team_id": "T0OTHER", "team": "Globex", "user_id": "U0BOT"}


async def refusal(settings: Settings, clock: AdjustableClock) -> str:
    """Start the bot, which must refuse. Return why."""
    bot = Imbalance(settings, clock)
    with pytest.raises(StartupError) as refused:
        await bot.start()
    await bot.stop()
    return str(refused.value)


async def findings(settings: Settings) -> list[str]:
    return [str(finding) async for finding in doctor._findings(settings)]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_organization_wide_installation_is_refused(
    settings: Settings, clock: AdjustableClock, fake_slack: FakeSlack
) -> None:
    fake_slack.core.install.is_org_wide = True

    sentence = await refusal(settings, clock)
    assert sentence.startswith("SLACK_BOT_TOKEN belongs to an installation of the app for a whole")
    assert f"wrong  SLACK_BOT_TOKEN: {sentence}" in await findings(settings)


async def test_database_of_another_workspace_is_refused_and_nothing_is_sent(
    settings: Settings, clock: AdjustableClock, fake_slack: FakeSlack, db: Database
) -> None:
    async with db.transaction() as tx:
        await store.remember_workspace(tx, OTHERS, MONDAY)
    await add_message(db, to=LAUNCH, workspace_id=OTHERS["team_id"])

    sentence = await refusal(settings, clock)
    assert "the workspace Globex (T0OTHER), but SLACK_BOT_TOKEN to Northwind (T0PLAY)" in sentence
    assert f"wrong  SLACK_BOT_TOKEN: {sentence}" in await findings(settings)
    assert [call.method for call in fake_slack.calls if call.method.startswith("chat.")] == []
    async with db.reading() as reader:
        assert WORKSPACE not in await store.known_workspaces(reader)


@pytest.mark.parametrize(
    ("identity", "known", "expected"),
    [
        ({"team_id": "T1", "user_id": "U1"}, {}, None),
        ({"team_id": "T1", "user_id": "U1", "is_enterprise_install": False}, {"T1": "A"}, None),
        ({"team_id": "T1", "user_id": "U1", "is_enterprise_install": "true"}, {}, "organization"),
        ({"user_id": "U1"}, {}, "Slack names no team_id for it"),
        ({}, {}, "Slack names no team_id and no user_id for it"),
        ({"team_id": "T1", "user_id": "U1"}, {"T1": "A", "T2": "B"}, "the workspace B (T2), but"),
    ],
)
def test_token_problem(
    identity: dict[str, object], known: dict[str, str], expected: str | None
) -> None:
    problem = token_problem(identity, known)

    assert problem is None if expected is None else expected in str(problem)
