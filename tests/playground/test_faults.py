"""Faults that the fake Slack is told to have: as many as asked for, of the named method only."""

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.server import FakeSlack


@pytest.mark.parametrize("method", ["auth.test", "*"])
async def test_fault_happens_as_often_as_asked_for_and_no_more(
    slack: FakeSlack, api: AsyncWebClient, method: str
) -> None:
    slack.faults.fail_next(method, error="internal_error", times=3)

    for _ in range(3):
        with pytest.raises(SlackApiError, match="internal_error"):
            await api.auth_test()

    assert (await api.auth_test())["ok"]


async def test_fault_of_another_method_waits_for_its_call(
    slack: FakeSlack, api: AsyncWebClient
) -> None:
    slack.faults.fail_next("team.info", error="internal_error")
    slack.faults.fail_next("auth.test", error="ratelimited", status=429)

    with pytest.raises(SlackApiError, match="ratelimited"):
        await api.auth_test()
    assert (await api.auth_test())["ok"]
