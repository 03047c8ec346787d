"""People who move to another time zone while something waits to be said to them."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from tests.harness import ANA, LAUNCH, BotHarness
from tests.scenarios.lead import Lead

FAR = "America/Los_Angeles"
#: Saturday evening in Lisbon: the questions of Thursday are closed, the lead is told on Monday.
CLOSED = datetime(2026, 11, 28, 18, 0, tzinfo=UTC)


@pytest.mark.parametrize("zone", [FAR, "Asia/Kathmandu", "Pacific/Kiritimati"])
async def test_what_waits_for_monday_waits_for_it_where_they_are_now(
    harness: BotHarness, ana: Lead, zone: str
) -> None:
    await harness.travel_to(datetime(2026, 11, 25, 9, 0, tzinfo=UTC))
    await ana.starts()
    await harness.travel_to(CLOSED)
    assert results(harness) == []

    harness.slack.set_tz(ANA, zone)
    await harness.settle()
    await harness.wait(days=4)

    (told,) = results(harness)
    there = datetime.fromtimestamp(int(told["ts"].split(".")[0]), ZoneInfo(zone))
    assert there.weekday() in (0, 1)  # it may be Monday evening there
    assert time(8) <= there.time() <= time(20)


def results(harness: BotHarness) -> list[dict]:
    """What the lead was told of the first questions."""
    found = harness.slack.as_user(ANA).dm_with_bot()
    return [one for one in found if LAUNCH in str(one["blocks"]) and "answer" in one["text"]]
