"""People who change their time zone while a message to them is pending."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from tests.harness import ANA, LAUNCH, BotHarness
from tests.scenarios.lead import Lead

FAR = "America/Los_Angeles"
#: Saturday evening in Lisbon: Thursday's round has closed, the lead gets the results on Monday.
CLOSED = datetime(2026, 11, 28, 18, 0, tzinfo=UTC)


@pytest.mark.parametrize("zone", [FAR, "Asia/Kathmandu", "Pacific/Kiritimati"])
async def test_results_waiting_for_monday_follow_the_leads_new_time_zone(
    harness: BotHarness, ana: Lead, zone: str
) -> None:
    await harness.travel_to(datetime(2026, 11, 25, 9, 0, tzinfo=UTC))
    await ana.starts()
    await harness.travel_to(CLOSED)
    assert result_messages(harness) == []

    harness.slack.set_tz(ANA, zone)
    await harness.settle()
    await harness.wait(days=4)

    (result,) = result_messages(harness)
    local_time = datetime.fromtimestamp(int(result["ts"].split(".")[0]), ZoneInfo(zone))
    assert local_time.weekday() in (0, 1)  # it may be Monday evening there
    assert time(8) <= local_time.time() <= time(20)


def result_messages(harness: BotHarness) -> list[dict]:
    """Return the messages to the lead with the results of the first round."""
    found = harness.slack.as_user(ANA).dm_with_bot()
    return [one for one in found if LAUNCH in str(one["blocks"]) and "answer" in one["text"]]
