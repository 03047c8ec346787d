"""Conversion of people's wall-clock times to instants, across time zones and daylight saving. Pure.

A time that a spring change skips becomes the first instant after the gap; one that an autumn change
repeats becomes its first occurrence.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.agenda.work_calendar import DAY_BEGINS, MORNING, WorkCalendar
from bot.dates import LATE

DEFAULT_ZONE = "UTC"


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
    instant: datetime, zone: str | None, calendar: WorkCalendar, begin: time = DAY_BEGINS
) -> datetime:
    """Return the instant if it is within a working day's hours in the zone; else the next `begin`.

    The last of these hours is still within.
    """
    local = instant.astimezone(zone_of(zone))
    today, at = local.date(), local.time()
    if at >= begin and calendar.is_working_day(today, at):
        return instant
    first_day = today if at < begin else today + timedelta(days=1)
    return slot(calendar.working_day_from(first_day, begin), begin, zone)


def within_hours_if_late(
    due_at: datetime, now: datetime, zone: str | None, calendar: WorkCalendar
) -> datetime:
    """Return when to post in a channel: now, or within hours if `due_at` was long ago.

    A promised time is kept even on a Saturday; what was delayed can wait for Monday as well.
    """
    return within_hours(now, zone, calendar) if now - due_at > LATE else now


def next_weekday(after: date, weekday: int) -> date:
    """Return the first such weekday (0 is Monday) after the day."""
    return after + timedelta(days=(weekday - after.weekday() - 1) % 7 + 1)


def next_working_morning(
    instant: datetime, zone: str | None, calendar: WorkCalendar, at: time = MORNING
) -> datetime:
    """Return the morning of the next working day after this instant's day in the zone."""
    today = instant.astimezone(zone_of(zone)).date()
    return slot(calendar.working_day_after(today), at, zone)
