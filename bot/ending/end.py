"""A phase ends: by its date, or because its lead says so; what was set aside is given back."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda import schedule
from bot.agenda.actions import ActionName, AgendaAction
from bot.agenda.schedule import AgendaItem, complete_or_abort
from bot.agenda.slots import within_hours, within_hours_if_late, working_day_after
from bot.announcement import refresh
from bot.db import schema
from bot.ending import goodbyes, messages
from bot.ending.summary import EndedPhase, summarize
from bot.ending.wrap_up_form import ItemDecision
from bot.outbox import enqueue, keys
from bot.phases import store
from bot.phases.budget import Span
from bot.phases.model import ItemOutcome, Phase, SetAsideItem
from bot.phases.rules import Kind, recovery_until
from bot.rounds.lifecycle import keep_after_rounds
from bot.services import Services
from bot.workspaces.store import add_audit_entry

#: Leads have so many working days to write a line before the goodbyes go without.
WAIT_FOR_LINES = 2


async def end_now(
    tx: AsyncConnection, workspace_id: str, phase: Phase, *, by: str | None, now: datetime
) -> Phase:
    """End a running phase in the caller's transaction, which holds it; returns it as it is now.

    `by` is None where its date did it.

    1. It is marked ended, and what still waited is taken up again.
    2. What its calendar held is dropped; rounds after the end stay.
    3. The announcement says that it has ended, and is unpinned; of a paused phase it cannot be.
    """
    recovery = _recovery(phase, phase.day_of(now))
    await tx.execute(
        update(schema.phases)
        .where(
            schema.phases.c.workspace_id == workspace_id,
            schema.phases.c.phase_id == phase.phase_id,
        )
        .values(state="ended", ended_at=now, ended_by=by, recovery_until=recovery)
    )
    ended = replace(
        phase,
        is_active=False,
        ended_at=now,
        ended_by=by,
        recovery_until=recovery,
        items=await decide_items(tx, workspace_id, phase, {}),
    )
    actions = (
        ActionName.REFRESH_ANNOUNCEMENT,
        ActionName.FOLLOW_MEMBERS,
        ActionName.WARN_END,
        ActionName.END_PHASE,
    )
    await schedule.remove_actions(tx, workspace_id, actions=actions, subject=phase.phase_id)
    await keep_after_rounds(tx, workspace_id, ended, now)
    await refresh.cancel_warnings(tx, workspace_id, phase)
    if not phase.is_paused:
        await retire_announcement(tx, workspace_id, ended, now)
    await _audit(tx, workspace_id, phase, by, now)
    return ended


async def retire_announcement(
    tx: AsyncConnection, workspace_id: str, phase: Phase, now: datetime
) -> None:
    """The announcement of a phase that is over says so; its pin and bookmark are removed."""
    await refresh.edit_announcement(tx, workspace_id, phase, now)
    announcement = keys.announcement(phase.phase_id)
    await enqueue.unpin(tx, workspace_id, of=announcement, now=now)
    await enqueue.unbookmark(tx, workspace_id, of=announcement, now=now)


async def end_phase(services: Services, item: AgendaItem) -> None:
    """Its date has come: it ends by itself, and the leads are asked what it brought."""
    now = services.clock.now()
    async with services.db.transaction() as tx:
        phase = await store.lock(tx, item.workspace_id, item.subject)
        await complete_or_abort(tx, item)
        if phase is None or not phase.is_active:
            return
        phase = await end_now(tx, item.workspace_id, phase, by=None, now=now)
        ended = await summarize(tx, item.workspace_id, phase)
        said_at = within_hours_if_late(item.due_at, now, phase.zone)
        await post_closing(tx, item.workspace_id, ended, said_at)
        await ask_for_wrap_up(tx, item.workspace_id, ended, now)


ACTIONS = (AgendaAction(name=ActionName.END_PHASE, run=end_phase),)


async def post_closing(
    tx: AsyncConnection, workspace_id: str, ended: EndedPhase, now: datetime
) -> None:
    """That it is over, with what is known so far; nothing where nobody can be told."""
    phase = ended.phase
    if phase.is_paused:
        return
    await enqueue.post(
        tx,
        workspace_id,
        key=keys.closing(phase.phase_id),
        to=phase.channel_id,
        content=messages.closing(ended),
        now=now,
    )


async def ask_for_wrap_up(
    tx: AsyncConnection, workspace_id: str, ended: EndedPhase, now: datetime
) -> None:
    """The leads, in their hours; the goodbyes leave them some days to write their lines."""
    phase = ended.phase
    goodbyes_on = working_day_after(ended.ended_on, WAIT_FOR_LINES)
    for lead in ended.phase.reachable_leads:
        await enqueue.post(
            tx,
            workspace_id,
            key=keys.wrap_up(phase.phase_id, lead.user_id),
            to=lead.user_id,
            content=messages.ask_wrap_up(ended.phase, goodbyes_on),
            now=within_hours(now, lead.zone or phase.zone),
        )
    await goodbyes.schedule_goodbyes(tx, workspace_id, ended.phase, goodbyes_on, now)


async def decide_items(
    tx: AsyncConnection,
    workspace_id: str,
    phase: Phase,
    decisions: Mapping[int, ItemDecision],
) -> tuple[SetAsideItem, ...]:
    """Store what becomes of the items, and return them. Those not decided are taken up again."""
    items = schema.set_aside_items
    mine = (items.c.workspace_id == workspace_id) & (items.c.phase_id == phase.phase_id)
    for position, decided in decisions.items():
        await tx.execute(
            update(items)
            .where(mine, items.c.position == position)
            .values(outcome=decided.outcome, parked_until=decided.until)
        )
    if phase.items:
        await tx.execute(
            update(items).where(mine, items.c.outcome.is_(None)).values(outcome=ItemOutcome.RESUMED)
        )
    return tuple(_decided(item, decisions.get(item.position)) for item in phase.items)


def _decided(item: SetAsideItem, decided: ItemDecision | None) -> SetAsideItem:
    if decided is not None:
        return replace(item, outcome=decided.outcome, parked_until=decided.until)
    return replace(item, outcome=item.outcome or ItemOutcome.RESUMED)


def _recovery(phase: Phase, ended_on: date) -> date | None:
    """From the day it really ended."""
    if phase.kind is not Kind.RESULTS_SPRINT:
        return None
    last = max(phase.starts_on, min(ended_on, phase.ends_on))
    return recovery_until(Span(starts_on=phase.starts_on, ends_on=last))


async def _audit(
    tx: AsyncConnection, workspace_id: str, phase: Phase, by: str | None, now: datetime
) -> None:
    if by is None:
        return
    await add_audit_entry(
        tx,
        workspace_id,
        actor=by,
        action="end",
        subject=phase.phase_id,
        before={"ends_on": phase.ends_on.isoformat()},
        after={"ended_on": phase.day_of(now).isoformat()},
        now=now,
    )
