"""Calls to Slack, made outside of any transaction, and their results.

Each job returns a result and raises nothing but cancellation: a fault of Slack is a result too, and
so is one of ours.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from aiohttp import ClientError
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import jittered, uptime
from bot.keys import KeyMissing
from bot.log import log
from bot.outbox.delivery_log import timed_call
from bot.outbox.enqueue import Operation, State
from bot.outbox.outcome_lookup import LookupResult, look_up
from bot.outbox.pictures import Draw, upload
from bot.outbox.queued_message import NOWHERE, QueuedMessage, SendResult, SlackLocation
from bot.outbox.retry_limit import uncounted_attempts
from bot.outbox.sealed_content import unseal_payload
from bot.outbox.web_api import perform
from bot.round_keys import RoundKeys
from bot.slack.errors import ApiError, ErrorKind, classify, reason_of

#: A call starts within this time after its claim or not at all: far less than a lease.
BEGIN_WITHIN_SECONDS = 5.0
#: After this many tries, a fault of our own counts as permanent.
MAX_INTERNAL_ERRORS = 3
#: Before posts to channels are sent again, two completed lookups in a row must not find them.
ABSENT_ONCE = "not there yet"
KEY_MISSING = "its key is missing"


@dataclass(frozen=True, kw_only=True)
class RetryTimings:
    """Waiting times, in real seconds."""

    settle: float = 120  # before looking up an unknown message
    first_retry: float = 2  # doubled after each failure
    longest_retry: float = 600
    picture_tries: int = 20  # about two minutes
    picture_retry: float = 6
    poll: float = 1  # how often to check for what other processes wrote

    def backoff(self, tries: int) -> float:
        """Return the seconds before the next try."""
        return jittered(min(self.first_retry * 2 ** min(tries, 16), self.longest_retry))


class SlackCalls:
    """The calls of delivery."""

    def __init__(
        self,
        client_for: Callable[[str], AsyncWebClient],
        draw: Draw,
        keys: RoundKeys,
        retry_timings: RetryTimings,
    ) -> None:
        self._client_for = client_for
        self._keys = keys
        self._draw = draw
        self._timings = retry_timings
        self._drawing_lock = asyncio.Lock()  # drawing takes a core for a second or two

    async def run(self, row: QueuedMessage, claimed_at: float) -> SendResult:
        """Send a message, look it up, or upload its picture. `claimed_at` is of `uptime`."""
        try:
            return await self._run(row, claimed_at)
        except Exception as error:  # noqa: BLE001 - one call must not stop its workspace's sender
            log.error("call_failed", exc_info=error, message=row.message_id, **row.key.log_fields)
            in_doubt = row.operation is Operation.POST
            return SendResult(
                row=row,
                state=State.UNKNOWN if in_doubt else State.PENDING,
                reason=type(error).__name__,
                wait_seconds=self._timings.settle
                if in_doubt
                else self._timings.backoff(row.attempts),
                error_kind=ErrorKind.UNKNOWN,
            )

    async def _run(self, row: QueuedMessage, claimed_at: float) -> SendResult:
        if row.state is State.UNKNOWN:
            return await self._look_up(row)
        if row.needs_picture:
            return await self._upload_picture(row)
        return await self._send(row, claimed_at)

    async def _send(self, row: QueuedMessage, claimed_at: float) -> SendResult:
        if uptime() - claimed_at > BEGIN_WITHIN_SECONDS:  # another sender may hold the lease by now
            wait = self._timings.backoff(row.attempts)
            tried = uncounted_attempts(row)
            return SendResult(
                row=row,
                state=State.PENDING,
                reason="late",
                wait_seconds=wait,
                attempts_change=tried,
            )
        try:
            payload = unseal_payload(self._keys, row.workspace_id, row.payload)
        except (KeyMissing, ValueError):
            return self._unreadable(row)
        row = replace(row, payload=payload)
        try:
            client = self._client_for(row.workspace_id)
            with timed_call(row.operation):
                place = await perform(client, row, row.target or NOWHERE)
        except Exception as error:  # noqa: BLE001 - a failure becomes a result
            return self._failed(row, error)
        return SendResult(row=row, state=State.SENT, location=place)

    def _unreadable(self, row: QueuedMessage) -> SendResult:
        """Try again later: another process may have the key, or its directory may be back.

        In the end the message is given up, like any other (see `bot.outbox.retry_limit`).
        """
        log.error("message_key_missing", **row.key.log_fields)
        return SendResult(
            row=row,
            state=State.PENDING,
            reason=KEY_MISSING,
            wait_seconds=self._timings.backoff(row.attempts),
            error_kind=ErrorKind.RETRYABLE,
        )

    def _failed(self, row: QueuedMessage, error: Exception) -> SendResult:
        failure = classify(error)
        if failure.kind is ErrorKind.UNKNOWN and _is_own_fault(error):
            log.error(
                "message_internal_error",
                exc_info=error,
                message=row.message_id,
                **row.key.log_fields,
            )
            may_be_there = row.operation is Operation.POST  # the fault may be in reading the answer
            if row.attempts >= MAX_INTERNAL_ERRORS and not may_be_there:
                failure = ApiError(kind=ErrorKind.PERMANENT, reason=failure.reason)
        if failure.kind is ErrorKind.PERMANENT and row.file_id:
            return self._without_file(row, failure, is_about_file=_is_about_file(error))
        state, wait = self._next_state(row, failure)
        return SendResult(
            row=row,
            state=state,
            reason=failure.reason,
            wait_seconds=wait,
            error_kind=failure.kind,
            retry_after=failure.retry_after,
            attempts_change=self._attempts_change(row, failure),
        )

    @staticmethod
    def _attempts_change(row: QueuedMessage, failure: ApiError) -> int:
        if failure.retry_after is not None:
            return -1
        return uncounted_attempts(row) if failure.kind is ErrorKind.RETRYABLE else 0

    def _next_state(self, row: QueuedMessage, failure: ApiError) -> tuple[State, float | None]:
        if failure.retry_after is not None:  # the method is limited, not this message
            return State.PENDING, None
        if failure.kind is ErrorKind.PERMANENT:
            return State.FAILED, None
        if failure.kind is ErrorKind.UNKNOWN and row.operation is Operation.POST:
            return State.UNKNOWN, self._timings.settle
        return State.PENDING, self._timings.backoff(row.attempts)

    def _without_file(
        self, row: QueuedMessage, failure: ApiError, *, is_about_file: bool
    ) -> SendResult:
        """Wait for the picture, which Slack may still be processing; in the end send without it."""
        gives_up = row.attempts >= self._timings.picture_tries or not is_about_file
        if gives_up:
            _log_left_out(row, failure)
        return SendResult(
            row=row,
            state=State.PENDING,
            reason=failure.reason,
            wait_seconds=self._timings.picture_retry,
            drop_picture=gives_up,
            attempts_change=-row.attempts if gives_up else 0,
        )

    async def _upload_picture(self, row: QueuedMessage) -> SendResult:
        """Upload the picture; the message is sent in the sender's next turn."""
        try:
            client = self._client_for(row.workspace_id)
            file_id = await upload(client, self._draw_alone, row.picture or {})
        except Exception as error:  # noqa: BLE001 - a failure becomes a result
            failure, tries = classify(error), row.attempts + 1
            log.warning("picture_failed", tries=tries, reason=failure.reason, **row.key.log_fields)
            if failure.retry_after is not None:  # a rate limit costs no try, and stops no posts
                wait = failure.retry_after
                return SendResult(
                    row=row, state=State.PENDING, reason=failure.reason, wait_seconds=wait
                )
            gives_up = tries >= self._most_picture_tries(failure, error)
            if gives_up:
                _log_left_out(row, failure)
            return SendResult(
                row=row,
                state=State.PENDING,
                reason="no picture",
                wait_seconds=0 if gives_up else self._timings.picture_retry,
                attempts_change=-row.attempts if gives_up else 1,
                drop_picture=gives_up,
            )
        return SendResult(
            row=row, state=State.PENDING, file_id=file_id, attempts_change=-row.attempts
        )

    def _most_picture_tries(self, failure: ApiError, error: Exception) -> int:
        """Return how often a picture is tried: once where Slack will never take one."""
        if failure.kind is ErrorKind.PERMANENT:
            return 1
        if _is_own_fault(error):
            return min(MAX_INTERNAL_ERRORS, self._timings.picture_tries)
        return self._timings.picture_tries

    async def _draw_alone(self, facts: dict[str, Any]) -> bytes:
        async with self._drawing_lock:
            return await self._draw(facts)

    async def _look_up(self, row: QueuedMessage) -> SendResult:
        try:
            result = await look_up(self._client_for(row.workspace_id), row)
        except Exception as error:  # noqa: BLE001 - a failure becomes a result
            failure = classify(error)
            wait = failure.retry_after or self._timings.backoff(row.lookup_attempts)
            return _without_location(row, State.UNKNOWN, failure.reason, wait, failure)
        if isinstance(result, SlackLocation):
            return SendResult(row=row, state=State.SENT, location=result)
        if result is LookupResult.INCONCLUSIVE:
            return _without_location(row, State.HELD, "no proof can be had")
        if not row.is_direct and row.error != ABSENT_ONCE:
            return _without_location(row, State.UNKNOWN, ABSENT_ONCE, self._timings.settle)
        return _without_location(row, State.PENDING, "proven absent")


def _without_location(
    row: QueuedMessage,
    state: State,
    reason: str,
    wait: float | None = None,
    failure: ApiError | None = None,
) -> SendResult:
    return SendResult(
        row=row,
        state=state,
        reason=reason,
        wait_seconds=wait,
        error_kind=failure.kind if failure else None,
        retry_after=failure.retry_after if failure else None,
        lookup_attempts_change=-row.lookup_attempts if state is State.PENDING else 1,
    )


def _log_left_out(row: QueuedMessage, failure: ApiError) -> None:
    log.warning("picture_left_out", reason=failure.reason, **row.key.log_fields)


def _is_about_file(error: Exception) -> bool:
    """Return whether Slack refused a block because of its file, which may not be processed yet."""
    if not isinstance(error, SlackApiError) or reason_of(error) != "invalid_blocks":
        return False
    details = error.response.get("response_metadata") or {}
    messages = details.get("messages") or []
    return not messages or any("slack" in message and "file" in message for message in messages)


def _is_own_fault(error: Exception) -> bool:
    """Return whether the error is a bug of ours, and not from Slack or the network.

    Some network errors, such as that of a certificate, are a ValueError too.
    """
    own_faults = KeyError | TypeError | ValueError | AttributeError | AssertionError
    return isinstance(error, own_faults) and not isinstance(error, OSError | ClientError)
