"""Rules for late questions: asked in the person's next messaging hours, or not at all."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.agenda.slots import slot, within_hours, within_hours_if_late
from bot.agenda.work_calendar import WEEKDAYS
from bot.rounds.rules import (
    MIN_APART,
    MIN_TIME_TO_ANSWER,
    OPEN_FOR,
    ask_time,
    leaves_time_to_answer,
    may_open,
)

ZONES = st.sampled_from(sorted(name for name in available_timezones() if "/" in name))
WORKING_DAYS = st.dates(date(2026, 1, 1), date(2030, 12, 31)).filter(WEEKDAYS.is_working_day)
#: Times that a phase may choose for its questions.
TIMES = st.times(time(8), time(20))
DELAYS = st.timedeltas(timedelta(0), timedelta(weeks=6))
BERLIN = "Europe/Berlin"


@given(WORKING_DAYS, TIMES, ZONES, st.timedeltas(timedelta(0), timedelta(days=2)))
def test_question_asked_in_time_is_sent_at_its_slot(
    on: date, at: time, zone: str, early: timedelta
) -> None:
    planned = slot(on, at, zone)

    assert ask_time(planned, planned - early, zone, WEEKDAYS) == within_hours(
        planned, zone, WEEKDAYS
    )


@given(WORKING_DAYS, TIMES, ZONES, DELAYS)
def test_late_question_is_sent_in_messaging_hours_within_two_days(
    on: date, at: time, zone: str, late: timedelta
) -> None:
    assume(WEEKDAYS.is_working_day(on, at))  # no slot is in the afternoon of a half day
    planned = slot(on, at, zone)
    now = planned + late
    asked = ask_time(planned, now, zone, WEEKDAYS)

    if late >= OPEN_FOR + timedelta(hours=1):  # a daylight saving change may shift the hours by one
        assert asked is None
    if asked is None:
        assert within_hours(now, zone, WEEKDAYS) >= planned + OPEN_FOR
        return
    local = asked.astimezone(ZoneInfo(zone))
    assert asked >= now
    assert WEEKDAYS.is_working_day(local.date())
    assert time(8) <= local.time() <= time(20)


@given(WORKING_DAYS, TIMES, ZONES, DELAYS)
def test_late_round_never_blocks_next_weeks_round(
    on: date, at: time, zone: str, late: timedelta
) -> None:
    planned = slot(on, at, zone)
    now = planned + late
    following = slot(on + timedelta(days=7), at, zone)
    if ask_time(planned, now, zone, WEEKDAYS) is None:
        return

    def local_time(instant: datetime) -> datetime:
        return instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)

    hour = timedelta(hours=1)  # for a daylight saving change between the two
    assert may_open(local_time(following) + hour, local_time(max(planned, now)))
    assert following - max(planned, now) > MIN_APART - 2 * hour


@pytest.mark.parametrize(
    ("now", "asked"),
    [
        ("2026-11-20T03:00", "2026-11-20T10:00"),  # in time
        ("2026-11-20T14:00", "2026-11-20T14:00"),  # four hours late, the same day
        ("2026-11-20T23:00", None),  # Friday night: Monday would be seventy hours late
        ("2026-11-22T12:00", None),
    ],
)
def test_late_friday_questions_are_sent_the_same_day_or_dropped(
    now: str, asked: str | None
) -> None:
    planned = slot(date(2026, 11, 20), time(10), BERLIN)
    here = ZoneInfo(BERLIN)

    found = ask_time(planned, datetime.fromisoformat(now).replace(tzinfo=here), BERLIN, WEEKDAYS)

    assert found == (asked and datetime.fromisoformat(asked).replace(tzinfo=here))


@pytest.mark.parametrize(
    ("late", "shown_at"),
    [
        (timedelta(0), "2026-11-21T17:00"),  # a Saturday, but on time
        (timedelta(minutes=15), "2026-11-21T17:15"),
        (timedelta(minutes=16), "2026-11-23T08:00"),
        (timedelta(days=5, hours=10), "2026-11-27T08:00"),  # the bot is back at 03:00
    ],
)
def test_late_channel_message_waits_for_messaging_hours(late: timedelta, shown_at: str) -> None:
    due_at = slot(date(2026, 11, 21), time(17), BERLIN)

    found = within_hours_if_late(due_at, due_at + late, BERLIN, WEEKDAYS)

    assert found.astimezone(ZoneInfo(BERLIN)).replace(tzinfo=None) == datetime.fromisoformat(
        shown_at
    )


def test_question_needs_an_hour_left_to_answer() -> None:
    closes = datetime(2026, 11, 26, 9, tzinfo=UTC)

    assert leaves_time_to_answer(closes - MIN_TIME_TO_ANSWER, closes)
    assert not leaves_time_to_answer(closes - MIN_TIME_TO_ANSWER + timedelta(seconds=1), closes)
