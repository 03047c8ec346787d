"""Drafts kept between the pages of the start form, and forgotten after a week."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda import schedule
from bot.agenda.actions import ActionName, AgendaAction
from bot.agenda.schedule import AgendaItem, complete_or_abort
from bot.db import schema
from bot.db.upserts import put
from bot.services import Services
from bot.start.draft import Draft, as_json, from_json

KEPT = timedelta(days=7)

_drafts = schema.phase_drafts


@dataclass(frozen=True, kw_only=True)
class StoredDraft:
    """A draft as it is kept, for one person in one channel."""

    draft_id: str
    channel_id: str
    user_id: str
    draft: Draft
    phase_id: str | None  # None: not announced yet


async def create(tx: AsyncConnection, workspace_id: str, kept: StoredDraft, now: datetime) -> None:
    """Store a new draft, or one taken up again; it is deleted a week after its last change."""
    await save(tx, workspace_id, kept, now)
    await schedule.add_or_lock(
        tx, workspace_id, action=ActionName.FORGET_DRAFTS, subject=workspace_id, due_at=now + KEPT
    )


async def save(tx: AsyncConnection, workspace_id: str, kept: StoredDraft, now: datetime) -> None:
    """Store a draft over what was stored before."""
    await put(
        tx,
        _drafts,
        {"workspace_id": workspace_id, "draft_id": kept.draft_id},
        channel_id=kept.channel_id,
        user_id=kept.user_id,
        content=as_json(kept.draft),
        saved_at=now,
    )


async def find(
    tx: AsyncConnection, workspace_id: str, draft_id: str, user_id: str, *, to_write: bool = False
) -> StoredDraft | None:
    """The person's own draft; None where there is none (any more), or it is somebody else's.

    With `to_write` nobody else announces it until the transaction ends.
    """
    query = select(_drafts).where(
        _drafts.c.workspace_id == workspace_id,
        _drafts.c.draft_id == draft_id,
        _drafts.c.user_id == user_id,
    )
    row = (await tx.execute(query.with_for_update() if to_write else query)).mappings().first()
    if row is None:
        return None
    return StoredDraft(
        draft_id=draft_id,
        channel_id=row["channel_id"],
        user_id=user_id,
        draft=from_json(row["content"]),
        phase_id=row["phase_id"],
    )


async def unfinished_id(
    tx: AsyncConnection, workspace_id: str, channel_id: str, user_id: str
) -> str | None:
    """The id of what this person last began to write here and has not announced."""
    found: str | None = await tx.scalar(
        select(_drafts.c.draft_id)
        .where(
            _drafts.c.workspace_id == workspace_id,
            _drafts.c.channel_id == channel_id,
            _drafts.c.user_id == user_id,
            _drafts.c.phase_id.is_(None),
        )
        .order_by(_drafts.c.saved_at.desc())
        .limit(1)
    )
    return found


async def mark_announced(
    tx: AsyncConnection, workspace_id: str, draft_id: str, phase_id: str
) -> None:
    """Nothing of it is needed any more but which phase it became."""
    await tx.execute(
        update(_drafts)
        .where(_drafts.c.workspace_id == workspace_id, _drafts.c.draft_id == draft_id)
        .values(phase_id=phase_id)
    )


async def delete_old_drafts(services: Services, item: AgendaItem) -> None:
    """Delete what was not touched for a week, and come back for the rest."""
    now = services.clock.now()
    mine = _drafts.c.workspace_id == item.workspace_id
    async with services.db.transaction() as tx:
        # First, as who keeps a draft writes it first, and then what is due about it.
        await tx.execute(delete(_drafts).where(mine, _drafts.c.saved_at <= now - KEPT))
        await complete_or_abort(tx, item)
        oldest = await tx.scalar(select(func.min(_drafts.c.saved_at)).where(mine))
        if oldest is not None:
            await schedule.add(
                tx,
                item.workspace_id,
                action=ActionName.FORGET_DRAFTS,
                subject=item.workspace_id,
                due_at=oldest + KEPT,
            )


ACTIONS = (AgendaAction(name=ActionName.FORGET_DRAFTS, run=delete_old_drafts, is_noticed=False),)
