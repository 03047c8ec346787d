"""The end of a phase, by its date or by its lead, and the return of set-aside work."""

from dataclasses import replace
from datetime import date, datetime

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda import schedule
from bot.agenda.actions import ActionName, AgendaAction
from bot.agenda.schedule import AgendaItem, complete_or_abort, run_item
from bot.agenda.slots import within_hours, within_hours_if_late
from bot.announcement import refresh
from bot.db import schema
from bot.decisions.lifecycle import close_with_phase
from bot.ending import goodbyes, messages
from bot.ending.summary import EndedPhase, summarize
from bot.on_hold.lifecycle import decide_items
from bot.outbox import enqueue, keys, requeue
from bot.phases import store
from bot.phases.budget import Span
from bot.phases.model import Phase
from bot.phases.rules import PhaseKind, recovery_until
from bot.rounds import membership
from bot.rounds.lifecycle import PLANNING_ACTIONS, plan_follow_up_rounds
from bot.services import Services
from bot.slack.content import with_picture
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
    await close_with_phase(tx, workspace_id, phase, by=by, now=now)
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
    """End a phase whose date has come, and ask the leads for the wrap-up.

    After downtime Slack may not have reported yet who left meanwhile, and they are to get no
    message: the channel is read first.

    Raises:
        SlackApiError: Slack could not say now who is in the channel; it is to be tried again.
    """
    now = services.clock.now()
    is_late = now - item.due_at > membership.MAY_HAVE_MISSED_EVENTS
    seen = (
        await membership.read_channel(services, item.workspace_id, item.subject)
        if is_late
        else None
    )
    async with services.db.transaction() as tx:
        phase = await store.lock(tx, item.workspace_id, item.subject)
        await complete_or_abort(tx, item)
        if phase is None or not phase.is_active:
            return
        if seen is not None:
            phase = await membership.with_current_team(tx, item.workspace_id, phase, seen, now)
        phase = await end_now(tx, item.workspace_id, phase, by=None, now=now)
        ended = await summarize(tx, item.workspace_id, phase)
        post_at = within_hours_if_late(item.due_at, now, phase.zone, phase.calendar)
        await post_closing(tx, item.workspace_id, ended, post_at)
        await ask_for_wrap_up(tx, item.workspace_id, ended, now)


async def update_closing(services: Services, item: AgendaItem) -> None:
    """Edit the closing message once more results from before the end are out.

    It shows the picture that was uploaded with the newest of them. In a paused phase Slack may
    refuse the edit; it is then made when the phase resumes.
    """
    now = services.clock.now()
    async with run_item(services.db, item) as tx:
        phase = await store.load(tx, item.workspace_id, item.subject)
        if phase is None or phase.ended_at is None:
            return
        ended = await summarize(tx, item.workspace_id, phase)
        message = messages.closing(ended)
        if ended.newest_round_id is not None:
            results = keys.results(ended.newest_round_id)
            place = await requeue.location(tx, item.workspace_id, results)
            blocks = with_picture(message.blocks, place.file_id if place else None)
            message = replace(message, blocks=blocks)
        of = keys.closing(phase.phase_id)
        await enqueue.edit(tx, item.workspace_id, of=of, content=message, now=now)


ACTIONS = (
    AgendaAction(name=ActionName.END_PHASE, run=end_phase),
    AgendaAction(name=ActionName.UPDATE_CLOSING, run=update_closing, is_visible=False),
)


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
