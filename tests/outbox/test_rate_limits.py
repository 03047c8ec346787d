"""Rate limits hold over any minute across senders, and a 429 stops only its own method."""

import json
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from bot.outbox.enqueue import Operation, State
from bot.outbox.keys import MessageKey
from bot.outbox.queued_message import NOWHERE, QueuedMessage, SendResult
from bot.outbox.rate_limits import (
    CONVERSATION_BURST,
    CONVERSATION_SECONDS,
    DIRECT,
    LOOKUP,
    PER_MINUTE,
    PROBE_EVERY_SECONDS,
    RESERVED_FOR_CHANNELS,
    UNKNOWN_OUTCOMES_BEFORE_PROBING,
    WINDOW_SECONDS,
    RateLimits,
    RateUsage,
)
from bot.slack.errors import ErrorKind

#: From https://docs.slack.dev/apis/web-api/rate-limits and the tier on each method's page.
SLACK_LIMITS = {
    Operation.POST: 300,  # "several hundred"
    Operation.UPDATE: 50,
    Operation.PIN: 20,
    Operation.UNPIN: 20,
    Operation.BOOKMARK: 20,
    Operation.UNBOOKMARK: 20,
    Operation.PUBLISH: 100,
    LOOKUP: 50,
}
BEGIN = 1_795_000_000.0
POSTS = PER_MINUTE[Operation.POST]


def a_row(
    operation: Operation = Operation.POST, conversation: str = "C1", rate_limit: str = ""
) -> QueuedMessage:
    return QueuedMessage(
        workspace_id="T1",
        message_id="1",
        key=MessageKey("k"),
        operation=operation,
        conversation=conversation,
        payload={},
        picture=None,
        file_id=None,
        revision=0,
        state=State.PENDING,
        fence=0,
        created_at=datetime(2026, 11, 23, tzinfo=UTC),
        not_before=datetime(2026, 11, 23, tzinfo=UTC),
        expires_at=None,
        attempts=0,
        lookup_attempts=0,
        error=None,
        first_try_at=None,
        thread_ts=None,
        rate_limit=rate_limit or operation.value,
        queue=conversation,
        target=NOWHERE,
    )


def a_result(state: State, meaning: ErrorKind | None = None, **more: float) -> SendResult:
    return SendResult(row=a_row(), state=state, error_kind=meaning, retry_after=more.get("wait"))


def resumed(used: RateUsage | None, at: float) -> RateUsage:
    """Resume the usage from JSON, as the next sender does."""
    kept = json.loads(json.dumps(used.to_json())) if used is not None else None
    return RateLimits().resume(kept, BEGIN + at)


def direct(number: int) -> QueuedMessage:
    return a_row(conversation=f"U{number}", rate_limit=DIRECT)


@given(
    st.sampled_from([*PER_MINUTE]),
    st.lists(st.floats(0, 20), min_size=1, max_size=30),
    st.integers(1, 120),
)
def test_calls_in_any_minute_stay_within_the_limit(
    name: str, pauses: list[float], wanted: int
) -> None:
    operation = Operation.POST if name == LOOKUP else Operation(name)
    used, now, calls, number = None, 0.0, [], 0
    for pause in pauses:
        now += pause
        used = resumed(used, now)
        for _ in range(wanted):
            number += 1
            if used.take(a_row(operation, conversation=f"C{number}", rate_limit=name)):
                calls.append(now)

    for begin in calls:
        assert sum(begin <= call < begin + 60 for call in calls) <= SLACK_LIMITS[name]


@given(st.lists(st.floats(0, 3), min_size=1, max_size=60))
def test_conversation_takes_a_burst_and_then_one_call_at_a_time(pauses: list[float]) -> None:
    used, now, calls = None, 0.0, []
    for pause in pauses:
        now += pause
        used = resumed(used, now)
        calls += [now] * sum(used.take(a_row()) for _ in range(5))

    for at, begin in enumerate(calls):
        later = calls[at + CONVERSATION_BURST :]
        allowed = [begin + number * CONVERSATION_SECONDS for number in range(1, len(later) + 1)]
        assert all(call >= least - 0.001 for call, least in zip(later, allowed, strict=True))


def test_limit_is_free_when_the_returned_wait_is_over() -> None:
    first = resumed(None, 0)
    assert [first.take(direct(number)) for number in range(POSTS)].count(True) == (
        POSTS - RESERVED_FOR_CHANNELS
    )
    wait = first.wait()

    assert wait is not None
    assert not resumed(first, wait - 0.1).take(direct(0))
    assert resumed(first, wait + 0.01).take(direct(0))


def test_send_estimate_counts_whole_windows_and_retry_after() -> None:
    used = resumed(None, 0)
    assert (
        used.seconds_until_sent({})
        == used.seconds_until_sent({DIRECT: 280, Operation.UPDATE: 50})
        == 0
    )
    assert used.seconds_until_sent({DIRECT: 281}) == WINDOW_SECONDS
    assert used.seconds_until_sent({DIRECT: 1000}) == 3 * WINDOW_SECONDS
    assert used.seconds_until_sent({DIRECT: 20, Operation.UPDATE: 120}) == 2 * WINDOW_SECONDS

    for number in range(100):
        used.take(direct(number))
    later = resumed(used, 30)
    assert later.seconds_until_sent({DIRECT: 180}) == 0
    assert later.seconds_until_sent({DIRECT: 181}) == WINDOW_SECONDS - 30
    assert later.seconds_until_sent({DIRECT: 180, Operation.POST: 1}) == WINDOW_SECONDS - 30

    later.apply_results([a_result(State.PENDING, ErrorKind.RETRYABLE, wait=40)])
    assert later.seconds_until_sent({DIRECT: 1}) == 40


def test_sent_count_is_reset_after_a_minute_without_sends() -> None:
    used = resumed(None, 0)
    used.apply_results([a_result(State.SENT)] * 3)
    used = resumed(used, 60)
    used.apply_results([a_result(State.SENT), a_result(State.FAILED)])

    assert resumed(used, 120).sent == 4
    assert resumed(used, 121).sent == 0


def test_direct_messages_leave_capacity_reserved_for_channels() -> None:
    used = resumed(None, 0)
    for number in range(POSTS):
        used.take(direct(number))

    assert DIRECT in used.barred()
    assert Operation.POST not in used.barred()
    assert sum(used.take(a_row(conversation=f"C{n}")) for n in range(POSTS)) == (
        RESERVED_FOR_CHANNELS
    )


def test_retry_after_bars_only_its_own_method() -> None:
    used = resumed(None, 0)
    used.apply_results([a_result(State.PENDING, ErrorKind.RETRYABLE, wait=30)])

    assert not used.take(a_row())
    assert used.take(a_row(Operation.UPDATE))
    assert not resumed(used, 29.9).take(a_row())
    assert resumed(used, 30.1).take(a_row())


def test_unknown_outcomes_bar_posting_until_a_probe_succeeds() -> None:
    used = resumed(None, 0)
    used.apply_results(
        [a_result(State.UNKNOWN, ErrorKind.UNKNOWN)] * UNKNOWN_OUTCOMES_BEFORE_PROBING
    )

    assert [used.take(direct(number)) for number in range(3)] == [True, False, False]
    assert not resumed(used, PROBE_EVERY_SECONDS - 1).take(direct(5))
    later = resumed(used, PROBE_EVERY_SECONDS + 1)
    assert [later.take(direct(number)) for number in range(3)] == [True, False, False]

    later.apply_results([a_result(State.SENT)])
    assert resumed(later, 2 * PROBE_EVERY_SECONDS + 2).take(direct(7))
    assert resumed(later, 2 * PROBE_EVERY_SECONDS + 2).take(direct(8))


def test_usage_older_than_a_minute_is_not_stored() -> None:
    used = resumed(None, 0)
    assert used.take(a_row())

    assert resumed(used, 61).to_json() is None
