"""Outbox messages in any state, and the real `python -m bot` commands."""

import os
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from bot.clock import real_now
from bot.db import schema
from bot.db.engine import Database
from bot.db.upserts import insert_if_new
from bot.outbox import enqueue
from bot.outbox.enqueue import State
from bot.outbox.keys import MessageKey
from bot.settings import encode_key
from bot.slack.content import content, section
from tests import forked_bot
from tests.forked_bot import CommandResult
from tests.harness import KEY, LAUNCH, WORKSPACE

_messages = schema.messages
SECRET_TEXT = "the words of a message"


async def command(url: str, *arguments: str, **environ: str) -> CommandResult:
    """Run `python -m bot ...` as an operator would."""
    keys = {"DATABASE_URL": url, "IMBALANCE_KEYS": encode_key(KEY)}
    return await forked_bot.run(arguments, {**os.environ, **keys, **environ})


async def add_message(
    db: Database,
    key: str = "announcement:abc",
    *,
    to: str = LAUNCH,
    now: datetime | None = None,
    workspace_id: str = WORKSPACE,
    **values: Any,
) -> str:
    """Add a message that is an hour old, with these column values. Returns its id."""
    at = (now or real_now()) - timedelta(hours=1)
    async with db.transaction() as tx:
        body = content(SECRET_TEXT, section(SECRET_TEXT))
        await insert_if_new(tx, schema.sender_leases, workspace_id=workspace_id)
        await enqueue.post(tx, workspace_id, key=MessageKey(key), to=to, content=body, now=at)
        selected = (_messages.c.workspace_id == workspace_id) & (_messages.c.key == key)
        if values:
            await tx.execute(update(_messages).where(selected).values(**values))
        return str(await tx.scalar(select(_messages.c.message_id).where(selected)))


async def held(db: Database, key: str = "announcement:abc", **values: Any) -> str:
    """Add a held message: nobody can tell whether it reached Slack. Returns its id."""
    return await add_message(
        db, key, **{"state": State.HELD, "error": "no proof can be had", "attempts": 1, **values}
    )


async def row(db: Database, message_id: str) -> Any:
    async with db.reading() as reader:
        found = await reader.execute(select(_messages).where(_messages.c.message_id == message_id))
        return found.one()
