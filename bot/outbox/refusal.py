"""The facts about a message that Slack refused for good, for the packages above."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.outbox.keys import MessageKey
from bot.outbox.outbox import Operation
from bot.slack.errors import Meaning


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """One message that Slack will not take, and why in Slack's own name for it."""

    workspace_id: str
    message_id: str
    key: MessageKey
    operation: Operation
    conversation: str
    reason: str
    meaning: Meaning  # PERMANENT: this message failed; WORKSPACE: the token is no good


#: Carries out what follows, in the transaction that marks the message. Never calls Slack.
Refused = Callable[[AsyncConnection, Refusal, datetime], Awaitable[None]]


async def nothing_follows(_tx: AsyncConnection, _refusal: Refusal, _now: datetime) -> None:
    """For a delivery that nobody else depends on."""
