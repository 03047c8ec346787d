"""Extension of a phase, once and with a reason for the channel, and the warning before its end."""

from dataclasses import replace
from datetime import date, datetime

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda.actions import ActionName, AgendaAction
from bot.agenda.schedule import AgendaItem, log_skipped, run_item
from bot.agenda.slots import within_hours
from bot.announcement import refresh
from bot.dates import day, weeks
from bot.db import schema
from bot.ending import messages
from bot.ending.extend_form import ENDS_ON, REASON, REASON_LIMIT, Extension
from bot.ending.messages import EXTENDED_ONCE, NEEDS_DAY, NEEDS_REASON, NO_ROOM, TOO_LATE_TO_EXTEND
from bot.outbox import enqueue, keys
from bot.phases import rules, store
from bot.phases.budget import Span
from bot.phases.model import Phase
from bot.phases.permissions import actor_of, lock_to_manage
from bot.rounds.lifecycle import replan_rounds
from bot.services import Services
from bot.slack.errors import Refused
from bot.slack.people import stored_name
from bot.slack.request import Request
from bot.workspaces.rules import TEXT_TOO_LONG
from bot.workspaces.store import add_audit_entry


async def extend(services: Services, request: Request, extension: Extension) -> Phase:
    """Move the end of a phase, with its announcement, rounds, warning and recovery.

    Return the updated phase.

    Raises:
        Refused: the person is not a lead or admin, the phase has ended or was extended before, or a
            field is invalid.
    """
    actor = await actor_of(services, request)
    now = services.clock.now()
    async with services.db.transaction() as tx:
        phase = await lock_to_manage(tx, request, actor)
        _check(phase, extension, phase.day_of(now))
        moved = await _move(tx, request, phase, extension, now)
        await refresh.schedule_dates(tx, request.workspace_id, moved, now)
        # After rescheduling, so that a concurrent warning of the old end is already enqueued.
        await refresh.cancel_warnings(tx, request.workspace_id, phase)
        await replan_rounds(tx, request.workspace_id, moved, now)
        await refresh.edit_announcement(tx, request.workspace_id, moved, now)
        if not moved.is_paused:  # otherwise the announcement shows it on resume
            await _announce(tx, request, moved, now)
    return moved


def latest_end(phase: Phase) -> date:
    """Return the last day that a phase may be extended to that was not extended before."""
    return rules.latest_extension(phase.dates, phase.limits)


def why_not(phase: Phase, today: date) -> str | None:
    """Return why a running phase can't be extended at all; None: it can."""
    if phase.extension_reason is not None:
        return EXTENDED_ONCE.format(day=day(phase.ends_on, today))
    if latest_end(phase) <= phase.ends_on:
        return NO_ROOM.format(weeks=weeks(phase.limits.max_weeks(phase.kind)))
    return None


def refusal_of_day(phase: Phase, ends_on: date | None, today: date) -> str | None:
    """Return why the phase can't be extended to this day; None: it can.

    `ends_on` None: none was chosen.
    """
    if ends_on is None:
        return NEEDS_DAY.format(latest=day(latest_end(phase), today))
    refusal = rules.refusal_to_extend(phase.dates, ends_on, today, phase.limits)
    return refusal.text if refusal else None


async def warn_of_end(services: Services, item: AgendaItem) -> None:
    """Ask each lead, two working days before the end, whether to end or to extend.

    A late warning goes out in their next working hours, unless the phase has ended by then.
    """
    now = services.clock.now()
    async with run_item(services.db, item) as tx:
        phase = await store.load(tx, item.workspace_id, item.subject)
        if phase is None or not phase.is_active:
            return
        over_at = phase.ends_at
        for lead in phase.reachable_leads:
            at = within_hours(now, lead.zone or phase.zone, phase.calendar)
            if at >= over_at:
                log_skipped(item, "it ends before this could be read")
                continue
            await enqueue.post(
                tx,
                item.workspace_id,
                key=keys.warning(phase.phase_id, phase.ends_on, lead.user_id),
                to=lead.user_id,
                content=messages.warning(phase),
                now=at,
                expires_at=over_at,
            )


ACTIONS = (AgendaAction(name=ActionName.WARN_END, run=warn_of_end),)


def _check(phase: Phase, extension: Extension, today: date) -> None:
    refused = why_not(phase, today) if phase.is_active else TOO_LATE_TO_EXTEND
    if refused is not None:
        raise Refused(refused, {ENDS_ON: refused})
    errors = {
        ENDS_ON: refusal_of_day(phase, extension.ends_on, today),
        REASON: _refusal_of_reason(extension.reason),
    }
    shown = {name: text for name, text in errors.items() if text is not None}
    if shown:
        raise Refused(next(iter(shown.values())), shown)


def _refusal_of_reason(reason: str) -> str | None:
    if not reason:
        return NEEDS_REASON
    if len(reason) > REASON_LIMIT:
        return TEXT_TOO_LONG.format(length=len(reason), limit=REASON_LIMIT)
    return None


async def _move(
    tx: AsyncConnection, request: Request, phase: Phase, extension: Extension, now: datetime
) -> Phase:
    assert extension.ends_on is not None  # checked
    span = Span(starts_on=phase.starts_on, ends_on=extension.ends_on)
    moved = replace(
        phase,
        ends_on=extension.ends_on,
        extension_reason=extension.reason,
        recovery_until=rules.recovery_until(span) if phase.is_sprint else None,
    )
    phases = schema.phases
    await tx.execute(
        update(phases)
        .where(
            phases.c.workspace_id == request.workspace_id, phases.c.phase_id == request.target_id
        )
        .values(
            ends_on=moved.ends_on,
            extension_reason=moved.extension_reason,
            recovery_until=moved.recovery_until,
        )
    )
    await add_audit_entry(
        tx,
        request.workspace_id,
        actor=request.user_id,
        action="extend",
        subject=request.target_id,
        before={"ends_on": phase.ends_on.isoformat()},
        after={"ends_on": moved.ends_on.isoformat()},
        now=now,
    )
    return moved


async def _announce(tx: AsyncConnection, request: Request, moved: Phase, now: datetime) -> None:
    by = await stored_name(tx, request.workspace_id, request.user_id)
    await enqueue.post(
        tx,
        request.workspace_id,
        key=keys.extended(request.target_id),
        to=moved.channel_id,
        content=messages.extended(moved, by),
        now=now,
    )
