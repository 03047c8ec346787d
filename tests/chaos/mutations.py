"""Mutations: the protocol with one piece removed. The harness must detect each of them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Integer, bindparam, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db import schema
from bot.outbox import queue_heads, sender_leases, slack_calls, transitions
from bot.outbox.enqueue import State
from bot.outbox.queued_message import QueuedMessage, SendResult
from bot.outbox.rate_limits import RateUsage
from bot.slack import errors
from bot.slack.errors import ErrorKind
from tests.chaos.oracle import Count

_messages = schema.messages


def no_proof() -> None:
    """A message with an unknown outcome is sent again without a lookup."""
    verdict = errors.classify

    def assume_not_sent(error: BaseException) -> Any:
        found = verdict(error)
        return (
            replace(found, kind=ErrorKind.RETRYABLE) if found.kind is ErrorKind.UNKNOWN else found
        )

    async def requeue_interrupted(tx: AsyncConnection, workspace_id: str, look_at: datetime) -> int:
        await tx.execute(
            update(_messages)
            .where(_messages.c.workspace_id == workspace_id, _messages.c.state == State.SENDING)
            .values(state=State.PENDING)
        )
        return 0

    slack_calls.classify = assume_not_sent  # type: ignore[attr-defined]
    sender_leases.mark_interrupted_unknown = requeue_interrupted


def sent_before_call() -> None:
    """A message is marked as sent when it is claimed."""
    claim = transitions.claim

    async def claim_as_sent(
        tx: AsyncConnection, rows: Sequence[QueuedMessage], now: datetime
    ) -> list[QueuedMessage]:
        claimed = await claim(tx, rows, now)
        if claimed:
            await tx.execute(
                update(_messages)
                .where(_messages.c.message_id.in_([row.message_id for row in claimed]))
                .values(state=State.SENT)
            )
        return claimed

    transitions.claim = claim_as_sent


def sdk_retries() -> None:
    """slack_sdk retries calls by itself, as by default (see `worker_process`)."""


def no_fence() -> None:
    """A sender that was overtaken may still record its outcome."""
    transitions._MINE = (
        (_messages.c.workspace_id == bindparam("b_workspace"))
        & (_messages.c.key == bindparam("b_key"))
        & (bindparam("b_fence", type_=Integer) >= 0)
    )


def no_conversation_order() -> None:
    """A message is sent even if an earlier one in its conversation is still open."""
    queue_heads._HEADS = queue_heads._heads(_messages.c.message_id)


def no_retry_after() -> None:
    """Slack's Retry-After is ignored."""
    learn = RateUsage.apply_results

    def learn_without_retry_after(self: RateUsage, results: Iterable[SendResult]) -> None:
        learn(self, [replace(finding, retry_after=None) for finding in results])

    RateUsage.apply_results = learn_without_retry_after  # type: ignore[method-assign]


class Mutation(NamedTuple):
    """A change to apply, and the counter of `oracle.Count` that must detect it."""

    apply: Callable[[], None]
    counter: str


def has_detected(mutation: Mutation, found: Count) -> bool:
    return bool(getattr(found, mutation.counter))


MUTATIONS = {
    "no proof before sending again": Mutation(no_proof, "duplicates"),
    "sent marked before the call": Mutation(sent_before_call, "lost"),
    "slack_sdk's own retries": Mutation(sdk_retries, "duplicates"),
    "no fence": Mutation(no_fence, "duplicates"),
    "no order in a conversation": Mutation(no_conversation_order, "out_of_order"),
    "Retry-After not heeded": Mutation(no_retry_after, "calls_during_backoff"),
}
