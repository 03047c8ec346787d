"""`/imbalance` in every state, with its buttons pressed; the budget."""

from datetime import UTC, datetime

import pytest

from tests.harness import ANA, BEN, GENERAL, GUEST, LAUNCH, MEMBERS, OWNER, BotHarness
from tests.scenarios.lead import Lead, shown

OVER = datetime(2026, 12, 7, 17, 1, tzinfo=UTC)
WORDS = {"outcome": "Beta is out."}


async def card(
    harness: BotHarness, user_id: str, words: str = "", channel_id: str = LAUNCH
) -> list[str]:
    """What the command shows this person, line by line; it stays as their own message."""
    me = harness.slack.as_user(user_id)
    answer = await me.command(f"/imbalance {words}".strip(), channel_id)
    await harness.settle()
    assert len(answer.text) <= 80
    return shown(answer.body["blocks"]).splitlines()


async def test_before_the_first_phase(harness: BotHarness, ana: Lead) -> None:
    said = await card(harness, ANA)
    assert said == [
        "*No phase runs in this channel.*",
        "None has run here yet.",
        "0 of the last 90 days in results sprints.",
        "Start a phase",
    ]

    await ana.me.click("phases.start")

    assert ana.page == "Is this the moment?"


async def test_a_guest_is_offered_nothing_they_may_not_do(harness: BotHarness, ana: Lead) -> None:
    assert "Start a phase" not in await card(harness, GUEST)
    await ana.starts()

    said = await card(harness, GUEST)

    assert said[-2:] == ["Details", "My part"]


@pytest.mark.parametrize("words", ["", "status"])
async def test_while_one_runs(harness: BotHarness, ana: Lead, words: str) -> None:
    await ana.starts()
    member, lead = await card(harness, BEN, words), await card(harness, ANA, words)

    assert member[:2] == [
        "*🏁 Results sprint until Mon 7 Dec: ship the beta*",
        "14 days left · led by Ana",
    ]
    assert "Tuesdays: 3 questions to 7 people, totals only." in member
    assert "1 of the last 90 days in results sprints." in member
    assert member[-2:] == ["Details", "My part"]
    assert lead[-5:] == ["Details", "My part", "Ask now", "Extend", "End"]
    assert await card(harness, OWNER, words) == lead


@pytest.mark.parametrize(
    ("button", "page"), [("phase.details", "Details"), ("phase.my_part", "My part")]
)
async def test_a_member_presses_its_buttons(
    harness: BotHarness, ana: Lead, button: str, page: str
) -> None:
    await ana.starts()
    ben = Lead(harness, BEN)
    await card(harness, BEN)

    await ben.me.click(button)

    assert ben.page == page


@pytest.mark.parametrize(
    ("button", "page"), [("phases.extend", "Extend"), ("phases.end", "Wrap up")]
)
async def test_the_lead_presses_its_buttons(
    harness: BotHarness, ana: Lead, button: str, page: str
) -> None:
    await ana.starts()
    await ana.me.close()
    await card(harness, ANA)

    await ana.me.click(button)

    assert ana.page == page


async def test_ask_now_asks(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    await ana.me.close()
    await card(harness, ANA)

    await ana.me.click("phases.poll")
    await harness.wait(hours=12)

    assert ana.me.top_view is None
    for member in MEMBERS:
        (asked,) = harness.slack.as_user(member).dm_with_bot()
        assert "as it is now" in asked["text"]
    assert harness.slack.problems == []


async def test_after_the_end_and_after_the_wrap_up(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    await ana.me.close()
    await harness.travel_to(OVER)
    assert await card(harness, ANA) == [
        "*No phase runs in this channel.*",
        "The last one: 🏁 Results sprint, ended Mon 7 Dec.",
        "It is not wrapped up yet: the channel has not read what it brought.",
        "Recovery: no new sprint is planned before Wed 23 Dec.",
        "15 of the last 90 days in results sprints.",
        "Start a phase",
        "Details",
        "Wrap up",
    ]
    assert "Wrap up" not in await card(harness, BEN)

    await ana.me.click("phases.end")
    assert ana.page == "Wrap up"
    await ana.sends(**WORDS)
    await ana.me.close()

    assert (await card(harness, ANA))[-2:] == ["Start a phase", "Details"]


async def test_the_budget_says_what_counts_and_from_when_one_fits(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()

    said = await card(harness, BEN, "budget")

    assert said[:2] == [
        "*Results sprints in this channel*",
        "1 of the last 90 days in results sprints.",
    ]
    assert "• Mon 23 Nov to Mon 7 Dec: 15 days" in said
    assert "A sprint of two weeks fits without a justification from Wed 23 Dec on." in said


async def test_a_budget_that_was_never_used(harness: BotHarness) -> None:
    said = await card(harness, BEN, "budget", GENERAL)

    assert "No sprint counts in these 90 days." in said
    assert "A sprint of two weeks fits now without a justification." in said
