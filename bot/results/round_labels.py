"""Labels of rounds: on the chart's axis, in a first line, and for the round before."""

from bot.results.model import ClosedRound

AXIS = {
    "first": "Start",
    "weekly": "Week {week}",
    "closing": "End",
    "after": "+{week} wk",
    "poll": "Extra",
}
HERE = {
    "first": "Start in {channel}",
    "weekly": "Week {week} in {channel}",
    "closing": "Last days in {channel}",
    "after": "{week} weeks on, in {channel}",
    "poll": "In between, in {channel}",
}
SINCE = {
    "first": "the start",
    "weekly": "week {week}",
    "closing": "the last days",
    "after": "{week} weeks after the end",
    "poll": "the questions in between",
}


def axis_label(closed_round: ClosedRound) -> str:
    return AXIS[closed_round.kind].format(week=closed_round.week)


def first_line_label(closed_round: ClosedRound, channel: str) -> str:
    """Return the beginning of a first line. `channel` is as Slack links it."""
    return HERE[closed_round.kind].format(week=closed_round.week, channel=channel)


def previous_round_label(closed_round: ClosedRound) -> str:
    return SINCE[closed_round.kind].format(week=closed_round.week)
