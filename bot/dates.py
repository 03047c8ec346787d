"""Calendar days as text, the same for every reader; and the delay that makes something late."""

from datetime import date, timedelta

#: An action or a message that begins longer than this after its time was held up, by downtime of
#: ours or of Slack's, and may come at a bad hour.
LATE = timedelta(minutes=15)


def day(value: date) -> str:
    """With the weekday: "Fri 18 Dec"."""
    return f"{value:%a} {value.day} {value:%b}"


def days(count: int) -> str:
    """ "1 day", "9 days"."""
    return f"{count} day" if count == 1 else f"{count} days"
