"""Calendar days as text, the same for every reader."""

from datetime import date


def day(value: date) -> str:
    """With the weekday: "Fri 18 Dec"."""
    return f"{value:%a} {value.day} {value:%b}"


def days(count: int) -> str:
    """ "1 day", "9 days"."""
    return f"{count} day" if count == 1 else f"{count} days"
