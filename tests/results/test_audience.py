"""The people of a channel and of a team, as Slack says when the results are shown."""

import pytest

from bot.db.engine import Database
from bot.playground.server import FakeSlack
from bot.results.audience import Audience, read_audience
from bot.services import Services
from tests.harness import LAUNCH, WORKSPACE
from tests.results.steps import close


async def audience(services: Services) -> Audience | None:
    return await read_audience(services, WORKSPACE, "r1")


@pytest.mark.parametrize(("others", "is_half"), [(0, True), (6, True), (7, True), (8, False)])
async def test_apps_and_deactivated_accounts_are_not_counted_as_people(
    phase: Database, services: Services, fake_slack: FakeSlack, others: int, is_half: bool
) -> None:
    """Beside eight people of the team the channel has one guest and two apps."""
    fake_slack.crowd(LAUNCH, others)
    await close(phase)

    found = await audience(services)

    assert found is not None
    assert (2 * found.team >= found.people) is is_half
    assert others == 0 or found == Audience(team=8, people=9 + others)


async def test_profiles_are_not_read_if_the_team_is_half_of_the_channel_in_any_case(
    phase: Database, services: Services, fake_slack: FakeSlack
) -> None:
    await close(phase)
    await audience(services)

    assert "users.info" not in {call.method for call in fake_slack.calls}


async def test_people_of_a_crowded_channel_are_not_counted(
    phase: Database, services: Services, fake_slack: FakeSlack
) -> None:
    fake_slack.crowd(LAUNCH, 3_000)
    await close(phase)

    assert await audience(services) is None
    assert [call.method for call in fake_slack.calls].count("conversations.members") == 1
