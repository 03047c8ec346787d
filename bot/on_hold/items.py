"""Writes to the list of work on hold, and what every change of it does."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.announcement.refresh import edit_announcement
from bot.db import schema
from bot.db.upserts import insert_if_new
from bot.on_hold.messages import NOT_A_COLLEAGUE
from bot.outbox import enqueue, keys
from bot.phases import store as phases
from bot.phases.model import Phase
from bot.phases.permissions import GONE
from bot.services import Services
from bot.slack.content import Content
from bot.slack.errors import Refused
from bot.slack.request import Request
from bot.workspaces.store import add_audit_entry

_items = schema.set_aside_items


async def check_owner(
    services: Services, request: Request, owner_id: str | None, field: str
) -> None:
    """Check that this person can pick work up again. Never inside a transaction.

    Raises:
        Refused: they are no full member of the workspace; shown beside `field`.
    """
    if owner_id is None:
        return
    client = services.client_for(request.workspace_id)
    owner = await services.people.get(client, request.workspace_id, owner_id)
    if owner is None or not owner.is_full_member:
        raise Refused(NOT_A_COLLEAGUE, {field: NOT_A_COLLEAGUE})


def refuse(refusals: Mapping[str, str]) -> None:
    """Check that there are no refusals.

    Raises:
        Refused: there are; each is shown beside its field.
    """
    if refusals:
        raise Refused(next(iter(refusals.values())), refusals)


async def set_item(
    tx: AsyncConnection, workspace_id: str, phase: Phase, position: int, **values: Any
) -> None:
    """Change the stored columns of one item."""
    await tx.execute(
        update(_items)
        .where(
            _items.c.workspace_id == workspace_id,
            _items.c.phase_id == phase.phase_id,
            _items.c.position == position,
        )
        .values(**values)
    )


async def add_item(
    tx: AsyncConnection, workspace_id: str, phase: Phase, text: str, owner_id: str
) -> None:
    """Put one more piece of work on hold, at the end of the list."""
    position = max((item.position for item in phase.set_aside_items), default=-1) + 1
    await insert_if_new(
        tx,
        _items,
        workspace_id=workspace_id,
        phase_id=phase.phase_id,
        position=position,
        text=text,
        owner_id=owner_id,
    )


async def publish_change(
    tx: AsyncConnection, request: Request, before: Phase, now: datetime
) -> Phase:
    """Record the change of a locked phase's list, edit the announcement, return the new phase."""
    after = await phases.load(tx, request.workspace_id, before.phase_id)
    if after is None:
        raise Refused(GONE)
    if after.set_aside_items == before.set_aside_items:
        return before
    await add_audit_entry(
        tx,
        request.workspace_id,
        actor=request.user_id,
        action="change_on_hold",
        subject=before.phase_id,
        before=_states(before),
        after=_states(after),
        now=now,
    )
    await edit_announcement(tx, request.workspace_id, after, now)
    return after


async def reply(
    tx: AsyncConnection,
    workspace_id: str,
    phase: Phase,
    key: keys.MessageKey,
    content: Content,
    now: datetime,
) -> None:
    """Enqueue a reply in the announcement's thread."""
    await enqueue.post(
        tx,
        workspace_id,
        key=key,
        to=phase.channel_id,
        content=content,
        thread_of=keys.announcement(phase.phase_id),
        now=now,
    )


def _states(phase: Phase) -> dict[str, str]:
    """Return what became of each item, by its position, without what people wrote."""
    return {
        str(item.position): f"{item.outcome or 'on hold'} {item.parked_until or ''}".strip()
        for item in phase.set_aside_items
    }
