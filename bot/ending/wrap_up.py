"""The wrap-up: the lead's words about a phase, and what happens to set-aside work."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda.slots import within_hours
from bot.dates import day
from bot.db import schema
from bot.ending import end, goodbyes, messages
from bot.ending.messages import (
    ALREADY_WRITTEN,
    NEEDS_MILESTONE_OUTCOME,
    NEEDS_OUTCOME,
    PARKED_LATER,
    PARKED_WHEN,
)
from bot.ending.summary import EndedPhase, summarize
from bot.ending.wrap_up_form import (
    LINE_LIMIT,
    MILESTONE,
    OUTCOME,
    TEXT_LIMIT,
    TEXTS,
    WrapUp,
    line_block,
    needs_milestone_outcome,
    until_block,
)
from bot.on_hold.lifecycle import decide_items
from bot.outbox import enqueue, keys, requeue
from bot.phases import store
from bot.phases.model import ItemOutcome, Phase, SetAsideItem
from bot.phases.permissions import actor_of, lock_to_manage
from bot.services import Services
from bot.slack.errors import Refused
from bot.slack.request import Request
from bot.workspaces.rules import TEXT_TOO_LONG
from bot.workspaces.store import add_audit_entry


async def wrap_up(services: Services, request: Request, submitted: WrapUp) -> Phase:
    """Store the wrap-up, ending the phase if it is running; return the updated phase.

    Raises:
        Refused: the person is not a lead or admin, it was written before, or a field is invalid.
    """
    actor = await actor_of(services, request)
    now = services.clock.now()
    async with services.db.transaction() as tx:
        phase = await lock_to_manage(tx, request, actor)
        if phase.wrapped_up_at is not None:
            raise Refused(ALREADY_WRITTEN)
        _check(phase, submitted, phase.day_of(now))
        was_active, items = phase.is_active, phase.set_aside_items
        if was_active:
            by = request.user_id
            phase = await end.end_now(tx, request.workspace_id, phase, by=by, now=now)
        phase = await _store(tx, request, phase, submitted, now)
        ended = await summarize(tx, request.workspace_id, phase)
        if was_active:
            await end.post_closing(tx, request.workspace_id, ended, now)
            await goodbyes.schedule_goodbyes(tx, request.workspace_id, ended.phase, None, now)
        else:
            await _publish_after_end(tx, request, items, ended, now)
    return phase


async def _publish_after_end(
    tx: AsyncConnection,
    request: Request,
    items_before: Sequence[SetAsideItem],
    ended: EndedPhase,
    now: datetime,
) -> None:
    """Publish the wrap-up of a phase that had already ended by its date.

    The channel gets the rest of the closing, and the leads are no longer asked.
    """
    phase = ended.phase
    if not phase.is_paused:
        await enqueue.post(
            tx,
            request.workspace_id,
            key=keys.wrapped_up(phase.phase_id),
            to=phase.channel_id,
            content=messages.wrapped_up(
                ended, changed=items_before != phase.set_aside_items, today=phase.day_of(now)
            ),
            now=await _after_closing(tx, request, phase, now),
        )
    for lead in ended.phase.leads:
        key = keys.wrap_up(phase.phase_id, lead.user_id)
        await enqueue.edit(
            tx, request.workspace_id, of=key, content=messages.wrap_up_received(ended), now=now
        )
    await goodbyes.advance_goodbyes(tx, request.workspace_id, ended.phase, now)


async def _after_closing(
    tx: AsyncConnection, request: Request, phase: Phase, now: datetime
) -> datetime:
    """Return `now`, unless the closing message is still undelivered.

    After downtime it may wait for working hours, and the wrap-up has to wait with it.
    """
    key = keys.closing(phase.phase_id)
    closed = await requeue.may_be_delivered(tx, request.workspace_id, key)
    return now if closed else within_hours(now, phase.zone, phase.calendar)


def _check(phase: Phase, submitted: WrapUp, today: date) -> None:
    errors = {} if submitted.outcome else {OUTCOME: NEEDS_OUTCOME}
    if needs_milestone_outcome(phase) and submitted.milestone_outcome is None:
        errors[MILESTONE] = NEEDS_MILESTONE_OUTCOME
    limits = {name: (getattr(submitted, name), TEXT_LIMIT) for name in TEXTS}
    limits |= {line_block(user_id): (line, LINE_LIMIT) for user_id, line in submitted.lines.items()}
    for name, (text, limit) in limits.items():
        if len(text) > limit:
            errors[name] = TEXT_TOO_LONG.format(length=len(text), limit=limit)
    for position, item in submitted.decisions.items():
        if item.outcome is ItemOutcome.PARKED and item.until is None:
            errors[until_block(position)] = PARKED_WHEN
        elif item.until is not None and item.until <= today:
            errors[until_block(position)] = PARKED_LATER.format(day=day(item.until, today))
    if errors:
        raise Refused(next(iter(errors.values())), errors)


async def _store(
    tx: AsyncConnection, request: Request, phase: Phase, submitted: WrapUp, now: datetime
) -> Phase:
    phases = schema.phases
    await tx.execute(
        update(phases)
        .where(
            phases.c.workspace_id == request.workspace_id, phases.c.phase_id == request.target_id
        )
        .values(
            milestone_outcome=submitted.milestone_outcome if phase.milestone else None,
            protected_outcome=submitted.protected_outcome if phase.protected else None,
            planned=submitted.planned or None,
            outcome=submitted.outcome,
            reason=submitted.reason or None,
            learning=submitted.learning or None,
            thanks=submitted.thanks or None,
            wrapped_up_at=now,
            wrapped_up_by=request.user_id,
        )
    )
    await decide_items(tx, request.workspace_id, phase, submitted.decisions)
    await _store_lines(tx, request, submitted.lines)
    await add_audit_entry(
        tx,
        request.workspace_id,
        actor=request.user_id,
        action="wrap_up",
        subject=request.target_id,
        before=None,
        after=None,
        now=now,
    )
    stored = await store.load(tx, request.workspace_id, request.target_id)
    assert stored is not None  # its row is locked
    return stored


async def _store_lines(tx: AsyncConnection, request: Request, lines: Mapping[str, str]) -> None:
    people = schema.phase_people
    for user_id, line in lines.items():
        await tx.execute(
            update(people)
            .where(
                people.c.workspace_id == request.workspace_id,
                people.c.phase_id == request.target_id,
                people.c.user_id == user_id,
            )
            .values(thanks_line=line)
        )
