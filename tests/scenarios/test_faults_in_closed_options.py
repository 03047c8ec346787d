"""Faults of the start form in inputs that are not on the page: the page shows them, with why."""

import pytest

from bot.db import schema
from tests.harness import HANA, LAUNCH, MEMBERS, OWNER, BotHarness
from tests.scenarios.lead import CLEAR, SPRINT, Lead, count, shown

MEMBERS_BLOCK = "start.members"


@pytest.fixture
async def at_promise(harness: BotHarness, ana: Lead) -> Lead:
    """Ana has filled in page 2; the team of the channel was read, and More options is closed."""
    await harness.settle()
    await ana.types("results 2w")
    await ana.sends(**CLEAR)
    assert MEMBERS_BLOCK not in ana.inputs
    return ana


async def test_a_member_who_left_meanwhile_is_named_above_the_team(
    harness: BotHarness, at_promise: Lead
) -> None:
    harness.slack.leave(LAUNCH, HANA)

    assert await at_promise.sends(**SPRINT) == {}

    assert at_promise.page == "The promise"
    assert "Hana isn't in this channel" in shown(at_promise.blocks)
    assert sorted(at_promise.typed(MEMBERS_BLOCK)) == sorted(MEMBERS)
    assert at_promise.typed("start.text.milestone") == SPRINT["start.text.milestone"]

    others = [user_id for user_id in MEMBERS if user_id != HANA]
    assert await at_promise.sends(**{MEMBERS_BLOCK: others}) == {}
    assert at_promise.page == "Preview"


async def test_a_fault_on_the_page_is_told_first_and_the_options_open_with_the_next(
    harness: BotHarness, at_promise: Lead
) -> None:
    harness.slack.leave(LAUNCH, HANA)

    errors = await at_promise.sends(**{**SPRINT, "start.text.ask": "x " * 200})
    assert list(errors) == ["start.text.ask"]
    assert await at_promise.sends(**SPRINT) == {}

    assert MEMBERS_BLOCK in at_promise.inputs
    assert "Hana isn't in this channel" in shown(at_promise.blocks)


async def test_a_channel_that_only_the_lead_is_left_in_is_refused_before_anything_is_typed(
    harness: BotHarness, ana: Lead
) -> None:
    for user_id in (*MEMBERS, OWNER):
        harness.slack.leave(LAUNCH, user_id)
    await harness.settle()
    await ana.types("results 2w")

    errors = await ana.sends(**CLEAR)

    assert "Nobody else who could be on the team" in str(errors)
    assert ana.page == "Is this the moment?"
    assert await count(harness, schema.phases) == 0
