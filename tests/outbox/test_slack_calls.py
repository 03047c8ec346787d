"""What each end of a call, a look or an upload makes of its message."""

from dataclasses import replace
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import uptime
from bot.outbox.enqueue import Operation, State
from bot.outbox.queued_message import QueuedMessage, SendResult, SlackLocation
from bot.outbox.slack_calls import BEGIN_WITHIN_SECONDS, RetryTimings, SlackCalls
from bot.slack.errors import ErrorKind
from tests.harness import TINY_PNG
from tests.outbox.test_rate_limits import a_row
from tests.slack.test_errors import answered

LATER, PERMANENT, UNKNOWN = ErrorKind.LATER, ErrorKind.PERMANENT, ErrorKind.UNKNOWN
UPDATE = Operation.UPDATE


class Failing(AsyncWebClient):
    """Whatever it is asked to do, this is what comes of it."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    async def api_call(self, *_: Any, **__: Any) -> Any:
        raise self._error


async def outcome(error: Exception, claimed_at: float | None = None, **row: Any) -> SendResult:
    """What a call teaches that ends so."""

    async def draw(_: object) -> bytes:
        return TINY_PNG

    calls = SlackCalls(lambda _: Failing(error), draw, RetryTimings())
    changed = {"state": State.PENDING, "payload": {"text": "x", "blocks": []}, "attempts": 1, **row}
    asked: QueuedMessage = replace(a_row(), target=SlackLocation(channel="C1", ts="1.1"), **changed)
    return await calls.run(asked, uptime() if claimed_at is None else claimed_at)


def no(name: str, status: int = 200, **headers: str) -> SlackApiError:
    return answered({"ok": False, "error": name}, status, **headers)


@pytest.mark.parametrize(
    ("error", "row", "state", "meaning", "tried", "wait"),
    [
        (no("not_in_channel"), {}, State.FAILED, PERMANENT, 0, None),
        (no("fatal_error"), {}, State.UNKNOWN, UNKNOWN, 0, 120),
        (no("fatal_error"), {"attempts": 299}, State.UNKNOWN, UNKNOWN, 0, 120),
        (no("not_in_channel", 500), {}, State.UNKNOWN, UNKNOWN, 0, 120),
        (TimeoutError(), {}, State.UNKNOWN, UNKNOWN, 0, 120),
        (no("fatal_error"), {"operation": UPDATE}, State.PENDING, UNKNOWN, 0, 4),
        (no("team_added_to_org"), {}, State.PENDING, LATER, 0, 4),
        (no("team_added_to_org"), {"attempts": 9}, State.PENDING, LATER, -1, 600),
        (no("token_revoked"), {}, State.PENDING, ErrorKind.WORKSPACE, 0, 4),
        (no("ratelimited", 429), {}, State.PENDING, LATER, -1, None),
        (no("invalid_blocks"), {"file_id": "F1"}, State.PENDING, None, 0, 6),
        (no("invalid_blocks"), {"file_id": "F1", "attempts": 20}, State.PENDING, None, -20, 6),
        (no("invalid_blocks"), {"file_id": "F1", "attempts": 19}, State.PENDING, None, 0, 6),
        (no("not_in_channel"), {"file_id": "F1"}, State.PENDING, None, -1, 6),
        # faults of our own: an edit is not tried for ever, a post may be there
        (KeyError("ts"), {"attempts": 3}, State.UNKNOWN, UNKNOWN, 0, 120),
        (KeyError("ts"), {"operation": UPDATE, "attempts": 2}, State.PENDING, UNKNOWN, 0, 8),
        (KeyError("ts"), {"operation": UPDATE, "attempts": 3}, State.FAILED, PERMANENT, 0, None),
        (OSError(), {"operation": UPDATE, "attempts": 9}, State.PENDING, UNKNOWN, 0, 600),
    ],
)
async def test_what_an_error_makes_of_a_message(
    error: Exception,
    row: dict[str, Any],
    state: State,
    meaning: ErrorKind | None,
    tried: int,
    wait: float | None,
) -> None:
    found = await outcome(error, **row)

    assert (found.state, found.meaning, found.tried) == (state, meaning, tried)
    assert (found.wait is None) == (wait is None)
    assert wait is None or wait / 2 <= (found.wait or 0) <= wait


@pytest.mark.parametrize(
    ("row", "drops", "tried", "wait"),
    [
        ({"attempts": 0}, False, 1, 6),
        ({"attempts": 18}, False, 1, 6),
        ({"attempts": 19}, True, -19, 0),
    ],
)
async def test_a_picture_is_tried_twenty_times(
    row: dict[str, Any], drops: bool, tried: int, wait: float
) -> None:
    facts = {"facts": {}, "alt_text": "", "title": ""}
    found = await outcome(no("fatal_error"), picture=facts, **row)

    assert (found.drop_picture, found.tried, found.wait) == (drops, tried, wait)
    assert found.state is State.PENDING


@pytest.mark.parametrize(
    ("error", "state", "looked", "wait"),
    [
        (no("missing_scope"), State.HELD, 1, None),
        (no("channel_not_found"), State.HELD, 1, None),
        (no("thread_not_found"), State.PENDING, -2, None),
        (no("fatal_error"), State.UNKNOWN, 1, 8),
        (no("token_revoked"), State.UNKNOWN, 1, 8),
        (no("ratelimited", 429, Retry_After="30"), State.UNKNOWN, 1, 30),
    ],
)
async def test_what_an_error_makes_of_a_look(
    error: Exception, state: State, looked: int, wait: float | None
) -> None:
    found = await outcome(error, state=State.UNKNOWN, conversation="U1", lookup_attempts=2)

    assert (found.state, found.looked, found.wait is None) == (state, looked, wait is None)
    assert wait is None or wait / 2 <= (found.wait or 0) <= wait
    assert found.retry_after == (30 if wait == 30 else None)


@pytest.mark.parametrize(("attempts", "tried"), [(1, 0), (9, -1)])
async def test_a_call_that_would_begin_late_is_no_try(attempts: int, tried: int) -> None:
    late = uptime() - BEGIN_WITHIN_SECONDS - 0.1
    found = await outcome(AssertionError(), late, attempts=attempts)

    assert BEGIN_WITHIN_SECONDS == 5  # a third of a lease
    assert (found.state, found.reason, found.tried) == (State.PENDING, "late", tried)
