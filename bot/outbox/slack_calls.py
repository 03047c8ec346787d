"""Calls to Slack, made outside of any transaction, and their results.

Each job returns a finding and raises nothing but cancellation: a fault of Slack is an answer too,
and so is one of ours.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import jittered, uptime
from bot.log import log
from bot.metrics import call_seconds
from bot.outbox.enqueue import Operation, State
from bot.outbox.outcome_lookup import LookupResult, look_up
from bot.outbox.pictures import Draw, upload
from bot.outbox.queued_message import NOWHERE, QueuedMessage, SendResult, SlackLocation
from bot.outbox.retry_limit import uncounted_attempts
from bot.outbox.web_api import perform
from bot.slack.errors import ErrorKind, Verdict, verdict

#: A call begins within this time after its claim or not at all: far less than a lease.
BEGIN_WITHIN_SECONDS = 5.0
#: A fault of our own, tried so often, will not mend itself.
OWN_FAULTS = 3
#: Posts to channels are looked for twice, in two looks one after the other that could be made,
#: before they are sent again.
ABSENT_ONCE = "not there yet"


@dataclass(frozen=True, kw_only=True)
class RetryTimings:
    """How long to wait, in real seconds."""

    settle: float = 120  # before looking whether an unknown message is there
    first_retry: float = 2  # doubled after each failure
    longest_retry: float = 600
    picture_tries: int = 20  # about two minutes
    picture_retry: float = 6
    look: float = 1  # how often to look for what other processes wrote

    def backoff(self, tries: int) -> float:
        """Seconds before the next try."""
        return jittered(min(self.first_retry * 2 ** min(tries, 16), self.longest_retry))


class SlackCalls:
    """The calls of delivery."""

    def __init__(
        self, client_for: Callable[[str], AsyncWebClient], draw: Draw, retry_timings: RetryTimings
    ) -> None:
        self._client_for = client_for
        self._draw = draw
        self._patience = retry_timings
        self._one_at_a_time = asyncio.Lock()  # drawing takes a core for a second or two

    async def do(self, row: QueuedMessage, claimed_at: float) -> SendResult:
        """Send it, prove it, or upload its picture. `claimed_at` is of `uptime`."""
        try:
            return await self._done(row, claimed_at)
        except Exception as error:  # one call must not stop its workspace's sender
            log.error("call_failed", exc_info=error, message=row.message_id, **row.key.log_fields)
            in_doubt = row.operation is Operation.POST
            return SendResult(
                row=row,
                state=State.UNKNOWN if in_doubt else State.PENDING,
                reason=type(error).__name__,
                wait=self._patience.settle if in_doubt else self._patience.backoff(row.attempts),
                meaning=ErrorKind.UNKNOWN,
            )

    async def _done(self, row: QueuedMessage, claimed_at: float) -> SendResult:
        if row.state is State.UNKNOWN:
            return await self._prove(row)
        if row.needs_picture:
            return await self._picture(row)
        return await self._send(row, claimed_at)

    async def _send(self, row: QueuedMessage, claimed_at: float) -> SendResult:
        if uptime() - claimed_at > BEGIN_WITHIN_SECONDS:  # the lease may be another's by now
            wait = self._patience.backoff(row.attempts)
            tried = uncounted_attempts(row)
            return SendResult(row=row, state=State.PENDING, reason="late", wait=wait, tried=tried)
        try:
            with call_seconds.labels(row.operation).time():
                place = await perform(
                    self._client_for(row.workspace_id), row, row.target or NOWHERE
                )
        except Exception as error:
            return self._not_sent(row, error)
        return SendResult(row=row, state=State.SENT, place=place)

    def _not_sent(self, row: QueuedMessage, error: Exception) -> SendResult:
        why = verdict(error)
        if why.meaning is ErrorKind.UNKNOWN and _our_own(error):
            log.error(
                "message_faulty", exc_info=error, message=row.message_id, **row.key.log_fields
            )
            may_be_there = row.operation is Operation.POST  # it may come of reading the answer
            if row.attempts >= OWN_FAULTS and not may_be_there:
                why = Verdict(meaning=ErrorKind.PERMANENT, reason=why.reason)
        if why.meaning is ErrorKind.PERMANENT and row.file_id:
            return self._without_file(row, why)
        state, wait = self._after(row, why)
        return SendResult(
            row=row,
            state=state,
            reason=why.reason,
            wait=wait,
            meaning=why.meaning,
            retry_after=why.retry_after,
            tried=self._tried(row, why),
        )

    @staticmethod
    def _tried(row: QueuedMessage, why: Verdict) -> int:
        if why.retry_after is not None:
            return -1
        return uncounted_attempts(row) if why.meaning is ErrorKind.LATER else 0

    def _after(self, row: QueuedMessage, why: Verdict) -> tuple[State, float | None]:
        if why.retry_after is not None:  # its method waits, not this message
            return State.PENDING, None
        if why.meaning is ErrorKind.PERMANENT:
            return State.FAILED, None
        if why.meaning is ErrorKind.UNKNOWN and row.operation is Operation.POST:
            return State.UNKNOWN, self._patience.settle
        return State.PENDING, self._patience.backoff(row.attempts)

    def _without_file(self, row: QueuedMessage, why: Verdict) -> SendResult:
        """Slack may still be working on the picture: wait for it, in the end do without."""
        gives_up = row.attempts >= self._patience.picture_tries or why.reason != "invalid_blocks"
        return SendResult(
            row=row,
            state=State.PENDING,
            reason=why.reason,
            wait=self._patience.picture_retry,
            drop_picture=gives_up,
            tried=-row.attempts if gives_up else 0,
        )

    async def _picture(self, row: QueuedMessage) -> SendResult:
        """Upload it; the message is sent in the sender's next turn."""
        try:
            client = self._client_for(row.workspace_id)
            file_id = await upload(client, self._drawn, row.picture or {})
        except Exception as error:
            why, tries = verdict(error), row.attempts + 1
            log.warning("picture_failed", tries=tries, reason=why.reason, **row.key.log_fields)
            if why.retry_after is not None:  # Slack's wish costs no try, and stops no posts
                wait = why.retry_after
                return SendResult(row=row, state=State.PENDING, reason=why.reason, wait=wait)
            gives_up = tries >= self._patience.picture_tries
            return SendResult(
                row=row,
                state=State.PENDING,
                reason="no picture",
                wait=0 if gives_up else self._patience.picture_retry,
                tried=-row.attempts if gives_up else 1,
                drop_picture=gives_up,
            )
        return SendResult(row=row, state=State.PENDING, file_id=file_id, tried=-row.attempts)

    async def _drawn(self, facts: dict[str, Any]) -> bytes:
        async with self._one_at_a_time:
            return await self._draw(facts)

    async def _prove(self, row: QueuedMessage) -> SendResult:
        try:
            found = await look_up(self._client_for(row.workspace_id), row)
        except Exception as error:
            why = verdict(error)
            wait = why.retry_after or self._patience.backoff(row.lookup_attempts)
            return _unproven(row, State.UNKNOWN, why.reason, wait, why)
        if isinstance(found, SlackLocation):
            return SendResult(row=row, state=State.SENT, place=found)
        if found is LookupResult.NO_PROOF:
            return _unproven(row, State.HELD, "no proof can be had")
        if not row.to_person and row.error != ABSENT_ONCE:
            return _unproven(row, State.UNKNOWN, ABSENT_ONCE, self._patience.settle)
        return _unproven(row, State.PENDING, "proven absent")


def _unproven(
    row: QueuedMessage,
    state: State,
    reason: str,
    wait: float | None = None,
    why: Verdict | None = None,
) -> SendResult:
    return SendResult(
        row=row,
        state=state,
        reason=reason,
        wait=wait,
        meaning=why.meaning if why else None,
        retry_after=why.retry_after if why else None,
        looked=-row.lookup_attempts if state is State.PENDING else 1,
    )


def _our_own(error: Exception) -> bool:
    """Not Slack's no and not the network's: a defect of ours.

    Some of the network's errors are a ValueError too, such as that of a certificate.
    """
    ours = KeyError | TypeError | ValueError | AttributeError | AssertionError
    return isinstance(error, ours) and not isinstance(error, OSError | ClientError)
