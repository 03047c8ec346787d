"""Log lines and metrics of delivery: ids and reasons, never a message's text."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any

from bot.clock import monotonic
from bot.log import log
from bot.metrics import (
    call_seconds,
    deliveries,
    delivery_lookups,
    publish_in_batches,
    rate_limited,
    sender_takeovers,
    unknown_outcomes,
)
from bot.outbox.enqueue import Operation, State
from bot.outbox.queued_message import QueuedMessage, SendResult
from bot.outbox.rate_limits import LOOKUP

#: Results of looking up an unknown outcome, by the message's new state.
_RESULT_BY_STATE = {
    State.SENT: "present",
    State.PENDING: "absent",
    State.HELD: "impossible",
    State.UNKNOWN: "not_yet",
}
#: The result if Slack's own event came before the lookup.
REPORTED = "reported"
LOOKUP_RESULTS = (*_RESULT_BY_STATE.values(), REPORTED)
#: What is changed in Slack when somebody pressed a button: their message, or their App Home.
FOLLOWING_PRESSES = (Operation.UPDATE, Operation.PUBLISH)
_NOTEWORTHY = (State.HELD, State.FAILED, State.UNKNOWN)


@contextmanager
def timed_call(operation: Operation) -> Iterator[None]:
    """Measure how long Slack takes for a call."""
    began = monotonic()
    try:
        yield
    finally:
        observe = partial(call_seconds.labels(operation).observe, monotonic() - began)
        if operation in FOLLOWING_PRESSES:
            publish_in_batches(f"call {operation}", observe)
        else:
            observe()


def record_result(result: SendResult) -> None:
    """Record one attempt and its result."""
    if result.file_id is not None:  # only its picture was uploaded
        return
    row = result.row
    if result.retry_after is not None:
        rate_limited.labels(row.rate_limit if row.rate_limit == LOOKUP else row.operation).inc()
    if row.state is State.UNKNOWN:
        delivery_lookups.labels(_RESULT_BY_STATE[result.state]).inc()
    elif result.state is State.UNKNOWN:
        unknown_outcomes.labels(result.reason).inc()
    _record(result.row, result.state, result.reason)


def record_takeover(workspace_id: str, interrupted: int, *, abandoned: bool) -> None:
    """Log that we took a lease, and how many calls its last owner left under way."""
    if abandoned:
        sender_takeovers.inc()
        log.warning("sender_taken_over", workspace=workspace_id)
    if interrupted:
        unknown_outcomes.labels("interrupted").inc(interrupted)
        log.warning("outcome_unknown", workspace=workspace_id, messages=interrupted)


def record_postponed(row: QueuedMessage, until: datetime) -> None:
    """Log that a message waits for hours that suit its reader."""
    log.info(
        "message_postponed",
        **row.key.log_fields,
        workspace=row.workspace_id,
        message=row.message_id,
        until=until.isoformat(),
    )


def _record(row: QueuedMessage, state: State, reason: str | None) -> None:
    count = deliveries.labels(row.operation, state)
    if state is State.SENT and row.operation in FOLLOWING_PRESSES:
        publish_in_batches(f"sent {row.operation}", count.inc)
    else:
        count.inc()
    fields: dict[str, Any] = {"workspace": row.workspace_id, "message": row.message_id}
    if reason:
        fields["reason"] = reason
    write = log.warning if state in _NOTEWORTHY else log.info
    write(f"message_{state}", **row.key.log_fields, operation=row.operation, **fields)
