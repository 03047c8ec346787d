"""Edges of allowed hours, weekends and mornings."""

from datetime import UTC, date, datetime, time

import pytest

from bot.agenda.slots import (
    next_weekday,
    next_working_morning,
    slot,
    within_hours,
    zone_of,
)
from bot.agenda.work_calendar import WEEKDAYS
from bot.dates import day, days

LISBON, TOKYO = "Europe/Lisbon", "Asia/Tokyo"
FRIDAY, SATURDAY, SUNDAY = date(2026, 11, 20), date(2026, 11, 21), date(2026, 11, 22)
MONDAY, TUESDAY = date(2026, 11, 23), date(2026, 11, 24)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("instant", "allowed"),
    [
        ("2026-11-23T08:00:00", "2026-11-23T08:00:00"),
        ("2026-11-23T07:59:59", "2026-11-23T08:00:00"),
        ("2026-11-23T20:00:00", "2026-11-23T20:00:00"),
        ("2026-11-23T20:00:01", "2026-11-24T08:00:00"),
        ("2026-11-20T20:00:01", "2026-11-23T08:00:00"),  # a Friday
        ("2026-11-20T19:30:00", "2026-11-20T19:30:00"),
        ("2026-11-21T12:00:00", "2026-11-23T08:00:00"),
        ("2026-11-22T07:00:00", "2026-11-23T08:00:00"),
        ("2026-11-22T23:00:00", "2026-11-23T08:00:00"),
    ],
)
def test_within_hours(instant: str, allowed: str) -> None:
    assert within_hours(at(instant), LISBON, WEEKDAYS) == at(allowed)  # in winter, as in UTC


@pytest.mark.parametrize(
    ("instant", "zone", "allowed"),
    [
        ("2026-11-23T08:30:00", LISBON, "2026-11-23T09:00:00"),
        ("2026-11-23T20:30:00", LISBON, "2026-11-24T09:00:00"),
        ("2026-11-22T23:30:00", TOKYO, "2026-11-23T00:00:00"),
        ("2026-11-23T08:30:00", None, "2026-11-23T09:00:00"),
    ],
)
def test_within_hours_that_begin_later(instant: str, zone: str | None, allowed: str) -> None:
    assert within_hours(at(instant), zone, WEEKDAYS, time(9)) == at(allowed)


@pytest.mark.parametrize(
    ("today", "count", "after", "before"),
    [
        (FRIDAY, 1, MONDAY, date(2026, 11, 19)),
        (SATURDAY, 1, MONDAY, FRIDAY),
        (SUNDAY, 1, MONDAY, FRIDAY),
        (MONDAY, 1, TUESDAY, FRIDAY),
        (SATURDAY, 2, TUESDAY, date(2026, 11, 19)),
        (MONDAY, 5, date(2026, 11, 30), date(2026, 11, 16)),
        (MONDAY, 0, MONDAY, MONDAY),
    ],
)
def test_working_days(today: date, count: int, after: date, before: date) -> None:
    assert WEEKDAYS.working_day_after(today, count) == after
    assert WEEKDAYS.working_day_before(today, count) == before


def test_working_day_around_a_weekend() -> None:
    weekend = (FRIDAY, SATURDAY, SUNDAY, MONDAY)
    assert [WEEKDAYS.working_day_from(one) for one in weekend] == [FRIDAY, MONDAY, MONDAY, MONDAY]
    assert [WEEKDAYS.working_day_until(one) for one in weekend] == [FRIDAY, FRIDAY, FRIDAY, MONDAY]


@pytest.mark.parametrize(
    ("weekday", "found"), [(0, date(2026, 11, 30)), (1, TUESDAY), (6, date(2026, 11, 29))]
)
def test_next_weekday_is_never_today(weekday: int, found: date) -> None:
    assert next_weekday(MONDAY, weekday) == found


@pytest.mark.parametrize(
    ("instant", "zone", "morning"),
    [
        ("2026-11-23T08:00:00", LISBON, "2026-11-24T09:00:00"),
        ("2026-11-20T12:00:00", LISBON, "2026-11-23T09:00:00"),
        ("2026-11-23T16:00:00", TOKYO, "2026-11-25T00:00:00"),  # it is Tuesday there
        ("2026-11-23T12:00:00", None, "2026-11-24T09:00:00"),
    ],
)
def test_next_working_morning(instant: str, zone: str | None, morning: str) -> None:
    assert next_working_morning(at(instant), zone, WEEKDAYS) == at(morning)


def test_unknown_zone_falls_back_to_the_default() -> None:
    assert [zone_of(name, TOKYO).key for name in (None, "", "Mars/Olympus")] == [TOKYO] * 3
    assert (zone_of(LISBON, TOKYO).key, zone_of(None).key) == (LISBON, "UTC")
    assert slot(MONDAY, time(9), None, TOKYO) == at("2026-11-23T00:00:00")


def test_format_of_day_and_days() -> None:
    assert (day(date(2026, 12, 4)), day(date(2026, 12, 18))) == ("Fri 4 Dec", "Fri 18 Dec")
    assert [days(count) for count in (0, 1, 2)] == ["0 days", "1 day", "2 days"]
