"""The limit after which a message is given up that Slack never clearly refuses.

An outage of Slack is no reason to give up: it passes, and must not lose anything. So only tries
that reached Slack count, and only while Slack accepts other posts of the same workspace: then it is
this message that Slack cannot handle. If there is nothing to compare with, a message is tried for
more than a day. Without a limit, one message could hold up everything behind it for ever.
"""

from datetime import datetime, timedelta

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db import schema
from bot.outbox.enqueue import Operation
from bot.outbox.queued_message import QueuedMessage

_messages = schema.messages
#: From this try on, waits get no longer. Every try before it counts, since waits grow with the
#: count.
FIRST_COUNTED_ATTEMPT = 9
COUNTED_TRIES = 12
MIN_ATTEMPTS = FIRST_COUNTED_ATTEMPT + COUNTED_TRIES
MIN_AGE = timedelta(hours=1)
#: Another post accepted within this time shows that Slack is well: a little more than one wait.
RECENT = timedelta(minutes=15)
#: At five to ten minutes each.
MAX_ATTEMPTS = 300


def uncounted_attempts(row: QueuedMessage) -> int:
    """Return the change to a claimed message's tries if Slack certainly did nothing."""
    return 0 if row.attempts < FIRST_COUNTED_ATTEMPT else -1


async def is_exhausted(tx: AsyncConnection, row: QueuedMessage, now: datetime) -> bool:
    """Return whether it was tried often and long enough, and others got through (business time)."""
    if row.attempts < MIN_ATTEMPTS or row.first_try_at is None:
        return False
    if now - row.first_try_at < MIN_AGE:
        return False
    return row.attempts >= MAX_ATTEMPTS or await _sent_another(tx, row, now - RECENT)


async def _sent_another(tx: AsyncConnection, row: QueuedMessage, since: datetime) -> bool:
    other_post = exists().where(
        _messages.c.workspace_id == row.workspace_id,
        _messages.c.message_id != row.message_id,
        _messages.c.operation == Operation.POST,
        _messages.c.sent_at > since,
    )
    return bool(await tx.scalar(select(other_post)))
