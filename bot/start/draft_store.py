"""Drafts stored between the pages of the start form, and deleted after a week."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda import schedule
from bot.agenda.actions import ActionName, AgendaAction
from bot.agenda.schedule import AgendaItem, complete_or_abort
from bot.db import schema
from bot.db.upserts import upsert
from bot.services import Services
from bot.start.draft import Draft, as_json, from_json

DRAFT_LIFETIME = timedelta(days=7)

_drafts = schema.phase_drafts


@dataclass(frozen=True, kw_only=True)
class StoredDraft:
    """A draft as it is stored, for one person in one channel."""

    draft_id: str
    channel_id: str
    user_id: str
    draft: Draft
    phase_id: str | None  # None: not announced yet


async def create(
    tx: AsyncConnection, workspace_id: str, stored: StoredDraft, now: datetime
) -> None:
    """Store a new draft, or one resumed; it is deleted a week after its last change."""
    await save(tx, workspace_id, stored, now)
    await schedule.add_or_lock(
        tx,
        workspace_id,
        action=ActionName.DELETE_OLD_DRAFTS,
        subject=workspace_id,
        due_at=now + DRAFT_LIFETIME,
    )


async def save(tx: AsyncConnection, workspace_id: str, stored: StoredDraft, now: datetime) -> None:
    """Store a draft over what was stored before."""
    await upsert(
        tx,
        _drafts,
        {"workspace_id": workspace_id, "draft_id": stored.draft_id},
        channel_id=stored.channel_id,
        user_id=stored.user_id,
        content=as_json(stored.draft),
        saved_at=now,
    )


async def find(
    tx: AsyncConnection, workspace_id: str, draft_id: str, user_id: str, *, lock: bool = False
) -> StoredDraft | None:
    """Return the person's own draft; None where there is none (any more), or it is somebody else's.

    With `to_write` nobody else announces it until the transaction ends.
    """
    query = select(_drafts).where(
        _drafts.c.workspace_id == workspace_id,
        _drafts.c.draft_id == draft_id,
        _drafts.c.user_id == user_id,
    )
    row = (await tx.execute(query.with_for_update() if lock else query)).mappings().first()
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
    """Return the id of this person's latest draft here that was not announced."""
    draft_id: str | None = await tx.scalar(
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
    return draft_id


async def mark_announced(
    tx: AsyncConnection, workspace_id: str, draft_id: str, phase_id: str
) -> None:
    """Record which phase the draft became; nothing else of it is needed any more."""
    await tx.execute(
        update(_drafts)
        .where(_drafts.c.workspace_id == workspace_id, _drafts.c.draft_id == draft_id)
        .values(phase_id=phase_id)
    )


async def delete_old_drafts(services: Services, item: AgendaItem) -> None:
    """Delete drafts unchanged for a week, and schedule the deletion of the rest."""
    now = services.clock.now()
    in_workspace = _drafts.c.workspace_id == item.workspace_id
    async with services.db.transaction() as tx:
        # Before the agenda item: storing a draft writes them in this order, too.
        await tx.execute(
            delete(_drafts).where(in_workspace, _drafts.c.saved_at <= now - DRAFT_LIFETIME)
        )
        await complete_or_abort(tx, item)
        oldest = await tx.scalar(select(func.min(_drafts.c.saved_at)).where(in_workspace))
        if oldest is not None:
            await schedule.add(
                tx,
                item.workspace_id,
                action=ActionName.DELETE_OLD_DRAFTS,
                subject=item.workspace_id,
                due_at=oldest + DRAFT_LIFETIME,
            )


ACTIONS = (
    AgendaAction(name=ActionName.DELETE_OLD_DRAFTS, run=delete_old_drafts, is_visible=False),
)
