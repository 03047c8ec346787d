"""Slack's errors."""

from collections.abc import Iterable

from bot.playground.fake_slack.json_pointer import Problem
from bot.playground.fake_slack.model import Json


class SlackError(Exception):
    """A logical error: HTTP 200 with ok false and its name, sometimes with details."""

    def __init__(self, error: str, **more: object) -> None:
        super().__init__(error)
        self.error = error
        self.body: Json = {"ok": False, "error": error, **more}


class RateLimited(Exception):
    """Too many requests: HTTP 429 with the seconds to wait."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(retry_after)
        self.retry_after = retry_after


def refuse(error: str, problems: Iterable[Problem]) -> None:
    """Raise the error with Slack's list of problems, if there are any."""
    messages = [str(problem) for problem in problems]
    if messages:
        raise SlackError(error, response_metadata={"messages": messages})
