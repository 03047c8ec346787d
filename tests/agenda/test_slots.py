"""Wall-clock times become instants in every zone, on both days when the clocks change."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.agenda.slots import next_weekday, next_working_morning, slot, within_hours
from bot.agenda.work_calendar import WorkCalendar
from tests.agenda.calendars import CALENDARS

ZONES = st.sampled_from(sorted(name for name in available_timezones() if "/" in name))
DAYS = st.dates(date(2026, 1, 1), date(2030, 12, 31))
TIMES = st.times()
INSTANTS = st.builds(lambda day, at: datetime.combine(day, at, UTC), DAYS, st.times())


@given(DAYS, TIMES, ZONES)
def test_slot_is_at_its_local_time_or_right_after_a_clock_gap(
    on: date, at: time, zone: str
) -> None:
    shown = slot(on, at, zone).astimezone(ZoneInfo(zone)).replace(tzinfo=None)

    wanted = datetime.combine(on, at)
    assert shown >= wanted
    assert shown - wanted < timedelta(days=1, hours=1)
    if shown != wanted:
        a_moment_before = slot(on, at, zone) - timedelta(seconds=1)
        assert a_moment_before.astimezone(ZoneInfo(zone)).replace(tzinfo=None) < wanted


@pytest.mark.parametrize(
    ("on", "at", "zone", "instant"),
    [
        (date(2027, 3, 28), time(2, 30), "Europe/Paris", datetime(2027, 3, 28, 1, 0, tzinfo=UTC)),
        (date(2027, 3, 28), time(0, 0), "Asia/Beirut", datetime(2027, 3, 27, 22, 0, tzinfo=UTC)),
        (
            date(2026, 11, 1),
            time(1, 30),
            "America/New_York",
            datetime(2026, 11, 1, 5, 30, tzinfo=UTC),
        ),
        (
            date(2026, 11, 24),
            time(10, 0),
            "Asia/Kolkata",
            datetime(2026, 11, 24, 4, 30, tzinfo=UTC),
        ),
    ],
    ids=["gap", "gap at midnight", "first of two", "half-hour offset"],
)
def test_slot_when_clocks_change(on: date, at: time, zone: str, instant: datetime) -> None:
    assert slot(on, at, zone) == instant


@pytest.mark.parametrize("zone", [None, "", "Mars/Olympus", "../etc"])
def test_slot_in_an_unknown_zone_uses_the_default(zone: str | None) -> None:
    assert slot(date(2026, 11, 24), time(10), zone, "Europe/Lisbon").hour == 10


@given(INSTANTS, ZONES, CALENDARS)
def test_messages_come_within_the_hours_of_working_days_only(
    instant: datetime, zone: str, calendar: WorkCalendar
) -> None:
    allowed = within_hours(instant, zone, calendar)

    there = allowed.astimezone(ZoneInfo(zone))
    is_half_day = (there.month, there.day) in ((12, 24), (12, 31))
    assert allowed >= instant
    assert there.weekday() < 5
    assert not calendar.is_holiday(there.date())
    assert time(8) <= there.time() <= (time(12) if is_half_day else time(20))
    assert within_hours(allowed, zone, calendar) == allowed


@given(INSTANTS, ZONES, CALENDARS)
def test_next_working_morning_skips_only_weekends_and_holidays(
    instant: datetime, zone: str, calendar: WorkCalendar
) -> None:
    today = instant.astimezone(ZoneInfo(zone)).date()
    morning = next_working_morning(instant, zone, calendar).astimezone(ZoneInfo(zone)).date()

    assert morning > today
    assert calendar.is_working_day(morning)
    skipped = [today + timedelta(days=n) for n in range(1, (morning - today).days)]
    assert all(day.weekday() >= 5 or calendar.is_holiday(day) for day in skipped)


@given(DAYS, st.integers(1, 10), CALENDARS)
def test_working_day_before_reverses_working_day_after(
    day: date, count: int, calendar: WorkCalendar
) -> None:
    later = calendar.working_day_after(day, count)

    assert calendar.is_working_day(later)
    before = calendar.working_day_before(later, count)
    assert before <= day
    assert before == day or not calendar.is_working_day(day)


@given(DAYS, st.integers(0, 6))
def test_next_weekday_is_within_a_week(day: date, weekday: int) -> None:
    found = next_weekday(day, weekday)

    assert found.weekday() == weekday
    assert timedelta(days=1) <= found - day <= timedelta(days=7)
