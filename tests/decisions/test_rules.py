"""The day of a decision, and when it is late."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.agenda.work_calendar import WEEKDAYS
from bot.decisions.rules import decision_day, undecided_at
from bot.phases.budget import Span
from bot.rounds.rules import plan

STARTS = date(2026, 11, 23)  # a Monday
TWO_WEEKS = Span(starts_on=STARTS, ends_on=date(2026, 12, 7))
#: Tuesdays; the leads read the results on Thursdays.
ASKED = [date(2026, 11, 24), date(2026, 12, 1)]


@pytest.mark.parametrize(
    ("chosen", "decided"),
    [
        (None, date(2026, 11, 26)),  # the leads are asked to end or extend on 3 Dec
        (date(2026, 11, 25), date(2026, 11, 26)),
        (date(2026, 11, 29), date(2026, 11, 26)),
        (date(2026, 12, 4), date(2026, 12, 3)),
        (date(2026, 12, 7), date(2026, 12, 3)),
    ],
)
def test_decision_comes_with_the_results_nearest_to_the_chosen_day(
    chosen: date | None, decided: date
) -> None:
    assert decision_day(chosen, TWO_WEEKS, ASKED, WEEKDAYS) == decided


@pytest.mark.parametrize(
    ("chosen", "decided"),
    [
        (None, date(2026, 11, 30)),
        (date(2026, 11, 25), date(2026, 11, 25)),
        (date(2026, 11, 28), date(2026, 11, 30)),
    ],
)
def test_decision_without_questions_comes_on_a_working_day(
    chosen: date | None, decided: date
) -> None:
    assert decision_day(chosen, TWO_WEEKS, [], WEEKDAYS) == decided


def test_weekend_at_the_end_moves_the_decision_forward() -> None:
    span = Span(starts_on=STARTS, ends_on=date(2026, 11, 29))

    assert decision_day(date(2026, 11, 29), span, [], WEEKDAYS) == date(2026, 11, 27)


@given(
    length=st.integers(1, 84),
    shift=st.integers(0, 6),
    weekday=st.integers(0, 6),
    chosen=st.none() | st.integers(1, 84),
)
def test_decision_is_on_a_working_day_of_the_phase(
    length: int, shift: int, weekday: int, chosen: int | None
) -> None:
    starts_on = STARTS + timedelta(days=shift)
    span = Span(starts_on=starts_on, ends_on=starts_on + timedelta(days=length))
    rounds = plan(span.starts_on, span.ends_on, weekday, time(10), WEEKDAYS)
    wanted = None if chosen is None else starts_on + timedelta(days=min(chosen, length))

    decided = decision_day(wanted, span, [planned.on for planned in rounds], WEEKDAYS)

    assert WEEKDAYS.is_working_day(decided)
    assert decided <= span.ends_on
    # A phase over a weekend has no working day after its first.
    assert decided > span.starts_on or length <= 2


@pytest.mark.parametrize(
    ("asked_at", "late_at"),
    [
        (datetime(2026, 12, 3, 10, tzinfo=UTC), datetime(2026, 12, 7, 10, tzinfo=UTC)),
        (datetime(2026, 12, 1, 9, tzinfo=UTC), datetime(2026, 12, 3, 9, tzinfo=UTC)),
        (datetime(2026, 12, 1, 22, tzinfo=UTC), datetime(2026, 12, 4, 8, tzinfo=UTC)),
    ],
)
def test_decision_is_late_after_two_working_days(asked_at: datetime, late_at: datetime) -> None:
    assert undecided_at(asked_at, "Europe/Lisbon", WEEKDAYS) == late_at
