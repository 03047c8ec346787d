"""The doubt of the start form's first page: it comes with an unclear goal and goes with it."""

import pytest

from tests.harness import BotHarness
from tests.scenarios.lead import CLEAR, Lead, shown

ORDINARY = "This looks like an ordinary week"
UNCLEAR = {**CLEAR, "start.level.clarity": "2"}


@pytest.fixture
async def doubted(harness: BotHarness, ana: Lead) -> Lead:
    """Ana rated the clarity of her goal at 2, and reads whether to start anyway."""
    await harness.settle()
    await ana.types("results 2w")
    assert ORDINARY not in shown(ana.blocks)
    assert await ana.sends(**UNCLEAR) == {}
    assert ORDINARY in shown(ana.blocks)
    return ana


async def goes_back(lead: Lead) -> None:
    await lead.me.click("phase.start.back", view_id=lead.view["id"])
    await lead.harness.settle()
    assert lead.page == "Is this the moment?"


async def test_a_clear_goal_takes_the_doubt_away_and_an_unclear_one_brings_it_again(
    doubted: Lead,
) -> None:
    assert await doubted.sends(**CLEAR) == {}
    assert doubted.page == "The promise"
    await goes_back(doubted)
    assert ORDINARY not in shown(doubted.blocks)

    assert await doubted.sends(**UNCLEAR) == {}  # asked anew, and not refused beside the answer

    assert doubted.page == "Is this the moment?"
    assert ORDINARY in shown(doubted.blocks)


async def test_an_unanswered_doubt_is_an_error_and_yes_goes_on_and_stays(doubted: Lead) -> None:
    errors = await doubted.sends(**UNCLEAR)
    assert "Tick below" in errors["start.level.clarity"]

    assert await doubted.sends(**UNCLEAR, **{"start.anyway": ["yes"]}) == {}
    assert doubted.page == "The promise"
    await goes_back(doubted)

    assert ORDINARY in shown(doubted.blocks)
    assert doubted.view["state"]["values"]["start.anyway"]["phase.start.anyway"]["selected_options"]
