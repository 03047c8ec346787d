"""Questions in a channel whose members Slack does not tell: nobody is asked, and it is said."""

from dataclasses import replace
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError

from bot.db.engine import Database
from bot.playground.server import FakeSlack
from bot.rounds.poll import poll
from bot.services import Services
from bot.slack.errors import Refused
from bot.slack.request import Request
from tests.harness import ANA, LAUNCH, WORKSPACE
from tests.rounds.evidence import agenda_of, said, the_round

HERE = Request(workspace_id=WORKSPACE, channel_id=LAUNCH, user_id=ANA)
METHOD = "conversations.members"


@pytest.mark.parametrize("error", ["channel_not_found", "is_archived", "not_in_channel"])
async def test_a_poll_is_refused_where_slack_does_not_say_who_is_there(
    phase: Database, services: Services, fake_slack: FakeSlack, error: str
) -> None:
    fake_slack.faults.fail_next(METHOD, error=error)

    with pytest.raises(Refused, match="I can't post in its channel"):
        await poll(services, HERE)

    assert await the_round(phase) is None
    assert await agenda_of(phase, "post_talking_points") == {}
    assert await said(phase) == {}


@pytest.mark.parametrize("fault", [{"status": 500}, {"error": "fetch_members_failed"}])
async def test_a_poll_that_slack_could_not_answer_asks_nobody_and_may_be_sent_again(
    phase: Database, services: Services, fake_slack: FakeSlack, fault: dict[str, Any]
) -> None:
    fake_slack.faults.fail_next(METHOD, **fault)
    with pytest.raises(SlackApiError):
        await poll(services, HERE)
    assert await the_round(phase) is None

    assert "7 people are asked" in await poll(services, HERE)
    with pytest.raises(Refused, match="No phase is running in this channel"):
        await poll(services, replace(HERE, channel_id="C0OTHER"))
