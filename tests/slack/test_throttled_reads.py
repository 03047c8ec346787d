"""What a process remembers of Slack's rate limits, and for how long."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_slack_response import AsyncSlackResponse

import bot.slack.throttled_reads
from bot.db.engine import Database
from bot.slack.errors import classify
from bot.slack.throttled_reads import NO_LIMIT_CACHE_TIME, ThrottledReads
from tests.conftest import MONDAY

ONE, TWO = "T1", "T2"
ASKED_TO_WAIT = 60
Call = Callable[..., Awaitable[AsyncSlackResponse]]


class Time:
    """Real time, moved by hand."""

    def __init__(self) -> None:
        self.now = MONDAY

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def real(monkeypatch: pytest.MonkeyPatch) -> Time:
    time = Time()
    monkeypatch.setattr(bot.slack.throttled_reads, "real_now", time)
    return time


class SlackReads:
    """Two methods of Slack; each counts its calls, and `is_limited` makes them answer 429."""

    def __init__(self) -> None:
        self.is_limited = False
        self.calls: list[str] = []

    async def users_info(self, **_: Any) -> Any:
        return self._answer("users_info")

    async def conversations_info(self, **_: Any) -> Any:
        return self._answer("conversations_info")

    def _answer(self, method: str) -> dict[str, bool]:
        self.calls.append(method)
        if self.is_limited:
            response = AsyncSlackResponse(
                client=None,
                http_verb="POST",
                api_url=method,
                req_args={},
                data={"ok": False, "error": "ratelimited"},
                headers={"Retry-After": str(ASKED_TO_WAIT)},
                status_code=429,
            )
            raise SlackApiError("ratelimited", response)
        return {"ok": True}


async def is_refused(reads: ThrottledReads, call: Call, workspace_id: str = ONE) -> float | None:
    """Read; return the seconds to wait, or None if the read was made."""
    try:
        await reads.read(workspace_id, call)
    except SlackApiError as error:
        return classify(error).retry_after
    return None


async def test_a_process_that_knew_of_no_limit_respects_the_first_one_at_once(
    db: Database, real: Time
) -> None:
    reads, slack = ThrottledReads(db), SlackReads()
    assert await is_refused(reads, slack.users_info) is None  # no limit is known, for a while
    slack.is_limited = True

    assert await is_refused(reads, slack.users_info) == ASKED_TO_WAIT
    assert await is_refused(reads, slack.users_info) == ASKED_TO_WAIT
    assert slack.calls == ["users_info"] * 2  # the last one was not made


async def test_a_limit_of_another_process_is_respected_within_seconds(
    db: Database, real: Time
) -> None:
    reads, other, slack = ThrottledReads(db), ThrottledReads(db), SlackReads()
    assert await is_refused(reads, slack.users_info) is None
    slack.is_limited = True
    assert await is_refused(other, slack.users_info) == ASKED_TO_WAIT
    slack.calls.clear()
    real.now += NO_LIMIT_CACHE_TIME

    assert await is_refused(reads, slack.users_info) == ASKED_TO_WAIT - NO_LIMIT_CACHE_TIME.seconds
    assert slack.calls == []


async def test_a_limit_is_of_one_method_and_one_workspace_and_ends(
    db: Database, real: Time
) -> None:
    reads, slack = ThrottledReads(db), SlackReads()
    slack.is_limited = True
    assert await is_refused(reads, slack.users_info) == ASKED_TO_WAIT
    slack.is_limited = False

    assert await is_refused(reads, slack.conversations_info) is None
    assert await is_refused(reads, slack.users_info, TWO) is None
    real.now += timedelta(seconds=ASKED_TO_WAIT) - timedelta(microseconds=1)
    assert await is_refused(reads, slack.users_info) == 1  # a whole second, never too early
    real.now += timedelta(microseconds=1)
    assert await is_refused(reads, slack.users_info) is None
    assert slack.calls == ["users_info", "conversations_info", "users_info", "users_info"]
