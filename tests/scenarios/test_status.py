"""`/imbalance` in every state of a phase, its buttons, and the budget."""

from datetime import UTC, datetime

import pytest

from tests.harness import ANA, BEN, GENERAL, GUEST, LAUNCH, MEMBERS, OWNER, BotHarness
from tests.scenarios.lead import Lead, shown

OVER = datetime(2026, 12, 7, 17, 1, tzinfo=UTC)
WRAP_UP = {"outcome": "Beta is out."}


async def status_lines(
    harness: BotHarness, user_id: str, words: str = "", channel_id: str = LAUNCH
) -> list[str]:
    """Return the lines of the command's ephemeral response to this person."""
    me = harness.slack.as_user(user_id)
    answer = await me.command(f"/imbalance {words}".strip(), channel_id)
    await harness.settle()
    assert len(answer.text) <= 80
    return shown(answer.body["blocks"]).splitlines()


async def test_status_before_the_first_phase(harness: BotHarness, ana: Lead) -> None:
    lines = await status_lines(harness, ANA)
    assert lines == [
        "*No phase runs in this channel.*",
        "None has run here yet.",
        "0 of the last 90 days in results sprints.",
        "Start a phase",
    ]

    await ana.me.click("phases.start")

    assert ana.page == "Is this the moment?"


async def test_guest_is_offered_no_forbidden_buttons(harness: BotHarness, ana: Lead) -> None:
    assert "Start a phase" not in await status_lines(harness, GUEST)
    await ana.starts()

    lines = await status_lines(harness, GUEST)

    assert lines[-3:] == ["Details", "My Part", "History"]


@pytest.mark.parametrize("words", ["", "status"])
async def test_status_of_a_running_phase_by_role(
    harness: BotHarness, ana: Lead, words: str
) -> None:
    await ana.starts()
    member, lead = await status_lines(harness, BEN, words), await status_lines(harness, ANA, words)

    assert member[:2] == [
        "*🏁 Results sprint until Mon 7 Dec: ship the beta*",
        "14 days left · led by Ana",
    ]
    assert (
        "Every Tuesday, 7 people get three anonymous questions. Only totals are shared." in member
    )
    assert "1 of the last 90 days in results sprints." in member
    assert member[-3:] == ["Details", "My Part", "History"]
    assert lead[-6:] == ["Details", "My Part", "Ask now", "Extend", "End", "History"]
    assert await status_lines(harness, OWNER, words) == lead


@pytest.mark.parametrize(
    ("button", "page"), [("phase.details", "Details"), ("phase.my_part", "My Part")]
)
async def test_status_buttons_open_forms_for_a_member(
    harness: BotHarness, ana: Lead, button: str, page: str
) -> None:
    await ana.starts()
    ben = Lead(harness, BEN)
    await status_lines(harness, BEN)

    await ben.me.click(button)

    assert ben.page == page


@pytest.mark.parametrize(
    ("button", "page"), [("phases.extend", "Extend"), ("phases.end", "Wrap up")]
)
async def test_status_buttons_open_forms_for_the_lead(
    harness: BotHarness, ana: Lead, button: str, page: str
) -> None:
    await ana.starts()
    await ana.me.close()
    await status_lines(harness, ANA)

    await ana.me.click(button)

    assert ana.page == page


async def test_ask_now_button_asks_every_member(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    await ana.me.close()
    await status_lines(harness, ANA)

    await ana.me.click("phases.poll")
    await harness.wait(hours=12)

    assert ana.me.top_view is None
    for member in MEMBERS:
        (asked,) = harness.slack.as_user(member).dm_with_bot()
        assert "as it is now" in asked["text"]
    assert harness.slack.problems == []


async def test_status_after_the_end_and_after_the_wrap_up(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    await ana.me.close()
    await harness.travel_to(OVER)
    assert await status_lines(harness, ANA) == [
        "*No phase runs in this channel.*",
        "The last one: 🏁 Results sprint, ended Mon 7 Dec.",
        "It is not wrapped up yet: the channel has not read what it brought.",
        "Recovery: no new sprint is planned before Wed 23 Dec.",
        "15 of the last 90 days in results sprints.",
        "Start a phase",
        "Details",
        "Wrap up",
        "History",
    ]
    assert "Wrap up" not in await status_lines(harness, BEN)

    await ana.me.click("phases.end")
    assert ana.page == "Wrap up"
    await ana.sends(**WRAP_UP)
    await ana.me.close()

    assert (await status_lines(harness, ANA))[-3:] == ["Start a phase", "Details", "History"]


async def test_budget_lists_counted_sprints_and_the_next_free_date(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()

    lines = await status_lines(harness, BEN, "budget")

    assert lines[:2] == [
        "*Results sprints in this channel*",
        "1 of the last 90 days in results sprints.",
    ]
    assert "• Mon 23 Nov to Mon 7 Dec: 15 days" in lines
    assert "A sprint of two weeks fits without a justification from Wed 23 Dec on." in lines


async def test_budget_without_any_sprint(harness: BotHarness) -> None:
    lines = await status_lines(harness, BEN, "budget", GENERAL)

    assert "No sprint counts in these 90 days." in lines
    assert "A sprint of two weeks fits now without a justification." in lines
