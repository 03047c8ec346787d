"""Days and hours as DESIGN tells of them, written anew: nothing here is the bot's."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
APART = timedelta(days=5)
OPEN_FOR = timedelta(hours=48)
FIRST_AT, ENDS_AT, WARNS_AT, SHOWN_AT = time(9), time(17), time(9), time(10)
#: Where a day begins first: by then a round is open, before anybody's slot has come.
EARLIEST = "Pacific/Kiritimati"
BEFORE_ITS_END = timedelta(hours=1)


def there(instant: datetime, zone: str) -> datetime:
    return instant.astimezone(ZoneInfo(zone))


def local(on: date, at: time, zone: str) -> datetime:
    """The instant of a wall-clock time that no change of summer time skips."""
    return datetime.combine(on, at, ZoneInfo(zone)).astimezone(UTC)


def is_working(day: date) -> bool:
    return day.weekday() < 5


def working(day: date, step: int = 1) -> date:
    """The day itself or the nearest working day after (`step` -1: before) it."""
    while not is_working(day):
        day += step * DAY
    return day


def working_days(day: date, count: int) -> date:
    """So many working days later; earlier where `count` is negative."""
    step = 1 if count > 0 else -1
    for _ in range(abs(count)):
        day = working(day + step * DAY, step)
    return day


def is_welcome(instant: datetime, zone: str) -> bool:
    """Whether somebody may be written to: 08:00 to 20:00 on a weekday of theirs."""
    here = there(instant, zone)
    return is_working(here.date()) and time(8) <= here.time() <= time(20)


def welcome(instant: datetime, zone: str) -> datetime:
    """The instant, or the next 08:00 of a weekday there."""
    if is_welcome(instant, zone):
        return instant
    here = there(instant, zone)
    day = here.date() if here.time() < time(8) else here.date() + DAY
    return local(working(day), time(8), zone)


def questions_on(starts: date, ends: date, weekday: int) -> list[tuple[str, date]]:
    """When questions come during a phase: kinds and days, in order."""
    first = working_days(starts, 1)
    days = [starts + DAY * ahead for ahead in range(1, (ends - starts).days + 1)]
    weekly = [day for day in days if day.weekday() == weekday and day - first >= APART]
    late = [day for day in weekly if ends - day <= APART]
    closing = late[-1] if late else working(ends, -1)
    found = [("first", first)]
    found += [("weekly", day) for day in weekly if abs(closing - day) >= APART]
    if closing - first >= APART:
        found.append(("closing", closing))
    return found


def questions_after(starts: date, ended: date) -> list[tuple[str, date]]:
    """One more round two weeks after the end, and four after phases of over three weeks."""
    times = 2 if (ended - starts).days > 21 else 1
    return [("after", working(ended + 14 * number * DAY)) for number in range(1, times + 1)]
