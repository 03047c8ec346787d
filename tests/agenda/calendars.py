"""Work calendars for property tests: any few days of four weeks, over and over, are holidays."""

from hypothesis import strategies as st

from bot.agenda.work_calendar import WorkCalendar


def calendar_with(holidays: frozenset[int]) -> WorkCalendar:
    return WorkCalendar(is_holiday=lambda day: day.toordinal() % 28 in holidays)


CALENDARS = st.frozensets(st.integers(0, 27), max_size=5).map(calendar_with)
