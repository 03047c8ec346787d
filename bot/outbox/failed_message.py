"""The facts about a message that Slack refused for good, for the higher layers."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.outbox.enqueue import Operation
from bot.outbox.keys import MessageKey
from bot.slack.errors import ErrorKind


@dataclass(frozen=True, kw_only=True)
class FailedMessage:
    """One message that Slack will not accept; the reason is Slack's own name for the error."""

    workspace_id: str
    message_id: str
    key: MessageKey
    operation: Operation
    conversation: str
    reason: str
    error_kind: ErrorKind  # PERMANENT: this message failed; WORKSPACE: the token is invalid


#: Handles the failure in the transaction that marks the message. Never calls Slack.
OnFailed = Callable[[AsyncConnection, FailedMessage, datetime], Awaitable[None]]


async def ignore_failure(_tx: AsyncConnection, _refusal: FailedMessage, _now: datetime) -> None:
    """Do nothing; for a delivery that nothing else depends on."""
