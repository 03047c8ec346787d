"""A phase that starts while the lead's day is not UTC's: its days are the lead's."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from bot.clock import AdjustableClock
from bot.db import schema
from bot.services import Services
from tests.start.proposals import SPRINT, begin
from tests.start.test_begin import rows


@pytest.mark.parametrize(
    ("zone", "now", "today", "left"),
    [
        ("Pacific/Auckland", datetime(2026, 11, 23, 20, tzinfo=UTC), date(2026, 11, 24), 13),
        ("Pacific/Pago_Pago", datetime(2026, 11, 24, 5, tzinfo=UTC), date(2026, 11, 23), 14),
    ],
)
async def test_announcement_counts_the_leads_days(
    services: Services, clock: AdjustableClock, zone: str, now: datetime, today: date, left: int
) -> None:
    clock.move_to(now)

    await begin(services, replace(SPRINT, zone=zone, starts_on=today))

    (announced,) = [
        row["payload"]
        for row in await rows(services, schema.messages)
        if row["key"].startswith("announcement:")
    ]
    assert f"{left} days left" in str(announced)
