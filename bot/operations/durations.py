"""Spans of time for people: two figures of precision are enough to act on."""

from datetime import timedelta

_UNITS = (("d", 86400), ("h", 3600), ("min", 60))


def humanize(time: timedelta) -> str:
    """ "40 s", "12 min", "3 h", "5 d"; nothing negative."""
    seconds = max(0, int(time.total_seconds()))
    for name, size in _UNITS:
        if seconds >= 2 * size:
            return f"{seconds // size} {name}"
    return f"{seconds} s"
