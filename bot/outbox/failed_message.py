"""The facts about a message that Slack refused for good, for the packages above."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.outbox.enqueue import Operation
from bot.outbox.keys import MessageKey
from bot.slack.errors import ErrorKind


@dataclass(frozen=True, kw_only=True)
class FailedMessage:
    """One message that Slack will not take, and why in Slack's own name for it."""

    workspace_id: str
    message_id: str
    key: MessageKey
    operation: Operation
    conversation: str
    reason: str
    meaning: ErrorKind  # PERMANENT: this message failed; WORKSPACE: the token is no good


#: Carries out what follows, in the transaction that marks the message. Never calls Slack.
OnFailed = Callable[[AsyncConnection, FailedMessage, datetime], Awaitable[None]]


async def ignore_failure(_tx: AsyncConnection, _refusal: FailedMessage, _now: datetime) -> None:
    """For a delivery that nobody else depends on."""
