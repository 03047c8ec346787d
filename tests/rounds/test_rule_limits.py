"""The exact limits of the rules of rounds and deliveries: the last value on each side of them."""

from datetime import UTC, date, datetime, timedelta

import pytest

from bot.agenda.slots import within_hours
from bot.phases.privacy import minimum_for
from bot.rounds import rules
from bot.rounds.rules import RoundKind, asked_at, is_worth_asking, may_open, plan

LISBON = "Europe/Lisbon"
TUESDAY = datetime(2026, 11, 24, 10, tzinfo=UTC)
MOMENT = timedelta(seconds=1)


def planned(starts_on: date, ends_on: date, weekday: int) -> list[tuple[str, str]]:
    return [
        (one.kind.value, one.on.isoformat()[5:])
        for one in plan(starts_on, ends_on, weekday)
        if one.kind is not RoundKind.AFTER
    ]


def after(days: int, starts_on: date = date(2026, 11, 23)) -> list[date]:
    rounds = plan(starts_on, starts_on + timedelta(days=days), 1)
    return [one.on for one in rounds if one.kind is RoundKind.AFTER]


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
        (7, 3, 4, 4),  # never below ours
        (8, 3, 4, 5),
    ],
)
def test_the_minimum_at_both_sides_of_each_team_size(
    team: int, small: int, large: int, minimum: int | None
) -> None:
    assert minimum_for(team, small, large) == minimum


@pytest.mark.parametrize(
    ("apart", "may"),
    [(timedelta(days=5), True), (timedelta(days=5) - MOMENT, False), (timedelta(0), False)],
)
def test_two_rounds_are_five_days_apart_to_the_second(apart: timedelta, may: bool) -> None:
    assert may_open(TUESDAY + apart, TUESDAY) is may
    assert may_open(TUESDAY, None)


@pytest.mark.parametrize(
    ("weekday", "rounds"),
    [
        # The first comes on Tuesday 24: Monday 30 is six days later, Friday 27 only three.
        (0, [("first", "11-24"), ("weekly", "11-30"), ("closing", "12-07")]),
        (4, [("first", "11-24"), ("closing", "12-04")]),
        (3, [("first", "11-24"), ("closing", "12-03")]),
        # Wednesday 2 is five days before the end: it is the closing one.
        (2, [("first", "11-24"), ("closing", "12-02")]),
    ],
)
def test_which_weekly_round_is_the_closing_one(weekday: int, rounds: list[tuple[str, str]]) -> None:
    assert planned(date(2026, 11, 23), date(2026, 12, 7), weekday) == rounds


@pytest.mark.parametrize(
    ("ends_on", "rounds"),
    [
        # Six days after the last Tuesday the closing one has a day of its own.
        (date(2026, 12, 7), [("first", "11-24"), ("weekly", "12-01"), ("closing", "12-07")]),
        (date(2026, 12, 6), [("first", "11-24"), ("closing", "12-01")]),
        (date(2026, 11, 30), [("first", "11-24"), ("closing", "11-30")]),
        (date(2026, 11, 28), [("first", "11-24")]),  # the Friday before is too near
        (date(2026, 11, 24), [("first", "11-24")]),
        (date(2026, 11, 23), [("first", "11-24")]),
    ],
)
def test_a_closing_round_is_not_near_the_first(
    ends_on: date, rounds: list[tuple[str, str]]
) -> None:
    assert planned(date(2026, 11, 23), ends_on, 1) == rounds


def test_exactly_five_days_between_two_planned_rounds_are_enough() -> None:
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
def test_one_round_after_short_phases_and_two_after_those_over_three_weeks(
    days: int, on: list[date]
) -> None:
    assert after(days) == on


@pytest.mark.parametrize(
    ("late", "asked"),
    [
        (timedelta(0), True),
        (-timedelta(hours=1), True),
        (timedelta(hours=48) - MOMENT, True),
        (timedelta(hours=48), False),
    ],
)
def test_nobody_is_asked_two_days_late(late: timedelta, asked: bool) -> None:
    now = TUESDAY + late
    assert asked_at(TUESDAY, now, LISBON) == (max(now, TUESDAY) if asked else None)


def test_two_days_are_counted_from_the_welcome_hour_and_not_from_the_night() -> None:
    """Planned for Friday at 22:00 is Monday at eight; Tuesday night is one day later."""
    friday = datetime(2026, 11, 27, 22, tzinfo=UTC)
    tuesday = datetime(2026, 12, 1, 22, tzinfo=UTC)
    assert asked_at(friday, friday, LISBON) == datetime(2026, 11, 30, 8, tzinfo=UTC)
    assert asked_at(friday, tuesday - timedelta(days=1), LISBON) == datetime(
        2026, 12, 1, 8, tzinfo=UTC
    )
    assert asked_at(friday, tuesday, LISBON) is None


@pytest.mark.parametrize(
    ("left", "worth"), [(timedelta(hours=1), True), (timedelta(hours=1) - MOMENT, False)]
)
def test_an_hour_is_enough_to_answer(left: timedelta, worth: bool) -> None:
    assert is_worth_asking(TUESDAY - left, TUESDAY) is worth


def test_a_reminder_comes_a_day_later_and_the_close_two_days_after_the_last() -> None:
    assert rules.remind_at(TUESDAY, LISBON) == TUESDAY + timedelta(days=1)
    assert rules.closes_at([TUESDAY, TUESDAY - MOMENT]) == TUESDAY + timedelta(hours=48)
    with pytest.raises(ValueError, match="empty"):
        rules.closes_at([])


@pytest.mark.parametrize(
    ("there", "zone", "allowed"),
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
        # In Lord Howe Friday evening is UTC's morning; clocks go forward on Sunday in Berlin.
        ("2026-11-27 11:00:00", "Australia/Lord_Howe", "2026-11-29 21:00:00"),
        ("2027-03-26 19:30:00", "Europe/Berlin", "2027-03-29 06:00:00"),
        ("2026-10-23 18:30:00", "Europe/Berlin", "2026-10-26 07:00:00"),
        ("2026-11-24 12:00:00", None, "2026-11-24 12:00:00"),
    ],
)
def test_messages_are_welcome_from_eight_to_eight_on_weekdays(
    there: str, zone: str | None, allowed: str
) -> None:
    instant = datetime.fromisoformat(there).replace(tzinfo=UTC)

    assert f"{within_hours(instant, zone):%Y-%m-%d %H:%M:%S}" == allowed
