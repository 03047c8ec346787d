"""Deletion of round keys that nothing needs any more.

From then on no page, log, dump or backup of the database reveals what they protected.
"""

import asyncio
from datetime import date, datetime, timedelta

from sqlalchemy import Text, func, or_, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda import schedule
from bot.agenda.actions import ActionName
from bot.agenda.schedule import AgendaItem, run_item
from bot.db import schema
from bot.db.encrypted_columns import SEPARATOR
from bot.db.tenancy import across_workspaces
from bot.log import log
from bot.outbox.admin_queries import STUCK
from bot.outbox.queue_heads import is_open, literal_states
from bot.round_keys import KEY_ID_LENGTH, KeyName, KeyUse
from bot.rounds import ballots
from bot.services import Services

#: Rounds that could not be closed for longer than this lose their answers: a workspace that removed
#: the bot must not keep the answers of the others readable.
LONGEST_WAIT = timedelta(days=7)
#: Before the next try, by what still needs a key: an open round will close soon, a text is
#: delivered during the day.
TRY_AGAIN_AFTER = {KeyUse.BALLOTS: timedelta(hours=1), KeyUse.TEXTS: timedelta(days=1)}


async def delete_round_keys(services: Services, item: AgendaItem) -> None:
    """Delete all keys of past days that nothing needs, and come back for the others.

    If a file cannot be deleted, the action fails and is retried until it is.

    Raises:
        OSError: a file could not be deleted.
    """
    now = services.clock.now()
    async with services.db.reading() as reader:
        needed = await _needed_keys(reader, now)
    past = services.keys.before(now.date())
    await asyncio.to_thread(services.keys.delete, past - needed)
    if past - needed:
        log.info("round_keys_deleted", keys=sorted(past - needed))
    day = date.fromisoformat(item.subject)
    names = map(KeyName.parse, past & needed)
    kept = {name.use for name in names if name is not None and name.day == day}
    async with run_item(services.db, item) as tx:
        if kept:
            due_at = now + min(TRY_AGAIN_AFTER[use] for use in kept)
            await schedule.add(
                tx,
                item.workspace_id,
                action=ActionName.DELETE_ROUND_KEYS,
                subject=item.subject,
                due_at=due_at,
            )


KEYS_ARE_SHARED = "a day's round key serves every workspace"


async def _needed_keys(reader: AsyncConnection, now: datetime) -> frozenset[str]:
    """Return the ids of the keys of open rounds and of texts that were not delivered yet."""
    messages = schema.messages
    stored = type_coerce(messages.c.payload, Text)
    key_of_message = func.substr(stored, 1, KEY_ID_LENGTH)
    queries = (
        ballots.needed_keys(now - LONGEST_WAIT),
        select(schema.round_comments.c.key_id).distinct(),
        select(schema.concerns.c.key_id).distinct(),
        select(key_of_message)
        .where(stored.like(f"{KeyUse.TEXTS}-%"))
        .where(or_(is_open(messages), messages.c.state.in_(literal_states(STUCK))))
        .distinct(),
    )
    found = [
        key_id
        for query in queries
        for key_id in await reader.scalars(across_workspaces(query, KEYS_ARE_SHARED))
    ]
    return frozenset(key_id.partition(SEPARATOR)[0] for key_id in found)
