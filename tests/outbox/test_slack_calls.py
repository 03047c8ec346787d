"""The result of each way in which a call, a lookup or an upload can end."""

import io
from dataclasses import replace
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import uptime
from bot.outbox.enqueue import Operation, State
from bot.outbox.queued_message import QueuedMessage, SendResult, SlackLocation
from bot.outbox.slack_calls import BEGIN_WITHIN_SECONDS, RetryTimings, SlackCalls
from bot.slack.errors import ErrorKind, classify
from tests.harness import KEYS, TINY_PNG
from tests.outbox.test_rate_limits import a_row
from tests.slack.test_errors import answered

LATER, PERMANENT, UNKNOWN = ErrorKind.RETRYABLE, ErrorKind.PERMANENT, ErrorKind.UNKNOWN
UPDATE = Operation.UPDATE


class Failing(AsyncWebClient):
    """A client whose every call raises this error."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    async def api_call(self, *_: Any, **__: Any) -> Any:
        raise self._error


async def outcome(error: Exception, claimed_at: float | None = None, **row: Any) -> SendResult:
    """The result of a call that ends with this error."""

    async def draw(_: object) -> bytes:
        return TINY_PNG

    calls = SlackCalls(lambda _: Failing(error), draw, KEYS, RetryTimings())
    changed = {"state": State.PENDING, "payload": {"text": "x", "blocks": []}, "attempts": 1, **row}
    asked: QueuedMessage = replace(a_row(), target=SlackLocation(channel="C1", ts="1.1"), **changed)
    return await calls.run(asked, uptime() if claimed_at is None else claimed_at)


def slack_error(name: str, status: int = 200, **headers: str) -> SlackApiError:
    return answered({"ok": False, "error": name}, status, **headers)


@pytest.mark.parametrize(
    ("error", "row", "state", "meaning", "tried", "wait"),
    [
        (slack_error("not_in_channel"), {}, State.FAILED, PERMANENT, 0, None),
        (slack_error("fatal_error"), {}, State.UNKNOWN, UNKNOWN, 0, 120),
        (slack_error("fatal_error"), {"attempts": 299}, State.UNKNOWN, UNKNOWN, 0, 120),
        (slack_error("not_in_channel", 500), {}, State.UNKNOWN, UNKNOWN, 0, 120),
        (TimeoutError(), {}, State.UNKNOWN, UNKNOWN, 0, 120),
        (slack_error("fatal_error"), {"operation": UPDATE}, State.PENDING, UNKNOWN, 0, 4),
        (slack_error("team_added_to_org"), {}, State.PENDING, LATER, 0, 4),
        (slack_error("team_added_to_org"), {"attempts": 9}, State.PENDING, LATER, -1, 600),
        (slack_error("token_revoked"), {}, State.PENDING, ErrorKind.WORKSPACE, 0, 4),
        (slack_error("ratelimited", 429), {}, State.PENDING, LATER, -1, None),
        (slack_error("invalid_blocks"), {"file_id": "F1"}, State.PENDING, None, 0, 6),
        (
            slack_error("invalid_blocks"),
            {"file_id": "F1", "attempts": 20},
            State.PENDING,
            None,
            -20,
            6,
        ),
        (
            slack_error("invalid_blocks"),
            {"file_id": "F1", "attempts": 19},
            State.PENDING,
            None,
            0,
            6,
        ),
        (slack_error("not_in_channel"), {"file_id": "F1"}, State.PENDING, None, -1, 6),
        # internal errors: an edit is given up at last, but a post may have arrived
        (KeyError("ts"), {"attempts": 3}, State.UNKNOWN, UNKNOWN, 0, 120),
        (KeyError("ts"), {"operation": UPDATE, "attempts": 2}, State.PENDING, UNKNOWN, 0, 8),
        (KeyError("ts"), {"operation": UPDATE, "attempts": 3}, State.FAILED, PERMANENT, 0, None),
        (OSError(), {"operation": UPDATE, "attempts": 9}, State.PENDING, UNKNOWN, 0, 600),
    ],
)
async def test_result_of_a_failed_call(
    error: Exception,
    row: dict[str, Any],
    state: State,
    meaning: ErrorKind | None,
    tried: int,
    wait: float | None,
) -> None:
    found = await outcome(error, **row)

    assert (found.state, found.error_kind, found.attempts_change) == (state, meaning, tried)
    assert (found.wait_seconds is None) == (wait is None)
    assert wait is None or wait / 2 <= (found.wait_seconds or 0) <= wait


@pytest.mark.parametrize(
    ("row", "drops_picture", "tried", "wait"),
    [
        ({"attempts": 0}, False, 1, 6),
        ({"attempts": 18}, False, 1, 6),
        ({"attempts": 19}, True, -19, 0),
    ],
)
async def test_picture_upload_is_attempted_twenty_times(
    row: dict[str, Any], drops_picture: bool, tried: int, wait: float
) -> None:
    facts = {"facts": {}, "alt_text": "", "title": ""}
    found = await outcome(slack_error("fatal_error"), picture=facts, **row)

    assert (found.drop_picture, found.attempts_change, found.wait_seconds) == (
        drops_picture,
        tried,
        wait,
    )
    assert found.state is State.PENDING


@pytest.mark.parametrize(
    ("error", "tries"),
    [
        (slack_error("missing_scope"), 1),
        (slack_error("file_uploads_disabled"), 1),
        (slack_error("ekm_access_denied"), 1),
        (KeyError("files"), 3),  # a bug of ours does not go away either
        (slack_error("token_revoked"), 20),  # the next installation may upload it
        (TimeoutError(), 20),
    ],
)
async def test_picture_refused_for_good_is_left_out_at_once_and_the_cause_logged(
    written: io.StringIO, error: Exception, tries: int
) -> None:
    facts = {"facts": {}, "alt_text": "", "title": ""}
    dropped = [
        (await outcome(error, picture=facts, attempts=attempts)).drop_picture
        for attempts in range(20)
    ]

    assert dropped.index(True) == tries - 1
    assert "picture_left_out" in written.getvalue()
    assert classify(error).reason in written.getvalue()


@pytest.mark.parametrize(
    ("messages", "waits"),
    [
        ([], True),
        (["invalid slack file [json-pointer:/blocks/1/slack_file]"], True),
        (["must be less than 3001 characters [json-pointer:/blocks/0/text/text]"], False),
    ],
)
async def test_message_waits_only_for_a_picture_that_may_become_ready(
    messages: list[str], waits: bool
) -> None:
    error = slack_error("invalid_blocks")
    error.response.data["response_metadata"] = {"messages": messages}
    found = await outcome(error, file_id="F1", attempts=1)

    assert found.drop_picture is not waits


@pytest.mark.parametrize(
    ("error", "state", "looked", "wait"),
    [
        (slack_error("missing_scope"), State.HELD, 1, None),
        (slack_error("channel_not_found"), State.HELD, 1, None),
        (slack_error("thread_not_found"), State.PENDING, -2, None),
        (slack_error("fatal_error"), State.UNKNOWN, 1, 8),
        (slack_error("token_revoked"), State.UNKNOWN, 1, 8),
        (slack_error("ratelimited", 429, Retry_After="30"), State.UNKNOWN, 1, 30),
    ],
)
async def test_result_of_a_failed_lookup(
    error: Exception, state: State, looked: int, wait: float | None
) -> None:
    found = await outcome(error, state=State.UNKNOWN, conversation="U1", lookup_attempts=2)

    assert (found.state, found.lookup_attempts_change, found.wait_seconds is None) == (
        state,
        looked,
        wait is None,
    )
    assert wait is None or wait / 2 <= (found.wait_seconds or 0) <= wait
    assert found.retry_after == (30 if wait == 30 else None)


@pytest.mark.parametrize(("attempts", "tried"), [(1, 0), (9, -1)])
async def test_late_call_counts_as_an_attempt_only_for_the_backoff(
    attempts: int, tried: int
) -> None:
    late = uptime() - BEGIN_WITHIN_SECONDS - 0.1
    found = await outcome(AssertionError(), late, attempts=attempts)

    assert BEGIN_WITHIN_SECONDS == 5  # a third of a lease
    assert (found.state, found.reason, found.attempts_change) == (State.PENDING, "late", tried)
