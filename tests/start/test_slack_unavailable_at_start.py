"""The start form while Slack refuses, fails, does not answer or cannot be reached."""

import io
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import ClientError
from slack_sdk.errors import SlackApiError

from bot.playground.server import FakeSlack
from bot.services import Services
from bot.slack.errors import Refused
from bot.slack.request import Request
from bot.start.eligibility import eligible_channel, eligible_lead
from bot.start.wizard import _recheck_channel
from tests.harness import ANA, LAUNCH, SECRET, WORKSPACE
from tests.rounds.round_rows import a_person

#: Failures that say nothing about the channel, and what they are raised as.
FAILURES: dict[str, tuple[dict[str, Any], type[Exception]]] = {
    "broken": ({"status": 500}, SlackApiError),
    "failed": ({"error": "fatal_error"}, SlackApiError),
    "cut": ({"drop": True, "times": 5}, ClientError),  # the HTTP client itself tries again
    "silent": ({"hang": 60}, TimeoutError),
}
READS = ("conversations.info", "conversations.members")
HERE = Request(workspace_id=WORKSPACE, channel_id=LAUNCH, user_id=ANA)


@pytest.fixture
async def patient(services: Services) -> Services:
    services.client_for(WORKSPACE).timeout = 1
    async with services.db.transaction() as tx:
        await a_person(tx, ANA)
    return services


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("method", READS)
async def test_a_read_that_failed_is_never_taken_for_a_channel_without_people(
    patient: Services, fake_slack: FakeSlack, method: str, failure: str
) -> None:
    fault, raised = FAILURES[failure]
    fake_slack.faults.fail_next(method, **fault)

    with pytest.raises(raised):
        await eligible_channel(patient, HERE)


async def test_a_channel_that_slack_does_not_know_is_refused(patient: Services) -> None:
    with pytest.raises(Refused, match="I'm not in this private channel"):
        await eligible_channel(patient, replace(HERE, channel_id=SECRET))


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("method", READS)
async def test_the_check_behind_the_open_form_leaves_it_alone_where_slack_does_not_answer(
    patient: Services, fake_slack: FakeSlack, written: io.StringIO, method: str, failure: str
) -> None:
    lead = await eligible_lead(patient, HERE)
    fake_slack.faults.fail_next(method, **FAILURES[failure][0])

    patient.background_tasks.start(_recheck_channel(patient, HERE, lead, {"id": "V1", "hash": "1"}))
    await patient.background_tasks.wait_until_idle()

    assert "channel_not_rechecked" in written.getvalue()
    assert "background_task_failed" not in written.getvalue()
    assert [call for call in fake_slack.calls if call.method == "views.update"] == []
