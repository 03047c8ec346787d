"""A phase ends: by its date, or because its lead says so; what was set aside is given back."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda import agenda
from bot.agenda.agenda import Item, strike_off
from bot.agenda.slots import once_welcome, within_hours, working_day_after
from bot.announcement import refresh
from bot.db import schema
from bot.ending import goodbyes, messages
from bot.ending.summary import Ended, ended_of
from bot.ending.wrap_up_form import ItemFate
from bot.outbox import outbox
from bot.phases import store
from bot.phases.budget import Span
from bot.phases.model import Fate, PhaseRow
from bot.phases.rules import Kind, recovery_until
from bot.rounds.lifecycle import cancel_rounds
from bot.rounds.membership import FOLLOW
from bot.rounds.opening import REFRESH
from bot.services import Services
from bot.workspaces.store import note_change

#: Leads have so many working days to write a line before the goodbyes go without.
WAIT_FOR_LINES = 2


def wrap_up_key(phase_id: str, user_id: str) -> str:
    """The question to a lead, after the end."""
    return f"wrap_up:{phase_id}:{user_id}"


async def finish(
    tx: AsyncConnection, workspace_id: str, phase: PhaseRow, *, by: str | None, now: datetime
) -> None:
    """End a running phase in the caller's transaction, which holds it.

    `by` is None where its date did it.

    1. It is marked ended, and what still waited is taken up again.
    2. What its calendar held is dropped; rounds after the end stay.
    3. The announcement says that it has ended, and is unpinned; of a paused phase it cannot be.
    """
    ended_on = phase.day_of(now)
    recovery = _recovery(phase, ended_on)
    await tx.execute(
        update(schema.phases)
        .where(
            schema.phases.c.workspace_id == workspace_id,
            schema.phases.c.phase_id == phase.phase_id,
        )
        .values(state="ended", ended_at=now, ended_by=by, recovery_until=recovery)
    )
    await decide_items(tx, workspace_id, phase.phase_id, {})
    for action in (REFRESH, FOLLOW, refresh.WARN, refresh.END):
        await agenda.drop(tx, workspace_id, action=action, subject=phase.phase_id)
    await cancel_rounds(tx, workspace_id, phase.phase_id, now, keep_after=True)
    await refresh.unwarn(tx, workspace_id, phase)
    if not phase.is_paused:
        await take_down(tx, workspace_id, phase.phase_id, now)
    await _audit(tx, workspace_id, phase, by, now)


async def take_down(tx: AsyncConnection, workspace_id: str, phase_id: str, now: datetime) -> None:
    """The announcement of a phase that is over says so, and its marks are removed."""
    await refresh.tell(tx, workspace_id, phase_id, now)
    announcement = refresh.announcement_key(phase_id)
    await outbox.unpin(tx, workspace_id, of=announcement, now=now)
    await outbox.unbookmark(tx, workspace_id, of=announcement, now=now)


async def end_phase(services: Services, item: Item) -> None:
    """Its date has come: it ends by itself, and the leads are asked what it brought."""
    now = services.clock.now()
    async with services.db.transaction() as tx:
        phase = await store.phase_to_change(tx, item.workspace_id, item.subject)
        await strike_off(tx, item)
        if phase is None or not phase.is_active:
            return
        await finish(tx, item.workspace_id, phase, by=None, now=now)
        ended = await ended_of(tx, item.workspace_id, phase.phase_id)
        said_at = once_welcome(item.due_at, now, phase.zone)
        await close_in_channel(tx, item.workspace_id, ended, said_at)
        await ask_what_it_brought(tx, item.workspace_id, ended, now)


ACTIONS: Mapping[str, Callable[[Services, Item], Awaitable[None]]] = {
    refresh.END: end_phase,
    **goodbyes.ACTIONS,
}


def closing_key(phase_id: str) -> str:
    return f"closing:{phase_id}"


async def close_in_channel(
    tx: AsyncConnection, workspace_id: str, ended: Ended, now: datetime
) -> None:
    """That it is over, with what is known so far; nothing where nobody can be told."""
    phase = ended.whole.phase
    if phase.is_paused:
        return
    await outbox.say(
        tx,
        workspace_id,
        key=closing_key(phase.phase_id),
        to=phase.channel_id,
        content=messages.closing(ended),
        now=now,
    )


async def ask_what_it_brought(
    tx: AsyncConnection, workspace_id: str, ended: Ended, now: datetime
) -> None:
    """The leads, in their hours; the goodbyes leave them some days to write their lines."""
    phase = ended.whole.phase
    goodbyes_on = working_day_after(ended.ended_on, WAIT_FOR_LINES)
    for lead in ended.whole.leads_to_tell:
        await outbox.say(
            tx,
            workspace_id,
            key=wrap_up_key(phase.phase_id, lead.user_id),
            to=lead.user_id,
            content=messages.ask_wrap_up(ended.whole, goodbyes_on),
            now=within_hours(now, lead.zone or phase.zone),
        )
    await goodbyes.plan(tx, workspace_id, ended.whole, goodbyes_on, now)


async def decide_items(
    tx: AsyncConnection, workspace_id: str, phase_id: str, fates: Mapping[int, ItemFate]
) -> None:
    """What is not decided is taken up again."""
    items = schema.set_aside_items
    mine = (items.c.workspace_id == workspace_id) & (items.c.phase_id == phase_id)
    for position, decided in fates.items():
        await tx.execute(
            update(items)
            .where(mine, items.c.position == position)
            .values(fate=decided.fate, parked_until=decided.until)
        )
    await tx.execute(update(items).where(mine, items.c.fate.is_(None)).values(fate=Fate.RESUMED))


def _recovery(phase: PhaseRow, ended_on: date) -> date | None:
    """From the day it really ended."""
    if phase.kind is not Kind.RESULTS_SPRINT:
        return None
    last = max(phase.starts_on, min(ended_on, phase.ends_on))
    return recovery_until(Span(starts_on=phase.starts_on, ends_on=last))


async def _audit(
    tx: AsyncConnection, workspace_id: str, phase: PhaseRow, by: str | None, now: datetime
) -> None:
    if by is None:
        return
    await note_change(
        tx,
        workspace_id,
        actor=by,
        action="end",
        subject=phase.phase_id,
        before={"ends_on": phase.ends_on.isoformat()},
        after={"ended_on": phase.day_of(now).isoformat()},
        now=now,
    )
