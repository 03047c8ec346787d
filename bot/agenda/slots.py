"""Wall-clock times of people turned into instants, across zones and summer time. Pure.

A time that a spring change skips becomes the first instant after the gap; one that an autumn
change repeats becomes its first occurrence.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.dates import LATE

DEFAULT_ZONE = "UTC"
DAY_BEGINS, DAY_ENDS = time(8, 0), time(20, 0)
MORNING = time(9, 0)
SATURDAY = 5


def zone_of(name: str | None, default: str = DEFAULT_ZONE) -> ZoneInfo:
    """The zone of an IANA name; the default where Slack gave none or one nobody knows."""
    try:
        return ZoneInfo(name or default)
    except (KeyError, ValueError, OSError):
        return ZoneInfo(default)


def slot(on: date, at: time, zone: str | None, default: str = DEFAULT_ZONE) -> datetime:
    """The instant (UTC) when clocks in the zone show this day and time."""
    here = zone_of(zone, default)
    wanted = datetime.combine(on, at, here)
    instant = wanted.astimezone(UTC)
    shown = instant.astimezone(here)
    if shown.replace(tzinfo=None) == wanted.replace(tzinfo=None):
        return instant
    return _end_of_gap(wanted.replace(fold=1).astimezone(UTC), instant, here)


def _end_of_gap(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The first instant with the new offset, to the second."""
    old = before.astimezone(zone).utcoffset()
    low, high = 0, int((after - before).total_seconds())
    while low < high:
        middle = (low + high) // 2
        if (before + timedelta(seconds=middle)).astimezone(zone).utcoffset() == old:
            low = middle + 1
        else:
            high = middle
    return before + timedelta(seconds=low)


def within_hours(
    instant: datetime,
    zone: str | None,
    begin: time = DAY_BEGINS,
    end: time = DAY_ENDS,
    default: str = DEFAULT_ZONE,
) -> datetime:
    """The instant itself if it is a weekday between these hours there; else the next begin.

    `end` itself is still within.
    """
    there = instant.astimezone(zone_of(zone, default))
    if is_working_day(there.date()) and begin <= there.time() <= end:
        return instant
    early = there.time() < begin
    first = there.date() if early else there.date() + timedelta(days=1)
    return slot(working_day_from(first), begin, zone, default)


def within_hours_if_late(due_at: datetime, now: datetime, zone: str | None) -> datetime:
    """When to say in a channel what was due at `due_at`: at once, or within hours if it is late.

    A promised time is kept even on a Saturday; what was held up can wait for Monday as well.
    """
    return within_hours(now, zone) if now - due_at > LATE else now


def is_working_day(day: date) -> bool:
    """Monday to Friday. Public holidays are not known."""
    return day.weekday() < SATURDAY


def working_day_from(day: date) -> date:
    """The day itself, or the Monday after a weekend."""
    while not is_working_day(day):
        day += timedelta(days=1)
    return day


def working_day_until(day: date) -> date:
    """The day itself, or the Friday before a weekend."""
    while not is_working_day(day):
        day -= timedelta(days=1)
    return day


def working_day_after(day: date, count: int = 1) -> date:
    """So many working days later."""
    for _ in range(count):
        day = working_day_from(day + timedelta(days=1))
    return day


def working_day_before(day: date, count: int = 1) -> date:
    """So many working days earlier."""
    for _ in range(count):
        day = working_day_until(day - timedelta(days=1))
    return day


def next_weekday(after: date, weekday: int) -> date:
    """The first such weekday (0 is Monday) later than the day."""
    return after + timedelta(days=(weekday - after.weekday() - 1) % 7 + 1)


def next_working_morning(
    instant: datetime, zone: str | None, at: time = MORNING, default: str = DEFAULT_ZONE
) -> datetime:
    """The morning of the working day after this instant's day in the zone."""
    today = instant.astimezone(zone_of(zone, default)).date()
    return slot(working_day_after(today), at, zone, default)
