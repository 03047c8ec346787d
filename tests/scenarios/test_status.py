"""`/imbalance` in every state of a phase, its buttons, and the budget."""

from datetime import UTC, datetime

import pytest

from tests.harness import ANA, BEN, GENERAL, GUEST, LAUNCH, MEMBERS, OWNER, BotHarness
from tests.scenarios.lead import Lead, shown

OVER = datetime(2026, 12, 7, 17, 1, tzinfo=UTC)
WRAP_UP = {"milestone_outcome": "hit", "outcome": "Beta is out."}


async def status_lines(
    harness: BotHarness, user_id: str, words: str = "", channel_id: str = LAUNCH
) -> list[str]:
    """Return the lines of the command's ephemeral response to this person."""
    me = harness.slack.as_user(user_id)
    answer = await me.command(f"/imbalance {words}".strip(), channel_id)
    await harness.settle()
    assert len(answer.text) <= 80
    return shown(answer.body["blocks"]).splitlines()


KINDS = [
    "🏁 *Results sprint:* Until a set date, one milestone comes first, and other work waits on "
    "purpose.",
    "🌱 *Trust-building:* Until a set date, relationships and learning come first, and speed can "
    "wait.",
]


async def test_bare_command_before_the_first_phase_explains_the_kinds(
    harness: BotHarness, ana: Lead
) -> None:
    lines = await status_lines(harness, ANA)
    assert lines == ["*No phase is running in this channel.*", *KINDS, "Start a Phase"]

    await ana.me.click("phases.start")

    assert ana.page == "Is this the moment?"


async def test_guest_is_offered_no_forbidden_buttons(harness: BotHarness, ana: Lead) -> None:
    lines = await status_lines(harness, GUEST)
    assert lines[-1].startswith("Guests and people from other organizations can't start a phase.")
    await ana.starts()

    lines = await status_lines(harness, GUEST)

    assert lines[2:] == ["Status", "Details"]


async def test_bare_command_in_a_running_phase_offers_what_the_role_may_do(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    heading = ["*🏁 Results sprint until Mon 7 Dec: ship the beta*", "14 days left · led by Ana"]
    member = ["My Part", "What Else Can Wait?", "Raise a Concern"]
    managing = ["On Hold", "Ask Now", "Extend", "End"]

    for user_id, buttons in (
        (BEN, member),
        (ANA, [*member, *managing]),
        (OWNER, managing),  # an admin who is not in the team
    ):
        lines = await status_lines(harness, user_id)
        assert lines == [*heading, "Status", "Details", *buttons]


async def test_status_tells_what_is_now_and_next_through_a_phase(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    await ana.me.close()
    assert (await status_lines(harness, BEN, "status"))[:6] == [
        "*🏁 Results sprint until Mon 7 Dec: ship the beta*",
        "14 days left · led by Ana",
        "*Results:* None yet.",
        "*Next questions:* Tue 24 Nov.",
        "*On hold:* Dark mode (Ben). Back on Tue 8 Dec.",
        "*Afterwards:* No new sprint before Wed 23 Dec.",
    ]

    await harness.wait(days=1, hours=1)
    lines = await status_lines(harness, BEN, "status")
    assert lines[3].startswith("*Questions:* Open now, until <!date^")

    await harness.travel_to(datetime(2026, 11, 30, 12, tzinfo=UTC))
    lines = await status_lines(harness, BEN, "status")
    assert lines[2:4] == [
        "*Results of the start:* Not enough answers to keep everyone anonymous.",
        "*Next questions:* Tue 1 Dec.",
    ]
    assert await status_lines(harness, ANA, "status") == lines


async def test_status_button_says_the_same_as_the_command(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    ben = Lead(harness, BEN)
    facts = await status_lines(harness, BEN, "status")
    await status_lines(harness, BEN)

    await ben.me.click("status.show")
    await harness.settle()

    assert shown(ben.me.ephemerals(LAUNCH)[-1]["blocks"]).splitlines() == facts


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
    ("button", "page"), [("phases.extend", "Extend"), ("phases.end", "Wrap Up")]
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
    await harness.travel_to(datetime(2026, 12, 11, 12, tzinfo=UTC))  # the last results are out
    assert await status_lines(harness, ANA, "status") == [
        "*No phase is running in this channel.*",
        "The last one: 🏁 Results sprint, ended on Mon 7 Dec.",
        "*Results of the last days:* Not enough answers to keep everyone anonymous.",
        "*Next questions:* Mon 21 Dec.",
        "*Recovery:* No new sprint before Wed 23 Dec.",
        "15 of the last 90 days in results sprints.",
        "Details",
        "History",
    ]
    unwrapped = (
        "🏁 Results sprint ended on Mon 7 Dec and isn't wrapped up yet. The channel is waiting for "
        "it."
    )
    lines = await status_lines(harness, ANA)
    assert lines[-4:] == [unwrapped, "Start a Phase", "Wrap Up", "Status"]
    assert "Wrap Up" not in await status_lines(harness, BEN)

    await status_lines(harness, ANA)
    await ana.me.click("phases.end")
    assert ana.page == "Wrap Up"
    await ana.sends(**WRAP_UP)
    await ana.me.close()

    assert (await status_lines(harness, ANA))[-2:] == ["Start a Phase", "Status"]


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
    assert "A two-week sprint needs no extra reason from Wed 23 Dec on." in lines


async def test_budget_without_any_sprint(harness: BotHarness) -> None:
    lines = await status_lines(harness, BEN, "budget", GENERAL)

    assert "No sprint in these 90 days." in lines
    assert "A two-week sprint needs no extra reason now." in lines
