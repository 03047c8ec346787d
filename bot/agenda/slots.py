"""Conversion of people's wall-clock times to instants, across time zones and daylight saving. Pure.

A time that a spring change skips becomes the first instant after the gap; one that an autumn change
repeats becomes its first occurrence.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.dates import LATE

DEFAULT_ZONE = "UTC"
DAY_BEGINS, DAY_ENDS = time(8, 0), time(20, 0)
MORNING = time(9, 0)
SATURDAY = 5


def zone_of(name: str | None, default: str = DEFAULT_ZONE) -> ZoneInfo:
    """Return the zone of an IANA name; the default if Slack gave none or an unknown one."""
    try:
        return ZoneInfo(name or default)
    except (KeyError, ValueError, OSError):
        return ZoneInfo(default)


def slot(on: date, at: time, zone: str | None, default: str = DEFAULT_ZONE) -> datetime:
    """Return the instant (UTC) when clocks in the zone show this day and time."""
    local_zone = zone_of(zone, default)
    local_time = datetime.combine(on, at, local_zone)
    instant = local_time.astimezone(UTC)
    shown = instant.astimezone(local_zone)
    if shown.replace(tzinfo=None) == local_time.replace(tzinfo=None):
        return instant
    return _end_of_gap(local_time.replace(fold=1).astimezone(UTC), instant, local_zone)


def _end_of_gap(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the first instant with the new offset, to the second."""
    old_offset = before.astimezone(zone).utcoffset()
    low, high = 0, int((after - before).total_seconds())
    while low < high:
        middle = (low + high) // 2
        if (before + timedelta(seconds=middle)).astimezone(zone).utcoffset() == old_offset:
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
    """Return the instant if it is a weekday within these local hours; else the next `begin`.

    `end` itself is still within.
    """
    local = instant.astimezone(zone_of(zone, default))
    if is_working_day(local.date()) and begin <= local.time() <= end:
        return instant
    is_early = local.time() < begin
    first_day = local.date() if is_early else local.date() + timedelta(days=1)
    return slot(working_day_from(first_day), begin, zone, default)


def within_hours_if_late(due_at: datetime, now: datetime, zone: str | None) -> datetime:
    """Return when to post in a channel: now, or within hours if `due_at` was long ago.

    A promised time is kept even on a Saturday; what was delayed can wait for Monday as well.
    """
    return within_hours(now, zone) if now - due_at > LATE else now


def is_working_day(day: date) -> bool:
    """Return whether the day is Monday to Friday. Public holidays are not known."""
    return day.weekday() < SATURDAY


def working_day_from(day: date) -> date:
    """Return the day itself, or the Monday after a weekend."""
    while not is_working_day(day):
        day += timedelta(days=1)
    return day


def working_day_until(day: date) -> date:
    """Return the day itself, or the Friday before a weekend."""
    while not is_working_day(day):
        day -= timedelta(days=1)
    return day


def working_day_after(day: date, count: int = 1) -> date:
    """Return the day that is `count` working days later."""
    for _ in range(count):
        day = working_day_from(day + timedelta(days=1))
    return day


def working_day_before(day: date, count: int = 1) -> date:
    """Return the day that is `count` working days earlier."""
    for _ in range(count):
        day = working_day_until(day - timedelta(days=1))
    return day


def next_weekday(after: date, weekday: int) -> date:
    """Return the first such weekday (0 is Monday) after the day."""
    return after + timedelta(days=(weekday - after.weekday() - 1) % 7 + 1)


def next_working_morning(
    instant: datetime, zone: str | None, at: time = MORNING, default: str = DEFAULT_ZONE
) -> datetime:
    """Return the morning of the next working day after this instant's day in the zone."""
    today = instant.astimezone(zone_of(zone, default)).date()
    return slot(working_day_after(today), at, zone, default)
