"""Extension of a phase, once and with a reason for the channel, and the warning before its end."""

from dataclasses import replace
from datetime import date, datetime

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda.actions import ActionName, AgendaAction
from bot.agenda.schedule import AgendaItem, log_skipped, run_item
from bot.agenda.slots import within_hours
from bot.announcement import refresh
from bot.db import schema
from bot.ending import messages
from bot.ending.extend_form import ENDS_ON, REASON, REASON_LIMIT, Extension
from bot.outbox import enqueue, keys
from bot.phases import rules, store
from bot.phases.budget import Span
from bot.phases.model import Phase
from bot.phases.permissions import actor_of, lock_to_manage
from bot.rounds.lifecycle import replan_rounds
from bot.services import Services
from bot.slack.errors import Refused
from bot.slack.people import stored_people
from bot.slack.request import Request
from bot.workspaces.store import add_audit_entry

ENDED = (
    "The phase was not extended: it has ended. `/imbalance start` begins a new one, with its own "
    "stakes."
)
NEEDS_DAY = "The phase was not extended: no day is chosen. Choose the new end."
NEEDS_REASON = (
    "The phase was not extended: the reason is empty, and the channel should know why. Write a "
    "sentence."
)
NO_ROOM = (
    "The phase was not extended: it is as long as this workspace allows. When it is over, "
    "`/imbalance start` begins a new one, with its own stakes."
)
TOO_LONG = "The phase was not extended: this has {length} characters, and {limit} fit. Shorten it."


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
        _check(phase, extension)
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
    """Return the last day that the phase may be extended to.

    Raises:
        Refused: it has ended, or already has the maximum length.
    """
    if not phase.is_active:
        raise Refused(ENDED)
    latest = rules.latest_extension(phase.dates, phase.limits)
    if latest <= phase.original_ends_on:
        raise Refused(NO_ROOM)
    return latest


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


def _check(phase: Phase, extension: Extension) -> None:
    latest_end(phase)
    if extension.ends_on is None:
        raise Refused(NEEDS_DAY, {ENDS_ON: NEEDS_DAY})
    refusal = rules.refusal_to_extend(phase.dates, extension.ends_on, phase.limits)
    if refusal is not None:
        raise Refused(refusal.text, {refusal.field or ENDS_ON: refusal.text})
    if not extension.reason:
        raise Refused(NEEDS_REASON, {REASON: NEEDS_REASON})
    if len(extension.reason) > REASON_LIMIT:
        text = TOO_LONG.format(length=len(extension.reason), limit=REASON_LIMIT)
        raise Refused(text, {REASON: text})


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
    # The person may be an admin outside the team.
    profiles = await stored_people(tx, request.workspace_id, [request.user_id])
    by = profiles[request.user_id].name if request.user_id in profiles else request.user_id
    await enqueue.post(
        tx,
        request.workspace_id,
        key=keys.extended(request.target_id),
        to=moved.channel_id,
        content=messages.extended(moved, by),
        now=now,
    )
