"""Making a promise, in the transaction of the reply or decision that it belongs to."""

from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db import schema
from bot.db.upserts import insert_if_new
from bot.promises import rules, store
from bot.promises.messages import ALREADY_CHECKED, ONE_A_WEEK, ONE_CHANGE_A_WEEK
from bot.promises.model import Promise, Reply
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
    """Store a lead's reply to a round's results, or replace their own of this week; return its id.

    `round_id` is None for a promise made in a decision. What it replaces may stand under results,
    whose messages are the caller's to edit, and so is whether the team has read them. Of two leads
    at once, the second one waits for the first and is refused.

    Raises:
        Refused: another lead has replied to this round or promised a change this week, or the team
            has been asked about the one to replace.
    """
    made = await store.of_phase(tx, workspace_id, phase_id)
    opened = await store.opened_rounds(tx, workspace_id, phase_id)
    earlier = rules.edited_by(reply, round_id, made, opened)
    texts = {"heard": reply.heard, "text": reply.text, "is_change": reply.is_change}
    if earlier is not None:
        return await _edit(tx, workspace_id, earlier, texts, round_id=round_id, by=made_by)
    promise_id = form_digest(phase_id, round_id or f"{made_by} {now.isoformat()}")
    key = {"workspace_id": workspace_id, "promise_id": promise_id}
    signed = {"phase_id": phase_id, "round_id": round_id, "made_by": made_by, "made_at": now}
    if not await insert_if_new(tx, _promises, **key, **signed, **texts):
        raise Refused(ONE_A_WEEK)
    return promise_id


async def _edit(
    tx: AsyncConnection,
    workspace_id: str,
    earlier: Promise,
    texts: dict[str, Any],
    *,
    round_id: str | None,
    by: str,
) -> str:
    """Replace the texts; what was made in a decision moves under the results replied to."""
    if earlier.made_by != by:
        is_reply = round_id is not None and earlier.round_id == round_id
        raise Refused(ONE_A_WEEK if is_reply else ONE_CHANGE_A_WEEK)
    was_asked_about = await store.was_asked_about(tx, workspace_id, earlier)
    if not rules.may_edit(earlier, was_asked_about=was_asked_about):
        raise Refused(ALREADY_CHECKED)
    if round_id is None:
        texts = {**texts, "heard": earlier.heard}
    await tx.execute(
        update(_promises)
        .where(
            _promises.c.workspace_id == workspace_id,
            _promises.c.promise_id == earlier.promise_id,
        )
        .values(**texts, round_id=round_id or earlier.round_id)
    )
    return earlier.promise_id
