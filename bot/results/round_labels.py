"""Labels of rounds: on the chart's axis, in notifications and headlines, and of the one before."""

from bot.dates import weeks
from bot.results.model import ClosedRound

AXIS = {
    "first": "First",
    "weekly": "Week {week}",
    "closing": "Last",
    "after": "{week} wk after",
    "poll": "Extra",
}
RESULTS = {
    "first": "First results in {channel}",
    "weekly": "Week {week} results in {channel}",
    "closing": "Last results in {channel}",
    "after": "Results in {channel}, {weeks} after the end",
    "poll": "Extra results in {channel}",
}
HERE = {
    "first": "First answers in {channel}",
    "weekly": "Week {week} in {channel}",
    "closing": "Last days in {channel}",
    "after": "{channel}, {weeks} after the end",
    "poll": "Extra questions in {channel}",
}
SINCE = {
    "first": "the start",
    "weekly": "week {week}",
    "closing": "the last days",
    "after": "{weeks} after the end",
    "poll": "the extra questions",
}
#: After "results": those some weeks after the end are not of that day.
OF = {kind: f"of {when}" for kind, when in SINCE.items()} | {"after": SINCE["after"]}


def axis_label(closed_round: ClosedRound) -> str:
    return _filled(AXIS, closed_round)


def notification_label(closed_round: ClosedRound, channel: str) -> str:
    """Return the whole notification, without a number. `channel` is as Slack links it."""
    return _filled(RESULTS, closed_round, channel)


def headline_label(closed_round: ClosedRound, channel: str) -> str:
    """Return the beginning of a headline. `channel` is as Slack links it."""
    return _filled(HERE, closed_round, channel)


def previous_round_label(closed_round: ClosedRound) -> str:
    return _filled(SINCE, closed_round)


def of_round_label(closed_round: ClosedRound) -> str:
    """Return what follows the word "results"."""
    return _filled(OF, closed_round)


def _filled(templates: dict[str, str], closed_round: ClosedRound, channel: str = "") -> str:
    week = closed_round.week
    return templates[closed_round.kind].format(week=week, weeks=weeks(week), channel=channel)
