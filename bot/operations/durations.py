"""Durations for people, in a single unit: two digits are precise enough to act on."""

from datetime import timedelta

_UNITS = (("d", 86400), ("h", 3600), ("min", 60))


def humanize_duration(time: timedelta) -> str:
    """Return a duration such as "40 s", "12 min", "3 h" or "5 d"; negative ones count as 0."""
    seconds = max(0, int(time.total_seconds()))
    for name, size in _UNITS:
        if seconds >= 2 * size:
            return f"{seconds // size} {name}"
    return f"{seconds} s"
