"""A message that is not said any more is counted and leaves a line, whoever decided so."""

from typing import Any

from bot.log import log
from bot.metrics import deliveries


def note_expired(message: Any, reason: str) -> None:
    """`message` is its row, or what was read of it: its names, key and operation."""
    deliveries.labels(message.operation, "expired").inc()
    log.info(
        "message_expired",
        key=message.key,
        operation=message.operation,
        workspace=message.workspace_id,
        message=message.message_id,
        reason=reason,
    )
