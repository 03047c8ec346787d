"""The exact edges of Slack's limits: the last call that fits, and the first moment after."""

from dataclasses import replace

import pytest

from bot.outbox.enqueue import Operation, State
from bot.outbox.queued_message import SendResult
from bot.outbox.rate_limits import DIRECT, LOOKUP, PER_MINUTE, WINDOW_SECONDS, RateLimits
from bot.slack.errors import ErrorKind
from tests.outbox.test_rate_limits import BEGIN, SLACK_LIMITS, a_result, a_row, direct, resumed


@pytest.mark.parametrize("name", [*PER_MINUTE])
def test_limit_allows_its_last_call_and_is_free_again_a_minute_later(name: str) -> None:
    """The window is half a second longer, for calls that took longer to reach Slack."""
    limit = 40 if name == LOOKUP else SLACK_LIMITS[Operation(name)]
    operation = Operation.POST if name == LOOKUP else Operation(name)
    rows = [
        a_row(operation, conversation=f"C{number}", rate_limit=name) for number in range(limit + 1)
    ]
    used = resumed(None, 0)

    assert [used.take(row) for row in rows] == [True] * limit + [False]
    assert used.barred() >= {name}
    assert used.wait() == 60.5
    assert not resumed(used, 60.25).take(rows[0])
    assert resumed(used, 60.5).take(rows[0])


@pytest.mark.parametrize("name", [*PER_MINUTE, DIRECT])
def test_retry_after_bars_the_exceeded_limit_for_its_duration(name: str) -> None:
    operation = Operation.POST if name in (LOOKUP, DIRECT) else Operation(name)
    row = a_row(operation, rate_limit=name)
    used = resumed(None, 0)
    for seconds in (40, 30):  # the longest Retry-After counts
        used.apply_results([SendResult(row=row, state=State.PENDING, retry_after=seconds)])

    barred = {Operation.POST, DIRECT} if name in (Operation.POST, DIRECT) else {name}
    assert used.barred() == barred
    assert not used.take(row)
    assert used.wait() == 40
    assert resumed(used, 39.75).barred() == barred
    assert resumed(used, 40).barred() == set()


def test_retry_after_in_one_workspace_does_not_bar_another() -> None:
    """A sender of several workspaces resumes each from its own stored usage."""
    pace = RateLimits()
    one, two = pace.resume(None, BEGIN), pace.resume(None, BEGIN)
    one.apply_results([a_result(State.PENDING, ErrorKind.RETRYABLE, wait=30)])
    one.take(a_row(Operation.UPDATE))

    assert two.take(a_row())
    assert pace.resume(two.to_json(), BEGIN + 1).barred() == set()


def test_conversation_takes_a_burst_of_three_and_then_waits() -> None:
    used = resumed(None, 0)

    assert [used.take(a_row()) for _ in range(4)] == [True, True, True, False]
    assert used.take(a_row(conversation="C2"))
    assert used.take(a_row(rate_limit=LOOKUP))  # a lookup does not count as a post
    assert used.wait() == pytest.approx(1.1)
    assert not resumed(used, 1.0).take(a_row())
    assert resumed(used, 1.2).take(a_row())


def test_wait_lasts_until_the_first_limit_is_free() -> None:
    used = resumed(None, 0)
    used.apply_results([a_result(State.PENDING, ErrorKind.RETRYABLE, wait=30)])
    for wait in (50, 20):
        row = a_row(Operation.PIN if wait == 50 else Operation.UPDATE)
        used.apply_results([SendResult(row=row, state=State.PENDING, retry_after=wait)])

    assert used.wait() == 20
    assert resumed(None, 0).wait() is None


def unknown() -> SendResult:
    return a_result(State.UNKNOWN, ErrorKind.UNKNOWN)


@pytest.mark.parametrize(
    ("results", "barred"),
    [
        ([unknown()] * 2, False),
        ([unknown()] * 3, True),
        ([unknown(), unknown(), a_result(State.SENT), unknown(), unknown()], False),
        ([unknown(), unknown(), a_result(State.PENDING, ErrorKind.RETRYABLE), unknown()], True),
        ([a_result(State.FAILED, ErrorKind.PERMANENT)] * 9, False),
        ([replace(unknown(), row=a_row(Operation.UPDATE))] * 9, False),
        ([replace(unknown(), row=a_row(rate_limit=LOOKUP))] * 9, False),
        # a successful lookup does not show that Slack accepts posts now
        ([unknown()] * 3 + [replace(a_result(State.SENT), row=a_row(rate_limit=LOOKUP))], True),
    ],
)
def test_three_unknown_outcomes_in_a_row_allow_only_a_probe(
    results: list[SendResult], barred: bool
) -> None:
    used = resumed(None, 0)
    for result in results:
        used.apply_results([result])
        used = resumed(used, 0)  # as it is stored between turns

    assert [used.take(direct(number)) for number in range(2)] == [True, not barred]
    assert not barred or used.wait() == 30


def test_only_calls_close_in_time_are_stored_as_one_entry() -> None:
    """The later time is stored, so that nothing is freed too early."""
    used = resumed(None, 0)
    used.take(a_row())
    used = resumed(used, 0.125)
    used.take(a_row())
    used = resumed(used, 1)
    used.take(a_row(conversation="C2"))

    kept = used.to_json() or {}
    assert kept["calls"] == {"post": [[BEGIN + 0.125, 2], [BEGIN + 1, 1]]}


def test_send_estimate_leaves_the_capacity_reserved_for_channels() -> None:
    used = resumed(None, 0)

    assert used.seconds_until_sent({Operation.POST: 300}) == 0
    assert used.seconds_until_sent({Operation.POST: 301}) == WINDOW_SECONDS
    assert used.seconds_until_sent({DIRECT: 1, Operation.POST: 280}) == WINDOW_SECONDS


def test_oldest_calls_are_freed_first() -> None:
    used = None
    for at in (0, 10):
        used = resumed(used, at)
        assert all(used.take(a_row(Operation.PIN)) for _ in range(10))
    assert used is not None

    assert used.wait() == 50.5
    assert resumed(used, 60.5).take(a_row(Operation.PIN))
