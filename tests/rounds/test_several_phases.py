"""A person in several phases is asked about each on a day of its own."""

from collections.abc import Sequence
from datetime import date, time, timedelta
from itertools import combinations, pairwise, permutations

from hypothesis import given
from hypothesis import strategies as st

from bot.agenda.work_calendar import WEEKDAYS, WorkCalendar
from bot.rounds.rules import MIN_APART, WantedDay, day_to_ask
from tests.agenda.calendars import CALENDARS

MONDAY = date(2027, 3, 1)
WEEK = timedelta(days=7)
TIMES = st.times(time(8), time(20))
#: The weekday and the time of each phase's questions, the oldest phase first.
PHASES = st.lists(st.tuples(st.integers(0, 4), TIMES), min_size=1, max_size=3)

Phases = list[tuple[int, time]]


def ask_in_week(
    monday: date,
    phases: Phases,
    asked: list[list[date]],
    order: Sequence[int],
    calendar: WorkCalendar,
) -> None:
    """Add to `asked` the day on which each phase asks in this week; they open in this order."""

    def wanted(number: int, week: date = monday) -> WantedDay:
        weekday, at = phases[number]
        on = calendar.working_day_from(week + timedelta(days=weekday), at)
        return WantedDay(on=on, at=at, last_asked=max(asked[number], default=None))

    opened: set[int] = set()
    for number in order:
        own = wanted(number)
        older = [
            wanted(other, week)
            for other in range(number)
            for week in (monday, monday + WEEK)
            if not (other in opened and week == monday)
        ]
        near = [other for other in older if abs(other.on - own.on) < MIN_APART]
        taken = {day for other, days in enumerate(asked) if other != number for day in days}
        asked[number].append(day_to_ask(own, near, taken, calendar))
        opened.add(number)


@given(st.data(), PHASES)
def test_person_in_three_phases_is_asked_on_three_days_of_each_week(
    data: st.DataObject, phases: Phases
) -> None:
    asked: list[list[date]] = [[] for _ in phases]
    for week in range(5):
        order = data.draw(st.permutations(range(len(phases))))
        ask_in_week(MONDAY + week * WEEK, phases, asked, order, WEEKDAYS)

    assert all(set(one).isdisjoint(other) for one, other in combinations(asked, 2))
    for days in asked:
        assert all(map(WEEKDAYS.is_working_day, days))
        assert all(later - earlier >= MIN_APART for earlier, later in pairwise(days))


@given(PHASES)
def test_days_do_not_depend_on_which_phase_opens_first(phases: Phases) -> None:
    results = set()
    for order in permutations(range(len(phases))):
        asked: list[list[date]] = [[] for _ in phases]
        ask_in_week(MONDAY, phases, asked, order, WEEKDAYS)
        results.add(tuple(map(tuple, asked)))

    assert len(results) == 1


@given(PHASES, CALENDARS, st.integers(0, 27))
def test_day_is_a_working_day_less_than_five_days_later(
    phases: Phases, calendar: WorkCalendar, week: int
) -> None:
    asked: list[list[date]] = [[] for _ in phases]
    monday = MONDAY + week * WEEK
    ask_in_week(monday, phases, asked, range(len(phases)), calendar)

    for (weekday, at), (day,) in zip(phases, asked, strict=True):
        wanted = calendar.working_day_from(monday + timedelta(days=weekday), at)
        assert calendar.is_working_day(day, at)
        assert timedelta(0) <= day - wanted < MIN_APART


def test_two_phases_that_want_one_tuesday_get_tuesday_and_wednesday() -> None:
    tuesday = date(2026, 12, 1)
    wanted = WantedDay(on=tuesday, at=time(10))

    assert day_to_ask(wanted, [], (), WEEKDAYS) == tuesday
    assert day_to_ask(wanted, [wanted], (), WEEKDAYS) == tuesday + timedelta(days=1)
    assert day_to_ask(wanted, [], {tuesday}, WEEKDAYS) == tuesday + timedelta(days=1)


def test_phase_that_finds_no_free_day_shares_one() -> None:
    week = [date(2026, 12, day) for day in range(1, 8)]

    assert day_to_ask(WantedDay(on=week[0], at=time(10)), [], week, WEEKDAYS) == week[0]


def test_person_who_was_moved_last_week_is_not_asked_again_within_five_days() -> None:
    """Asked on Monday the 7th instead of Friday the 4th; the next Friday is the 11th."""
    wanted = WantedDay(on=date(2026, 12, 11), at=time(10), last_asked=date(2026, 12, 7))

    assert day_to_ask(wanted, [], (), WEEKDAYS) == date(2026, 12, 14)
