"""Messages with a key of their own day while they wait: comments and concerns.

A sent message's payload is erased, but pages, logs and backups of the database keep it, encrypted
with IMBALANCE_KEYS like what people typed. The operator keeps those; the key of a sealed one is
deleted the night after it was delivered.
"""

import base64
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.db.encrypted_columns import KEY_ID, SEALED
from bot.keys import Wrapped
from bot.round_keys import KeyUse, RoundKeys
from bot.slack.content import Content, Picture


@dataclass(frozen=True, kw_only=True)
class SealedContent:
    """A message that only delivery can read."""

    payload: dict[str, Any]
    picture: Picture | None = None


def seal_content(
    keys: RoundKeys, workspace_id: str, content: Content, now: datetime
) -> SealedContent:
    """Seal a message with the key of today's texts; without ROUND_KEYS_DIR its column does.

    Raises:
        OSError: no key can be made.
    """
    if not keys.are_files:
        return SealedContent(payload=content.payload, picture=content.picture)
    value = json.dumps(content.payload).encode()
    wrapped = keys.wrap(value, _context(workspace_id), use=KeyUse.TEXTS, day=now.date())
    sealed = base64.b64encode(wrapped.sealed).decode()
    return SealedContent(payload={KEY_ID: wrapped.key_id, SEALED: sealed}, picture=content.picture)


def unseal_payload(keys: RoundKeys, workspace_id: str, payload: dict[str, Any]) -> dict[str, Any]:
    """Return the payload that Slack gets.

    Raises:
        KeyMissing, ValueError: as `RoundKeys.unwrap`.
    """
    if SEALED not in payload:
        return payload
    wrapped = Wrapped(key_id=payload[KEY_ID], sealed=base64.b64decode(payload[SEALED]))
    opened: dict[str, Any] = json.loads(keys.unwrap(wrapped, _context(workspace_id)))
    return opened


def _context(workspace_id: str) -> str:
    return f"{workspace_id}:message"
