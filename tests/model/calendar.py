"""Days and hours as specified in DESIGN, implemented independently of the bot."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
APART = timedelta(days=5)
OPEN_FOR = timedelta(hours=48)
FIRST_AT, ENDS_AT, WARNS_AT, SHOWN_AT = time(9), time(17), time(9), time(10)
#: When the leads are asked whether to go on: on the day itself, and in a message of its own.
DECIDED_AT, MORNING = time(0, 5), time(9)
#: The zone where a day begins first: a round opens then, before anybody's slot.
EARLIEST = "Pacific/Kiritimati"
BEFORE_ITS_END = timedelta(hours=1)


def there(instant: datetime, zone: str) -> datetime:
    return instant.astimezone(ZoneInfo(zone))


def local(on: date, at: time, zone: str) -> datetime:
    """Return the instant of a wall-clock time; the time must not be skipped by daylight saving."""
    return datetime.combine(on, at, ZoneInfo(zone)).astimezone(UTC)


def is_working(day: date) -> bool:
    return day.weekday() < 5


def last_hour(day: date) -> time:
    """Return until when messages are allowed: noon on Christmas Eve and on New Year's Eve."""
    return time(12) if (day.month, day.day) in ((12, 24), (12, 31)) else time(20)


def asking_day(day: date, at: time, step: int = 1) -> date:
    """Return the day, or the nearest one after it (or before) on which this time is allowed."""
    while not (is_working(day) and at <= last_hour(day)):
        day += step * DAY
    return day


def working(day: date, step: int = 1) -> date:
    """Return the day, or the nearest working day after it (before it if `step` is -1)."""
    while not is_working(day):
        day += step * DAY
    return day


def working_days(day: date, count: int) -> date:
    """Return the day `count` working days later, or earlier if `count` is negative."""
    step = 1 if count > 0 else -1
    for _ in range(abs(count)):
        day = working(day + step * DAY, step)
    return day


def is_welcome(instant: datetime, zone: str) -> bool:
    """Return whether it is 08:00 to 20:00, or to noon, on a weekday in the zone."""
    here = there(instant, zone)
    return is_working(here.date()) and time(8) <= here.time() <= last_hour(here.date())


def welcome(instant: datetime, zone: str, begins: time = time(8)) -> datetime:
    """Return the instant if messages are allowed then, or else when they next are on a weekday."""
    here = there(instant, zone)
    if is_welcome(instant, zone) and here.time() >= begins:
        return instant
    day = here.date() if here.time() < begins else here.date() + DAY
    return local(working(day), begins, zone)


def questions_on(starts: date, ends: date, weekday: int, at: time) -> list[tuple[str, date]]:
    """Return the kinds and days of the rounds during a phase, in order."""
    first = working_days(starts, 1)
    days = [starts + DAY * ahead for ahead in range(1, (ends - starts).days + 1)]
    weekly: list[date] = []
    for day in [asking_day(day, at) for day in days if day.weekday() == weekday]:
        if day <= ends and day - (weekly[-1] if weekly else first) >= APART:
            weekly.append(day)
    late = [day for day in weekly if ends - day <= APART]
    closing = late[-1] if late else asking_day(ends, at, -1)
    found = [("first", first)]
    found += [("weekly", day) for day in weekly if abs(closing - day) >= APART]
    if closing - first >= APART:
        found.append(("closing", closing))
    return found


def questions_after(starts: date, ended: date, at: time) -> list[tuple[str, date]]:
    """Return a round two weeks after the end, and a second at four weeks after long phases."""
    times = 2 if (ended - starts).days > 21 else 1
    return [("after", asking_day(ended + 14 * number * DAY, at)) for number in range(1, times + 1)]


def decided_on(starts: date, ends: date, weekday: int, at: time, *, is_asked: bool) -> date:
    """Return when the leads decide: half way, on the nearest day with results before the warning.

    Without questions, or results in time, it is a working day half way.
    """
    half_way = starts + max((ends - starts).days // 2, 1) * DAY
    questions = questions_on(starts, ends, weekday, at) if is_asked else []
    with_results = [working(on + 2 * DAY) for _, on in questions]
    in_time = [day for day in with_results if day < working_days(ends, -2)]
    if in_time:
        return min(in_time, key=lambda day: (abs(day - half_way), day < half_way))
    on = working(half_way)
    return on if on <= ends else working(half_way, -1)
