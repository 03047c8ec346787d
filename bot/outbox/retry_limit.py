"""The limit after which a message is given up that Slack never clearly refuses.

Slack being unwell is no reason: that passes, and nothing may be lost by it. So only tries count
that reached Slack, and they count only while it takes other posts of the same workspace: then it
is this message that Slack cannot do. What nothing can be compared with is tried for more than a
day. Else one message could keep all that waits for it for ever.
"""

from datetime import datetime, timedelta

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db import schema
from bot.outbox.enqueue import Operation
from bot.outbox.queued_message import QueuedMessage

_messages = schema.messages
#: From this try on the waits get no longer. Until then every try is counted, for their sake.
LONGEST_WAIT_AT = 9
COUNTED_TRIES = 12
ENOUGH_TRIES = LONGEST_WAIT_AT + COUNTED_TRIES
AT_LEAST = timedelta(hours=1)
#: Another post that was taken so lately shows that Slack is well: a little more than one wait.
LATELY = timedelta(minutes=15)
#: At five to ten minutes each.
MOST_TRIES = 300


def uncounted_attempts(row: QueuedMessage) -> int:
    """To be added to the tries, its claim counted, of one that Slack surely did nothing about."""
    return 0 if row.attempts < LONGEST_WAIT_AT else -1


async def is_exhausted(tx: AsyncConnection, row: QueuedMessage, now: datetime) -> bool:
    """Whether it was tried often and long enough, and others got through (business time)."""
    if row.attempts < ENOUGH_TRIES or row.first_try_at is None:
        return False
    if now - row.first_try_at < AT_LEAST:
        return False
    return row.attempts >= MOST_TRIES or await _took_another(tx, row, now - LATELY)


async def _took_another(tx: AsyncConnection, row: QueuedMessage, since: datetime) -> bool:
    another = exists().where(
        _messages.c.workspace_id == row.workspace_id,
        _messages.c.message_id != row.message_id,
        _messages.c.operation == Operation.POST,
        _messages.c.sent_at > since,
    )
    return bool(await tx.scalar(select(another)))
