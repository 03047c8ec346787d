"""Boundary values of the rules for rounds and messaging hours."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from bot.agenda.slots import within_hours
from bot.agenda.work_calendar import WEEKDAYS
from bot.phases.privacy import minimum_for
from bot.rounds import rules
from bot.rounds.rules import RoundKind, ask_time, leaves_time_to_answer, may_open, plan

LISBON = "Europe/Lisbon"
TUESDAY = datetime(2026, 11, 24, 10, tzinfo=UTC)
ONE_SECOND = timedelta(seconds=1)


def planned(starts_on: date, ends_on: date, weekday: int) -> list[tuple[str, str]]:
    return [
        (round_.kind.value, round_.on.isoformat()[5:])
        for round_ in plan(starts_on, ends_on, weekday, time(10), WEEKDAYS)
        if round_.kind is not RoundKind.AFTER
    ]


def days_of_rounds_after(days: int, starts_on: date = date(2026, 11, 23)) -> list[date]:
    rounds = plan(starts_on, starts_on + timedelta(days=days), 1, time(10), WEEKDAYS)
    return [round_.on for round_ in rounds if round_.kind is RoundKind.AFTER]


@pytest.mark.parametrize(
    ("team", "small", "large", "minimum"),
    [
        (4, 4, 5, 4),
        (3, 4, 5, None),
        (4, 5, 5, None),
        (7, 4, 6, 4),
        (8, 4, 6, 6),
        (7, 7, 9, 7),
        (8, 7, 9, None),
        (9, 7, 9, 9),
        (7, 3, 4, 4),  # never below the default minimum
        (8, 3, 4, 5),
    ],
)
def test_minimum_at_the_team_size_boundaries(
    team: int, small: int, large: int, minimum: int | None
) -> None:
    assert minimum_for(team, small, large) == minimum


@pytest.mark.parametrize(
    ("apart", "is_allowed"),
    [(timedelta(days=5), True), (timedelta(days=5) - ONE_SECOND, False), (timedelta(0), False)],
)
def test_rounds_must_be_five_days_apart_to_the_second(apart: timedelta, is_allowed: bool) -> None:
    assert may_open(TUESDAY + apart, TUESDAY) is is_allowed
    assert may_open(TUESDAY, None)


@pytest.mark.parametrize(
    ("weekday", "rounds"),
    [
        # The first comes on Tuesday 24: Monday 30 is six days later, Friday 27 only three.
        (0, [("first", "11-24"), ("weekly", "11-30"), ("closing", "12-07")]),
        (4, [("first", "11-24"), ("closing", "12-04")]),
        (3, [("first", "11-24"), ("closing", "12-03")]),
        # Wednesday 2 is five days before the end, so it is the closing round.
        (2, [("first", "11-24"), ("closing", "12-02")]),
    ],
)
def test_last_weekly_round_near_the_end_is_the_closing_round(
    weekday: int, rounds: list[tuple[str, str]]
) -> None:
    assert planned(date(2026, 11, 23), date(2026, 12, 7), weekday) == rounds


@pytest.mark.parametrize(
    ("ends_on", "rounds"),
    [
        # Six days after the last Tuesday, the closing round gets a day of its own.
        (date(2026, 12, 7), [("first", "11-24"), ("weekly", "12-01"), ("closing", "12-07")]),
        (date(2026, 12, 6), [("first", "11-24"), ("closing", "12-01")]),
        (date(2026, 11, 30), [("first", "11-24"), ("closing", "11-30")]),
        (date(2026, 11, 28), [("first", "11-24")]),  # the Friday before is too near the first round
        (date(2026, 11, 24), [("first", "11-24")]),
        (date(2026, 11, 23), [("first", "11-24")]),
    ],
)
def test_closing_round_is_planned_unless_too_near_the_first(
    ends_on: date, rounds: list[tuple[str, str]]
) -> None:
    assert planned(date(2026, 11, 23), ends_on, 1) == rounds


def test_planned_rounds_may_be_exactly_five_days_apart() -> None:
    """Started on a Thursday, the first comes on Friday 27; Wednesday 2 is five days later."""
    assert planned(date(2026, 11, 26), date(2026, 12, 2), 2) == [
        ("first", "11-27"),
        ("closing", "12-02"),
    ]
    assert planned(date(2026, 11, 26), date(2026, 12, 9), 2)[1] == ("weekly", "12-02")
    assert planned(date(2026, 11, 26), date(2026, 12, 8), 1)[1:] == [("closing", "12-08")]


@pytest.mark.parametrize(
    ("days", "on"),
    [
        (21, [date(2026, 12, 28)]),
        (22, [date(2026, 12, 29), date(2027, 1, 12)]),
        (12, [date(2026, 12, 21)]),  # from a Saturday to the Monday after the weekend
    ],
)
def test_phases_over_three_weeks_get_two_rounds_after_the_end(days: int, on: list[date]) -> None:
    assert days_of_rounds_after(days) == on


@pytest.mark.parametrize(
    ("late", "asked"),
    [
        (timedelta(0), True),
        (-timedelta(hours=1), True),
        (timedelta(hours=48) - ONE_SECOND, True),
        (timedelta(hours=48), False),
    ],
)
def test_nobody_is_asked_two_days_late(late: timedelta, asked: bool) -> None:
    now = TUESDAY + late
    assert ask_time(TUESDAY, now, LISBON, WEEKDAYS) == (max(now, TUESDAY) if asked else None)


def test_two_day_limit_counts_from_the_first_allowed_hour() -> None:
    """A slot on Friday at 22:00 moves to Monday 08:00, and the two days count from then."""
    friday = datetime(2026, 11, 27, 22, tzinfo=UTC)
    tuesday = datetime(2026, 12, 1, 22, tzinfo=UTC)
    assert ask_time(friday, friday, LISBON, WEEKDAYS) == datetime(2026, 11, 30, 8, tzinfo=UTC)
    assert ask_time(friday, tuesday - timedelta(days=1), LISBON, WEEKDAYS) == datetime(
        2026, 12, 1, 8, tzinfo=UTC
    )
    assert ask_time(friday, tuesday, LISBON, WEEKDAYS) is None


@pytest.mark.parametrize(
    ("left", "worth"), [(timedelta(hours=1), True), (timedelta(hours=1) - ONE_SECOND, False)]
)
def test_one_hour_left_is_enough_to_answer(left: timedelta, worth: bool) -> None:
    assert leaves_time_to_answer(TUESDAY - left, TUESDAY) is worth


def test_reminder_is_a_day_later_and_close_two_days_after_the_last_slot() -> None:
    assert rules.reminder_time(TUESDAY, LISBON, WEEKDAYS) == TUESDAY + timedelta(days=1)
    assert rules.closes_at([TUESDAY, TUESDAY - ONE_SECOND]) == TUESDAY + timedelta(hours=48)
    with pytest.raises(ValueError, match="empty"):
        rules.closes_at([])


@pytest.mark.parametrize(
    ("instant", "zone", "allowed"),
    [
        ("2026-11-24 08:00:00", LISBON, "2026-11-24 08:00:00"),
        ("2026-11-24 07:59:59", LISBON, "2026-11-24 08:00:00"),
        ("2026-11-24 20:00:00", LISBON, "2026-11-24 20:00:00"),
        ("2026-11-24 20:00:01", LISBON, "2026-11-25 08:00:00"),
        ("2026-11-27 20:00:00", LISBON, "2026-11-27 20:00:00"),
        ("2026-11-27 20:00:01", LISBON, "2026-11-30 08:00:00"),
        ("2026-11-28 12:00:00", LISBON, "2026-11-30 08:00:00"),
        ("2026-11-29 23:59:59", LISBON, "2026-11-30 08:00:00"),
        ("2026-11-30 00:00:00", LISBON, "2026-11-30 08:00:00"),
        # Friday evening on Lord Howe is morning in UTC; clocks change on Sunday in Berlin.
        ("2026-11-27 11:00:00", "Australia/Lord_Howe", "2026-11-29 21:00:00"),
        ("2027-03-26 19:30:00", "Europe/Berlin", "2027-03-29 06:00:00"),
        ("2026-10-23 18:30:00", "Europe/Berlin", "2026-10-26 07:00:00"),
        ("2026-11-24 12:00:00", None, "2026-11-24 12:00:00"),
        # Nobody is messaged on the afternoons of 24 and 31 December, which are Thursdays.
        ("2026-12-24 12:00:00", LISBON, "2026-12-24 12:00:00"),
        ("2026-12-24 12:00:01", LISBON, "2026-12-25 08:00:00"),
        ("2026-12-31 11:30:00", "Europe/Berlin", "2027-01-01 07:00:00"),
        ("2026-12-30 22:00:00", "Asia/Tokyo", "2026-12-30 23:00:00"),
    ],
)
def test_messages_are_allowed_on_weekdays_from_eight_to_twenty(
    instant: str, zone: str | None, allowed: str
) -> None:
    at = datetime.fromisoformat(instant).replace(tzinfo=UTC)

    assert f"{within_hours(at, zone, WEEKDAYS):%Y-%m-%d %H:%M:%S}" == allowed
