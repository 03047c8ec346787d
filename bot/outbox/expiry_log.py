"""A message that is not said any more is counted and leaves a line, whoever decided so."""

from typing import Any

from bot.db import schema
from bot.log import log
from bot.metrics import deliveries
from bot.outbox.keys import MessageKey

_messages = schema.messages
#: What `note_expired` needs of a message.
NAMES = (_messages.c.workspace_id, _messages.c.message_id, _messages.c.key, _messages.c.operation)


def note_expired(message: Any, reason: str) -> None:
    """`message` is its row, or what was read of it: NAMES."""
    deliveries.labels(message.operation, "expired").inc()
    log.info(
        "message_expired",
        **MessageKey(message.key).log_fields,
        operation=message.operation,
        workspace=message.workspace_id,
        message=message.message_id,
        reason=reason,
    )
