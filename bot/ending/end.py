"""The end of a phase, by its date or by its lead, and the return of set-aside work."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda import schedule
from bot.agenda.actions import ActionName, AgendaAction
from bot.agenda.schedule import AgendaItem, complete_or_abort
from bot.agenda.slots import within_hours, within_hours_if_late
from bot.announcement import refresh
from bot.db import schema
from bot.ending import goodbyes, messages
from bot.ending.summary import EndedPhase, summarize
from bot.ending.wrap_up_form import ItemDecision
from bot.outbox import enqueue, keys
from bot.phases import store
from bot.phases.budget import Span
from bot.phases.model import ItemOutcome, Phase, SetAsideItem
from bot.phases.rules import PhaseKind, recovery_until
from bot.rounds.lifecycle import PLANNING_ACTIONS, plan_follow_up_rounds
from bot.services import Services
from bot.workspaces.store import add_audit_entry

#: Working days that leads have for writing personal lines before the goodbyes go out.
GOODBYE_DELAY_DAYS = 2


async def end_now(
    tx: AsyncConnection, workspace_id: str, phase: Phase, *, by: str | None, now: datetime
) -> Phase:
    """End a running phase that the caller's transaction has locked; return the updated phase.

    `by` is None if it ends by its date.

    1. Mark it as ended, and resume the set-aside items that are still undecided.
    2. Remove its agenda items, except those of rounds after the end.
    3. Edit the announcement to say so and unpin it, unless the phase is paused.
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
        set_aside_items=await decide_items(tx, workspace_id, phase, {}),
    )
    actions = (
        ActionName.REFRESH_ANNOUNCEMENT,
        ActionName.SYNC_MEMBERS,
        ActionName.WARN_END,
        ActionName.END_PHASE,
        *PLANNING_ACTIONS,
    )
    await schedule.remove_about(tx, workspace_id, actions=actions, about=phase.phase_id)
    await plan_follow_up_rounds(tx, workspace_id, ended)
    await refresh.cancel_warnings(tx, workspace_id, phase)
    if not phase.is_paused:
        await retire_announcement(tx, workspace_id, ended, now)
    await _audit(tx, workspace_id, phase, by, now)
    return ended


async def retire_announcement(
    tx: AsyncConnection, workspace_id: str, phase: Phase, now: datetime
) -> None:
    """Edit the announcement to say that the phase is over; remove its pin and bookmark."""
    await refresh.edit_announcement(tx, workspace_id, phase, now)
    announcement = keys.announcement(phase.phase_id)
    await enqueue.unpin_and_unbookmark(tx, workspace_id, of=announcement, now=now)


async def end_phase(services: Services, item: AgendaItem) -> None:
    """End a phase whose date has come, and ask the leads for the wrap-up."""
    now = services.clock.now()
    async with services.db.transaction() as tx:
        phase = await store.lock(tx, item.workspace_id, item.subject)
        await complete_or_abort(tx, item)
        if phase is None or not phase.is_active:
            return
        phase = await end_now(tx, item.workspace_id, phase, by=None, now=now)
        ended = await summarize(tx, item.workspace_id, phase)
        post_at = within_hours_if_late(item.due_at, now, phase.zone, phase.calendar)
        await post_closing(tx, item.workspace_id, ended, post_at)
        await ask_for_wrap_up(tx, item.workspace_id, ended, now)


ACTIONS = (AgendaAction(name=ActionName.END_PHASE, run=end_phase),)


async def post_closing(
    tx: AsyncConnection, workspace_id: str, ended: EndedPhase, now: datetime
) -> None:
    """Post the closing message with what is known so far, unless the phase is paused."""
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
    """Ask the leads for the wrap-up, in their working hours.

    The goodbyes wait GOODBYE_DELAY_DAYS working days, so that leads can write their lines.
    """
    phase = ended.phase
    on = goodbyes_on(ended)
    for lead in ended.phase.reachable_leads:
        await enqueue.post(
            tx,
            workspace_id,
            key=keys.wrap_up(phase.phase_id, lead.user_id),
            to=lead.user_id,
            content=messages.ask_wrap_up(ended.phase, on),
            now=within_hours(now, lead.zone or phase.zone, phase.calendar),
        )
    await goodbyes.schedule_goodbyes(tx, workspace_id, ended.phase, on, now)


def goodbyes_on(ended: EndedPhase) -> date:
    """Return the day on which members get their goodbyes, at the phase's time of day."""
    phase = ended.phase
    day = phase.calendar.working_day_after(ended.ended_on, GOODBYE_DELAY_DAYS)
    return phase.calendar.working_day_from(day, phase.time_of_day)


async def decide_items(
    tx: AsyncConnection,
    workspace_id: str,
    phase: Phase,
    decisions: Mapping[int, ItemDecision],
) -> tuple[SetAsideItem, ...]:
    """Store the outcomes of the set-aside items and return them. Undecided ones are resumed."""
    items = schema.set_aside_items
    of_phase = (items.c.workspace_id == workspace_id) & (items.c.phase_id == phase.phase_id)
    for item in phase.set_aside_items:
        decision = decisions.get(item.position)
        if decision is None:
            continue
        await tx.execute(
            update(items)
            .where(of_phase, items.c.position == item.position)
            .values(outcome=decision.outcome, parked_until=decision.until)
        )
    if phase.set_aside_items:
        await tx.execute(
            update(items)
            .where(of_phase, items.c.outcome.is_(None))
            .values(outcome=ItemOutcome.RESUMED)
        )
    return tuple(
        _with_outcome(item, decisions.get(item.position)) for item in phase.set_aside_items
    )


def _with_outcome(item: SetAsideItem, decision: ItemDecision | None) -> SetAsideItem:
    if decision is not None:
        return replace(item, outcome=decision.outcome, parked_until=decision.until)
    return replace(item, outcome=item.outcome or ItemOutcome.RESUMED)


def _recovery(phase: Phase, ended_on: date) -> date | None:
    """Return the last day of recovery, counted from the day the phase really ended."""
    if phase.kind is not PhaseKind.RESULTS_SPRINT:
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
