"""Counting and logging of messages that are not sent any more, whoever decided so."""

from typing import Any

from bot.db import schema
from bot.log import log
from bot.metrics import deliveries
from bot.outbox.keys import MessageKey

_messages = schema.messages
#: The columns of a message that `record_expired` needs.
LOGGED_COLUMNS = (
    _messages.c.workspace_id,
    _messages.c.message_id,
    _messages.c.key,
    _messages.c.operation,
)


def record_expired(message: Any, reason: str) -> None:
    """Record that a message expired; `message` is its row, or its columns in NAMES."""
    deliveries.labels(message.operation, "expired").inc()
    log.info(
        "message_expired",
        **MessageKey(message.key).log_fields,
        operation=message.operation,
        workspace=message.workspace_id,
        message=message.message_id,
        reason=reason,
    )
