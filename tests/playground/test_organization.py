"""The fake Slack as an organisation on Enterprise Grid sees it."""

from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import AdjustableClock
from bot.playground.fake_slack import payloads
from bot.playground.fake_slack.organization import ORG_ID
from bot.playground.server import FakeSlack
from tests.conftest import running_fake_slack
from tests.playground.helpers import BEN, LAUNCH, error_name

MANIFEST = Path(__file__).parents[2] / ".slack" / "manifest.http.json"


@pytest.fixture
async def grid(clock: AdjustableClock) -> AsyncIterator[FakeSlack]:
    async with running_fake_slack(clock, MANIFEST) as slack:
        slack.install_org_wide()
        yield slack


@pytest.fixture
def token(grid: FakeSlack) -> AsyncWebClient:
    return AsyncWebClient(grid.bot_token, base_url=grid.api_url)


async def refused(call: Awaitable[Any]) -> str:
    with pytest.raises(SlackApiError) as error:
        await call
    return error_name(error.value)


async def test_app_has_to_be_made_for_organizations(fake_slack: FakeSlack) -> None:
    with pytest.raises(ValueError, match="org_deploy_enabled"):
        fake_slack.install_org_wide()


async def test_installation_is_valid_nowhere_until_access_is_granted(
    grid: FakeSlack, token: AsyncWebClient
) -> None:
    assert (await token.auth_test())["team_id"] == ORG_ID
    assert await refused(token.users_info(user=BEN)) == "team_access_not_granted"
    assert (await grid.as_user(BEN).command("/imbalance")).error == "unknown_command"
    grid.grant_access()
    assert (await token.users_info(user=BEN))["ok"]
    grid.revoke_access()
    assert await refused(token.chat_postMessage(channel=LAUNCH, text="hello")) == (
        "team_access_not_granted"
    )


async def test_listing_needs_the_workspace(grid: FakeSlack, token: AsyncWebClient) -> None:
    grid.grant_access()
    for method in (token.users_list, token.conversations_list, token.users_conversations):
        assert await refused(method()) == "missing_argument"
        assert await refused(method(team_id="T9")) == "team_access_not_granted"
        assert (await method(team_id="T0PLAY"))["ok"]


def test_interactions_name_the_organization_in_place_of_the_workspace(grid: FakeSlack) -> None:
    conversation = grid.workspace.conversations[LAUNCH]
    typed = payloads.command(grid.core, BEN, conversation, "/imbalance", "")
    pressed = payloads.message_shortcut(grid.core, BEN, conversation, {"ts": "1.2"}, "x")

    assert (typed["team_id"], typed["enterprise_id"]) == ("T0PLAY", ORG_ID)
    assert typed["is_enterprise_install"] == "true"
    assert (pressed["team"], pressed["enterprise"]["id"]) == (None, ORG_ID)
    assert pressed["is_enterprise_install"] is True
    assert pressed["user"]["team_id"] == "T0PLAY"
