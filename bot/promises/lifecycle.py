"""Making a promise, in the transaction of the reply or decision that it belongs to."""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db import schema
from bot.db.upserts import insert_if_new
from bot.promises.messages import ALREADY_CHECKED, ONE_A_WEEK
from bot.promises.model import Reply
from bot.slack.errors import Refused
from bot.slack.ids import form_digest

_promises = schema.promises


async def make(
    tx: AsyncConnection,
    workspace_id: str,
    reply: Reply,
    *,
    phase_id: str,
    round_id: str | None,
    made_by: str,
    now: datetime,
) -> str:
    """Store a lead's reply to a round's results, or replace their own; return its id.

    `round_id` is None for a promise made in a decision. Whether the team has read it is the
    caller's to check. Of two leads at once, the second one waits for the first and is refused.

    Raises:
        Refused: another lead has replied to this round, or the promise has an outcome.
    """
    promise_id = form_digest(phase_id, round_id or f"{made_by} {now.isoformat()}")
    texts = {"heard": reply.heard, "text": reply.text, "is_change": reply.is_change}
    key = {"workspace_id": workspace_id, "promise_id": promise_id}
    signed = {"phase_id": phase_id, "round_id": round_id, "made_by": made_by, "made_at": now}
    if await insert_if_new(tx, _promises, **key, **signed, **texts):
        return promise_id
    theirs = (_promises.c.workspace_id == workspace_id) & (_promises.c.promise_id == promise_id)
    changed = await tx.execute(
        update(_promises)
        .where(theirs, _promises.c.made_by == made_by, _promises.c.outcome.is_(None))
        .values(**texts)
        .returning(_promises.c.promise_id)
    )
    if changed.first() is None:
        author = await tx.scalar(select(_promises.c.made_by).where(theirs))
        raise Refused(ALREADY_CHECKED if author == made_by else ONE_A_WEEK)
    return promise_id
