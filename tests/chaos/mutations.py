"""The protocol with one piece taken out: the harness must notice each."""

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

_messages = schema.messages


def no_proof() -> None:
    """What is unknown is simply sent again."""
    verdict = errors.verdict

    def sure(error: BaseException) -> Any:
        why = verdict(error)
        return replace(why, meaning=ErrorKind.LATER) if why.meaning is ErrorKind.UNKNOWN else why

    async def trust(tx: AsyncConnection, workspace_id: str, look_at: datetime) -> int:
        await tx.execute(
            update(_messages)
            .where(_messages.c.workspace_id == workspace_id, _messages.c.state == State.SENDING)
            .values(state=State.PENDING)
        )
        return 0

    slack_calls.verdict = sure  # type: ignore[attr-defined]
    sender_leases.mark_interrupted_unknown = trust


def sent_before_the_call() -> None:
    """A message counts as sent as soon as it is claimed."""
    claim = transitions.claim

    async def hasty(
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

    transitions.claim = hasty


def sdk_retries() -> None:
    """slack_sdk repeats calls by itself, as it does unless told otherwise (see `child`)."""


def no_fence() -> None:
    """Whoever comes late may still conclude."""
    transitions._MINE = (
        (_messages.c.workspace_id == bindparam("b_workspace"))
        & (_messages.c.key == bindparam("b_key"))
        & (bindparam("b_fence", type_=Integer) >= 0)
    )


def no_heads() -> None:
    """Every open message may go out, whatever was said before it in its conversation."""
    queue_heads._HEADS = queue_heads._heads(_messages.c.message_id)


def no_patience() -> None:
    """Slack's Retry-After is not heeded."""
    learn = RateUsage.learn

    def deaf(self: RateUsage, findings: Iterable[SendResult]) -> None:
        learn(self, [replace(finding, retry_after=None) for finding in findings])

    RateUsage.learn = deaf  # type: ignore[method-assign]


class Mutation(NamedTuple):
    """A piece to take out, and the count of `oracle.Count` that must tell of it."""

    take_out: Callable[[], None]
    shows: str


MUTATIONS = {
    "no proof before sending again": Mutation(no_proof, "twice"),
    "sent marked before the call": Mutation(sent_before_the_call, "lost"),
    "slack_sdk's own retries": Mutation(sdk_retries, "twice"),
    "no fence": Mutation(no_fence, "twice"),
    "no order in a conversation": Mutation(no_heads, "out_of_order"),
    "Retry-After not heeded": Mutation(no_patience, "impatient"),
}
