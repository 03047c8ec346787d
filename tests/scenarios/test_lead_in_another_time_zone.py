"""A phase led from Tokyo: its days begin and end there, whoever looks at them from elsewhere.

The other leads of these scenarios live in Lisbon, whose days in winter are those of UTC.
"""

from datetime import UTC, datetime

import pytest

from tests.harness import BEN, EMI, LAUNCH, BotHarness
from tests.scenarios.lead import Lead, shown

#: Monday, 30 November in UTC, in Lisbon and in Lagos; Tuesday in Tokyo.
TUESDAY_IN_TOKYO = datetime(2026, 11, 30, 16, tzinfo=UTC)


@pytest.fixture
async def led_from_tokyo(harness: BotHarness) -> BotHarness:
    """A sprint that Emi announced on Monday, 23 November, for two weeks."""
    await Lead(harness, EMI).starts()
    await Lead(harness, EMI).me.close()
    await harness.travel_to(TUESDAY_IN_TOKYO)
    return harness


async def test_days_left_are_those_of_the_lead_wherever_they_are_read(
    led_from_tokyo: BotHarness,
) -> None:
    harness = led_from_tokyo
    ben = Lead(harness, BEN)

    announcement = shown(ben.me.visible(LAUNCH)[0]["blocks"])
    await ben.me.click("phase.details")
    details = shown(ben.blocks)
    await ben.me.close()
    await ben.me.open_home()
    await harness.settle()
    assert ben.me.home is not None

    for text in (announcement, details, shown(ben.me.home["blocks"])):
        assert "6 days left" in text


async def test_it_ends_at_five_in_tokyo(led_from_tokyo: BotHarness) -> None:
    harness = led_from_tokyo
    ben = Lead(harness, BEN)

    await harness.travel_to(datetime(2026, 12, 7, 7, 59, tzinfo=UTC))
    assert "Last day" in shown(ben.me.visible(LAUNCH)[0]["blocks"])
    await harness.travel_to(datetime(2026, 12, 7, 8, 0, tzinfo=UTC))

    assert "ended Mon 7 Dec" in shown(ben.me.visible(LAUNCH)[0]["blocks"])
