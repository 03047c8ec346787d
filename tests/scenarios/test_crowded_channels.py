"""Channels of thousands: Slack takes a tenth of a second for each page while somebody waits."""

import pytest

from bot.start import eligibility
from tests.harness import BEN, CHIARA, DEV, EMI, LAUNCH, BotHarness
from tests.scenarios.lead import CLEAR, SPRINT, Lead, shown

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
#: Calls in a row that fit into Slack's three seconds, at 120 ms each.
AFFORDABLE_CALLS = 20


def member_pages(harness: BotHarness) -> int:
    return [call.method for call in harness.slack.calls].count("conversations.members")


async def test_phase_starts_in_a_channel_of_thousands(harness: BotHarness, ana: Lead) -> None:
    harness.slack.crowd(LAUNCH, 5_000)
    harness.slack.faults.latency = 0.12
    await harness.settle()
    await ana.types("results 2w")
    await harness.settle()
    promise = {name: text for name, text in SPRINT.items() if name != "start.owner.0"}
    for page in (CLEAR, {**promise, "start.members": [BEN, CHIARA, DEV, EMI]}, {}):
        before = member_pages(harness)
        assert await ana.sends(**page) == {}
        assert member_pages(harness) - before < AFFORDABLE_CALLS

    assert ana.page == "Announced"
    harness.slack.faults.latency = 0
    await harness.settle()
    assert sum(call.method == "users.info" for call in harness.slack.calls) < 30


async def test_channel_too_large_to_read_is_refused_with_a_reason(
    harness: BotHarness, ana: Lead, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(eligibility, "MOST_MEMBERS", 999)
    harness.slack.crowd(LAUNCH, 1_200)
    await ana.types("results 2w")
    await harness.settle()

    assert "More than 999 people are in this channel" in shown(ana.blocks)
