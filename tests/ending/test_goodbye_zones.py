"""Goodbyes and late lines come in the hours of each member's own time zone."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.clock import AdjustableClock
from bot.ending.wrap_up import wrap_up
from bot.playground.server import FakeSlack
from bot.services import Services
from tests.ending.phase_rows import ENDS_AT, SAID, by, carry_out, planned, running
from tests.harness import ANA, MEMBERS

THANKED = replace(SAID, lines=dict.fromkeys(MEMBERS, "You held the line."))


def expected(slack: FakeSlack, now: datetime) -> dict[str, datetime]:
    """Return when each member may next be written to; `now` is no Friday evening or weekend."""
    found = {}
    for user_id in MEMBERS:
        here = now.astimezone(ZoneInfo(slack.workspace.users[user_id].tz or "UTC"))
        morning = here.replace(hour=8, minute=0)
        if here.time() > time(20):
            morning += timedelta(days=1)
        is_welcome = time(8) <= here.time() <= time(20)
        found[user_id] = now if is_welcome else morning.astimezone(UTC)
    return found


@pytest.mark.parametrize("hour", [3, 17, 22])
async def test_wrap_up_brings_goodbyes_forward_to_each_members_hours(
    services: Services, fake_slack: FakeSlack, clock: AdjustableClock, hour: int
) -> None:
    phase_id = await running(services)
    clock.move_to(ENDS_AT)
    await carry_out(services, "end_phase")
    now = datetime(2026, 12, 8, hour, 30, tzinfo=UTC)
    clock.move_to(now)

    await wrap_up(services, by(ANA, phase_id), SAID)

    assert await planned(services, "send_goodbye") == expected(fake_slack, now)


async def test_line_after_the_goodbye_comes_in_each_members_hours(
    services: Services, fake_slack: FakeSlack, clock: AdjustableClock
) -> None:
    phase_id = await running(services)
    clock.move_to(ENDS_AT)
    await carry_out(services, "end_phase")
    clock.move_to(ENDS_AT + timedelta(days=7))
    await carry_out(services, "send_goodbye")
    now = datetime(2026, 12, 15, 22, 30, tzinfo=UTC)
    clock.move_to(now)

    await wrap_up(services, by(ANA, phase_id), THANKED)

    assert await planned(services, "send_late_thanks") == expected(fake_slack, now)
