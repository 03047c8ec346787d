"""Rounds across daylight saving changes, for people in many time zones."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.clock import AdjustableClock
from bot.db.engine import Database
from bot.rounds.lifecycle import plan_rounds
from bot.services import Services
from tests.harness import ANA, MEMBERS, WORKSPACE
from tests.rounds.evidence import agenda_of, carry_out
from tests.rounds.round_rows import a_person, a_phase, the_phase

ZONE_OF = dict(
    zip(
        (ANA, *MEMBERS),
        (
            "Europe/Berlin",
            "America/New_York",
            "Australia/Lord_Howe",
            "Asia/Kolkata",
            "Asia/Kathmandu",
            "Pacific/Apia",
            "Africa/Casablanca",
            "Europe/Lisbon",
        ),
        strict=True,
    )
)
#: First and last day of a phase: across the start of daylight saving time in the south, its end in
#: the north, and both changes of the northern spring.
SPANS = [
    (date(2027, 9, 20), date(2027, 10, 15)),
    (date(2027, 10, 18), date(2027, 11, 12)),
    (date(2027, 3, 8), date(2027, 4, 9)),
]


@pytest.mark.parametrize(("starts_on", "ends_on"), SPANS)
async def test_everyone_is_asked_at_ten_local_time_across_dst_changes(
    db: Database, services: Services, clock: AdjustableClock, starts_on: date, ends_on: date
) -> None:
    now = datetime.combine(starts_on, time(9), UTC)
    clock.move_to(now)
    async with db.transaction() as tx:
        for user_id, zone in ZONE_OF.items():
            await a_person(tx, user_id, zone=zone, refreshed_at=now + timedelta(days=365))
        await a_phase(tx, starts_on=starts_on, ends_on=ends_on, zone="Europe/Berlin")
        await plan_rounds(tx, WORKSPACE, await the_phase(tx), now)
    weekly = {
        subject: due_at
        for subject, due_at in (await agenda_of(db, "open_round")).items()
        if ":weekly:" in subject
    }
    assert len(weekly) >= 2

    for subject, due_at in sorted(weekly.items()):
        before = set(await agenda_of(db, "ask"))
        clock.move_to(due_at)
        await carry_out(services, "open_round", subject)
        asks = {key: at for key, at in (await agenda_of(db, "ask")).items() if key not in before}
        local_times = {
            at.astimezone(ZoneInfo(ZONE_OF[key.split(":")[1]])).replace(tzinfo=None)
            for key, at in asks.items()
        }
        on = date.fromisoformat(subject.split(":")[2])
        assert len(asks) == len(ZONE_OF)
        assert local_times == {datetime.combine(on, time(10))}
