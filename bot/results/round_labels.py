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


def on_axis(one: ClosedRound) -> str:
    return AXIS[one.kind].format(week=one.week)


def here(one: ClosedRound, channel: str) -> str:
    """The beginning of a first line. `channel` is as Slack links it."""
    return HERE[one.kind].format(week=one.week, channel=channel)


def since(one: ClosedRound) -> str:
    return SINCE[one.kind].format(week=one.week)
