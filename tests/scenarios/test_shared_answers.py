"""A lead's own first answers, given in the start form, beside the team's first results."""

import pytest

from tests.harness import ANA, LAUNCH, MEMBERS, BotHarness
from tests.scenarios.lead import CLEAR, SPRINT, TRUST, Lead, shown
from tests.scenarios.screen import dm_containing
from tests.scenarios.test_results import (
    AFTER_TEAM_RESULTS,
    BEFORE_TEAM_RESULTS,
    TUESDAY_EVENING,
)
from tests.taps import tap


async def first_results(harness: BotHarness, ana: Lead) -> tuple[str, str]:
    """Answer and close the first questions; return what the lead, then the team, was told."""
    await harness.travel_to(TUESDAY_EVENING)
    for user_id in MEMBERS[:5]:
        await tap(harness, user_id, clarity=2, trust=4, ego=5)
    await harness.travel_to(BEFORE_TEAM_RESULTS)
    to_lead = shown(dm_containing(harness, ANA, "for the leads first")["blocks"])
    await harness.travel_to(AFTER_TEAM_RESULTS)
    seen = harness.slack.as_user(MEMBERS[0]).visible(LAUNCH)
    (to_team,) = (each for each in seen if each["text"].startswith("First results in"))
    return to_lead, shown(to_team["blocks"])


async def begin(ana: Lead, kind: str, **choices: object) -> None:
    await ana.harness.settle()
    assert await ana.types(f"{kind} 4w") == ""
    assert await ana.sends(**CLEAR) == {}
    if choices:
        await ana.me.click("phase.start.more")
    assert await ana.sends(**(TRUST if kind == "trust" else SPRINT), **choices) == {}
    assert await ana.sends() == {}


async def test_trust_building_form_says_before_the_answers_that_the_team_sees_them(
    harness: BotHarness, ana: Lead
) -> None:
    await harness.settle()
    await ana.types("trust 4w")

    page = shown(ana.blocks)
    assert (
        "Your team sees it too, unless you untick that on the next page, under *Options*." in page
    )
    assert "Only leads see it." not in page
    await ana.sends(**CLEAR)
    await ana.me.click("phase.start.more")
    assert [option["value"] for option in ana.typed("start.shares_answers")] == ["yes"]


async def test_sprint_form_offers_no_sharing(harness: BotHarness, ana: Lead) -> None:
    await harness.settle()
    await ana.types("results 2w")

    assert "Only leads see it." in shown(ana.blocks)
    await ana.sends(**CLEAR)
    await ana.me.click("phase.start.more")
    assert "start.remind" in ana.inputs
    assert "start.shares_answers" not in ana.inputs


@pytest.mark.parametrize(
    ("kind", "choices", "is_shared"),
    [
        ("trust", {}, True),
        ("trust", {"start.shares_answers": []}, False),
        ("results", {}, False),
    ],
)
async def test_leads_first_answers_stand_beside_the_teams_as_chosen_in_the_form(
    harness: BotHarness, ana: Lead, kind: str, choices: dict[str, object], is_shared: bool
) -> None:
    await begin(ana, kind, **choices)

    to_lead, to_team = await first_results(harness, ana)

    assert ("*Clear and doable:* 2 of 5 · Ana said 4" in to_team) is is_shared
    assert ("Ana said" in to_team) is is_shared
    assert ("with the answers of Ana beside them" in to_lead) is is_shared
    assert ("you said 4; your team said 2" in to_lead) is not is_shared
