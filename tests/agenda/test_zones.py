"""Schedules follow local time in real zones, across real clock changes."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.agenda.slots import next_working_morning, slot, within_hours
from bot.agenda.work_calendar import WEEKDAYS
from bot.rounds.rules import OPEN_FOR, RoundKind, ask_time, closes_at, plan, reminder_time

#: Clock changes of an hour and of half an hour, offsets of 30 and 45 minutes without changes, a
#: zone that abolished summer time, and one that suspends it for Ramadan.
ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "Africa/Casablanca",
)
#: Zone, wanted local time, local time of the slot, and the slot in UTC.
NIGHTS = [
    ("Europe/Berlin", "2027-03-28T02:30", "2027-03-28T03:00", "2027-03-28T01:00"),
    ("Europe/Berlin", "2027-10-31T02:30", "2027-10-31T02:30", "2027-10-31T00:30"),
    ("America/New_York", "2027-03-14T02:00", "2027-03-14T03:00", "2027-03-14T07:00"),
    ("America/New_York", "2027-11-07T01:59", "2027-11-07T01:59", "2027-11-07T05:59"),
    ("Australia/Lord_Howe", "2027-10-03T02:15", "2027-10-03T02:30", "2027-10-02T15:30"),
    ("Australia/Lord_Howe", "2027-10-03T02:30", "2027-10-03T02:30", "2027-10-02T15:30"),
    ("Australia/Lord_Howe", "2027-04-04T01:45", "2027-04-04T01:45", "2027-04-03T14:45"),
    ("Africa/Casablanca", "2027-02-07T02:30", "2027-02-07T02:30", "2027-02-07T01:30"),
    ("Africa/Casablanca", "2027-03-14T02:30", "2027-03-14T03:00", "2027-03-14T02:00"),
]
#: A phase from any of these days spans a clock change in at least one zone.
STARTS = st.sampled_from(
    [date(2027, 1, 25), date(2027, 3, 1), date(2027, 3, 22), date(2027, 9, 20), date(2027, 10, 18)]
)
INSTANTS = st.builds(
    lambda day, at: datetime.combine(day, at, UTC),
    st.dates(date(2027, 1, 1), date(2027, 12, 31)),
    st.times(),
)


def local_time(instant: datetime, zone: str) -> datetime:
    return instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


@pytest.mark.parametrize(("zone", "wanted", "shown", "instant"), NIGHTS)
def test_slot_on_a_night_with_a_clock_change(
    zone: str, wanted: str, shown: str, instant: str
) -> None:
    local = datetime.fromisoformat(wanted)

    found = slot(local.date(), local.time(), zone)

    assert found == datetime.fromisoformat(instant).replace(tzinfo=UTC)
    assert local_time(found, zone) == datetime.fromisoformat(shown)


@given(STARTS, st.integers(0, 4), st.times(time(8), time(20)), st.sampled_from(ZONES))
def test_weekly_rounds_keep_their_local_time_across_a_clock_change(
    starts_on: date, weekday: int, at: time, zone: str
) -> None:
    for planned in plan(starts_on, starts_on + timedelta(days=25), weekday, at, WEEKDAYS):
        when = slot(planned.on, at, zone)

        assert local_time(when, zone) == datetime.combine(planned.on, at)
        if planned.kind is not RoundKind.FIRST:  # always in the morning, whatever `at` is
            assert within_hours(when, zone, WEEKDAYS) == when
            assert ask_time(when, when - timedelta(days=1), zone, WEEKDAYS) == when


@given(STARTS, st.integers(0, 30), st.times(time(8), time(20)))
def test_round_closes_two_days_after_its_last_slot_in_any_zone(
    starts_on: date, later: int, at: time
) -> None:
    on = starts_on + timedelta(days=later)
    slots = [slot(on, at, zone) for zone in ZONES]

    assert closes_at(slots) - max(slots) == OPEN_FOR
    assert closes_at(slots) - min(slots) < OPEN_FOR + timedelta(hours=27)


@given(
    INSTANTS,
    st.sampled_from(ZONES),
)
def test_reminders_and_mornings_fall_within_allowed_hours(instant: datetime, zone: str) -> None:
    reminded = local_time(reminder_time(instant, zone, WEEKDAYS), zone)
    morning = local_time(next_working_morning(instant, zone, WEEKDAYS), zone)

    assert time(8) <= reminded.time() <= time(20)
    assert reminded.weekday() < 5
    assert (morning.time(), morning.date() > local_time(instant, zone).date()) == (time(9), True)


@given(
    INSTANTS,
    st.sampled_from(ZONES),
    st.sampled_from(ZONES),
)
def test_question_after_a_zone_change_comes_in_allowed_hours_or_not_at_all(
    now: datetime, old: str, new: str
) -> None:
    """Planned for ten o'clock in the old zone, asked at ten in the new one or soon after."""
    on = local_time(now, old).date()
    found = ask_time(slot(on, time(10), new), now, new, WEEKDAYS)
    if found is None:
        return

    there = local_time(found, new)
    assert found >= now
    assert there.weekday() < 5
    assert time(8) <= there.time() <= time(20)
