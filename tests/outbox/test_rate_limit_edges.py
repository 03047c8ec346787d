"""The exact edges of Slack's limits: the last call that fits, and the first moment after."""

from dataclasses import replace

import pytest

from bot.outbox.enqueue import Operation, State
from bot.outbox.queued_message import SendResult
from bot.outbox.rate_limits import DIRECT, PER_MINUTE, PROOF, WINDOW_SECONDS, RateLimits
from bot.slack.errors import ErrorKind
from tests.outbox.test_rate_limits import BEGIN, SLACKS, a_finding, a_row, direct, resumed


@pytest.mark.parametrize("name", [*PER_MINUTE])
def test_a_limit_is_used_up_to_its_last_call_and_free_again_a_minute_later(name: str) -> None:
    """Half a second more than a minute, for calls that were a little longer on their way."""
    limit = 40 if name == PROOF else SLACKS[Operation(name)]
    operation = Operation.POST if name == PROOF else Operation(name)
    rows = [a_row(operation, conversation=f"C{number}", pace=name) for number in range(limit + 1)]
    used = resumed(None, 0)

    assert [used.take(row) for row in rows] == [True] * limit + [False]
    assert used.barred() >= {name}
    assert used.wait() == 60.5
    assert not resumed(used, 60.25).take(rows[0])
    assert resumed(used, 60.5).take(rows[0])


@pytest.mark.parametrize("name", [*PER_MINUTE, DIRECT])
def test_retry_after_stops_the_limit_that_was_met_for_so_long(name: str) -> None:
    operation = Operation.POST if name in (PROOF, DIRECT) else Operation(name)
    row = a_row(operation, pace=name)
    used = resumed(None, 0)
    for seconds in (40, 30):  # the longest wish counts
        used.learn([SendResult(row=row, state=State.PENDING, retry_after=seconds)])

    stopped = {Operation.POST, DIRECT} if name in (Operation.POST, DIRECT) else {name}
    assert used.barred() == stopped
    assert not used.take(row)
    assert used.wait() == 40
    assert resumed(used, 39.75).barred() == stopped
    assert resumed(used, 40).barred() == set()


def test_one_workspaces_wait_is_not_anothers() -> None:
    """Whoever sends for several resumes each from what was kept of it."""
    pace = RateLimits()
    one, two = pace.resume(None, BEGIN), pace.resume(None, BEGIN)
    one.learn([a_finding(State.PENDING, ErrorKind.LATER, wait=30)])
    one.take(a_row(Operation.UPDATE))

    assert two.take(a_row())
    assert pace.resume(two.keep(), BEGIN + 1).barred() == set()


def test_a_conversation_takes_three_at_once_and_then_waits_for_the_next() -> None:
    used = resumed(None, 0)

    assert [used.take(a_row()) for _ in range(4)] == [True, True, True, False]
    assert used.take(a_row(conversation="C2"))
    assert used.take(a_row(pace=PROOF))  # a look is no post
    assert used.wait() == pytest.approx(1.1)
    assert not resumed(used, 1.0).take(a_row())
    assert resumed(used, 1.2).take(a_row())


def test_the_wait_is_for_what_is_free_first() -> None:
    used = resumed(None, 0)
    used.learn([a_finding(State.PENDING, ErrorKind.LATER, wait=30)])
    for wait in (50, 20):
        row = a_row(Operation.PIN if wait == 50 else Operation.UPDATE)
        used.learn([SendResult(row=row, state=State.PENDING, retry_after=wait)])

    assert used.wait() == 20
    assert resumed(None, 0).wait() is None


def doubt() -> SendResult:
    return a_finding(State.UNKNOWN, ErrorKind.UNKNOWN)


@pytest.mark.parametrize(
    ("learnt", "stopped"),
    [
        ([doubt()] * 2, False),
        ([doubt()] * 3, True),
        ([doubt(), doubt(), a_finding(State.SENT), doubt(), doubt()], False),
        ([doubt(), doubt(), a_finding(State.PENDING, ErrorKind.LATER), doubt()], True),
        ([a_finding(State.FAILED, ErrorKind.PERMANENT)] * 9, False),
        ([replace(doubt(), row=a_row(Operation.UPDATE))] * 9, False),
        ([replace(doubt(), row=a_row(pace=PROOF))] * 9, False),
        # what is looked for and found says nothing of whether Slack takes posts now
        ([doubt()] * 3 + [replace(a_finding(State.SENT), row=a_row(pace=PROOF))], True),
    ],
)
def test_three_doubts_in_a_row_stop_posting(learnt: list[SendResult], stopped: bool) -> None:
    used = resumed(None, 0)
    for finding in learnt:
        used.learn([finding])
        used = resumed(used, 0)  # as it is kept between turns

    assert [used.take(direct(number)) for number in range(2)] == [True, not stopped]
    assert not stopped or used.wait() == 30


def test_calls_are_kept_as_one_only_within_a_moment() -> None:
    """The later time counts, so that nothing is free too early."""
    used = resumed(None, 0)
    used.take(a_row())
    used = resumed(used, 0.125)
    used.take(a_row())
    used = resumed(used, 1)
    used.take(a_row(conversation="C2"))

    kept = used.keep() or {}
    assert kept["calls"] == {"post": [[BEGIN + 0.125, 2], [BEGIN + 1, 1]]}


def test_how_long_it_takes_leaves_the_room_that_is_kept_for_channels() -> None:
    used = resumed(None, 0)

    assert used.until_made({Operation.POST: 300}) == 0
    assert used.until_made({Operation.POST: 301}) == WINDOW_SECONDS
    assert used.until_made({DIRECT: 1, Operation.POST: 280}) == WINDOW_SECONDS


def test_what_was_used_first_is_free_first() -> None:
    used = None
    for at in (0, 10):
        used = resumed(used, at)
        assert all(used.take(a_row(Operation.PIN)) for _ in range(10))
    assert used is not None

    assert used.wait() == 50.5
    assert resumed(used, 60.5).take(a_row(Operation.PIN))
