"""Calendar days as text, the same for every reader; and the delay after which something is late."""

from datetime import date, timedelta

#: An action or a message that starts later than this after its time was delayed by downtime of ours
#: or of Slack's, and may come at a bad hour.
LATE = timedelta(minutes=15)


def day(value: date, today: date | None = None) -> str:
    """Return the day with its weekday: "Fri 18 Dec"; its year is added if `today` has another."""
    text = f"{value:%a} {value.day} {value:%b}"
    return text if today is None or today.year == value.year else f"{text} {value.year}"


def days(count: int) -> str:
    """Return "1 day" or "9 days"."""
    return f"{count} day" if count == 1 else f"{count} days"


def weeks(count: int) -> str:
    """Return "1 week" or "6 weeks"."""
    return f"{count} week" if count == 1 else f"{count} weeks"


def months(count: int) -> str:
    """Return "1 month" or "6 months"."""
    return f"{count} month" if count == 1 else f"{count} months"
