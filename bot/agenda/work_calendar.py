"""Working days, and the hours of each in which people may be messaged. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, time, timedelta

DAY_BEGINS, DAY_ENDS = time(8, 0), time(20, 0)
MORNING = time(9, 0)
SATURDAY = 5
#: Month and day of the days on whose afternoons nobody is messaged, in any country.
HALF_DAYS = {(12, 24), (12, 31)}
HALF_DAY_ENDS = time(12, 0)


def _no_holiday(_: date) -> bool:
    return False


@dataclass(frozen=True)
class WorkCalendar:
    """The working days of one workspace: Monday to Friday, without its public holidays.

    Where `at` is given, a day counts only if that local time is within its hours.
    """

    is_holiday: Callable[[date], bool] = _no_holiday

    def is_working_day(self, day: date, at: time = MORNING) -> bool:
        return day.weekday() < SATURDAY and not self.is_holiday(day) and at <= self.day_ends(day)

    def day_ends(self, day: date) -> time:
        """Return the last local time of a working day at which people may be messaged."""
        return HALF_DAY_ENDS if (day.month, day.day) in HALF_DAYS else DAY_ENDS

    def working_day_from(self, day: date, at: time = MORNING) -> date:
        """Return the day itself, or the next working day after it."""
        while not self.is_working_day(day, at):
            day += timedelta(days=1)
        return day

    def working_day_until(self, day: date, at: time = MORNING) -> date:
        """Return the day itself, or the last working day before it."""
        while not self.is_working_day(day, at):
            day -= timedelta(days=1)
        return day

    def working_day_after(self, day: date, count: int = 1) -> date:
        """Return the day that is `count` working days later."""
        for _ in range(count):
            day = self.working_day_from(day + timedelta(days=1))
        return day

    def working_day_before(self, day: date, count: int = 1) -> date:
        """Return the day that is `count` working days earlier."""
        for _ in range(count):
            day = self.working_day_until(day - timedelta(days=1))
        return day


#: Monday to Friday, where no country is set.
WEEKDAYS = WorkCalendar()
