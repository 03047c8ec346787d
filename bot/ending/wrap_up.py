"""The wrap-up: what a lead says at the end, and what becomes of the work that waited."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda.slots import within_hours
from bot.dates import day
from bot.db import schema
from bot.ending import end, goodbyes, messages
from bot.ending.summary import EndedPhase, summarize
from bot.ending.wrap_up_form import (
    LEARNING,
    LINE_LIMIT,
    OUTCOME,
    TEXT_LIMIT,
    THANKS,
    WrapUp,
    line_block,
    until_block,
)
from bot.outbox import enqueue, keys, requeue
from bot.phases import store
from bot.phases.model import ItemOutcome, Phase, SetAsideItem
from bot.phases.permissions import actor_of, lock_to_manage
from bot.services import Services
from bot.slack.errors import Refused
from bot.slack.request import Request
from bot.workspaces.store import add_audit_entry

WRITTEN = (
    "Nothing was changed: this phase is wrapped up, and the channel has read it. Write to the "
    "channel instead."
)
NEEDS_OUTCOME = "Nothing was sent: the outcome is empty. Write in a sentence what it brought."
TOO_LONG = "Nothing was sent: this has {length:,} characters, and {limit:,} fit. Shorten it."
PARKED_WHEN = "Nothing was sent: parked work needs a day on which it comes back. Choose one."
PARKED_LATER = "Nothing was sent: {day} is not after today. Choose a later day."


async def wrap_up(services: Services, request: Request, said: WrapUp) -> Phase:
    """Keep what a lead says at the end; a running phase ends with it. Returns it as it is now.

    Raises:
        Refused: not a lead or admin, written before, or something cannot be so (at its field).
    """
    actor = await actor_of(services, request)
    now = services.clock.now()
    async with services.db.transaction() as tx:
        phase = await lock_to_manage(tx, request, actor)
        if phase.wrapped_up_at is not None:
            raise Refused(WRITTEN)
        _check(said, phase.day_of(now))
        was_active, items = phase.is_active, phase.items
        if was_active:
            by = request.user_id
            phase = await end.end_now(tx, request.workspace_id, phase, by=by, now=now)
        phase = await _keep(tx, request, phase, said, now)
        ended = await summarize(tx, request.workspace_id, phase)
        if was_active:
            await end.post_closing(tx, request.workspace_id, ended, now)
            await goodbyes.schedule_goodbyes(tx, request.workspace_id, ended.phase, None, now)
        else:
            await _add_to_the_end(tx, request, items, ended, now)
    return phase


async def _add_to_the_end(
    tx: AsyncConnection,
    request: Request,
    items_before: Sequence[SetAsideItem],
    ended: EndedPhase,
    now: datetime,
) -> None:
    """It had ended by its date: the channel reads the rest, and no lead is asked any more."""
    phase = ended.phase
    if not phase.is_paused:
        await enqueue.post(
            tx,
            request.workspace_id,
            key=keys.wrapped_up(phase.phase_id),
            to=phase.channel_id,
            content=messages.wrapped_up(
                ended, changed=items_before != phase.items, today=phase.day_of(now)
            ),
            now=await _after_closing(tx, request, phase, now),
        )
    for lead in ended.phase.leads:
        key = keys.wrap_up(phase.phase_id, lead.user_id)
        await enqueue.edit(
            tx, request.workspace_id, of=key, content=messages.written(ended), now=now
        )
    await goodbyes.send_soon(tx, request.workspace_id, ended.phase, now)


async def _after_closing(
    tx: AsyncConnection, request: Request, phase: Phase, now: datetime
) -> datetime:
    """At once; after downtime the closing may still wait for the morning, and this with it."""
    key = keys.closing(phase.phase_id)
    closed = await requeue.is_delivered(tx, request.workspace_id, key)
    return now if closed else within_hours(now, phase.zone)


def _check(said: WrapUp, today: date) -> None:
    wrong = {} if said.outcome else {OUTCOME: NEEDS_OUTCOME}
    limits = {name: (getattr(said, name), TEXT_LIMIT) for name in (OUTCOME, LEARNING, THANKS)}
    limits |= {line_block(one): (line, LINE_LIMIT) for one, line in said.lines.items()}
    for name, (text, limit) in limits.items():
        if len(text) > limit:
            wrong[name] = TOO_LONG.format(length=len(text), limit=limit)
    for position, item in said.decisions.items():
        if item.outcome is ItemOutcome.PARKED and item.until is None:
            wrong[until_block(position)] = PARKED_WHEN
        elif item.until is not None and item.until <= today:
            wrong[until_block(position)] = PARKED_LATER.format(day=day(item.until))
    if wrong:
        raise Refused(next(iter(wrong.values())), wrong)


async def _keep(
    tx: AsyncConnection, request: Request, phase: Phase, said: WrapUp, now: datetime
) -> Phase:
    phases = schema.phases
    await tx.execute(
        update(phases)
        .where(
            phases.c.workspace_id == request.workspace_id, phases.c.phase_id == request.target_id
        )
        .values(
            outcome=said.outcome,
            learning=said.learning or None,
            thanks=said.thanks or None,
            wrapped_up_at=now,
            wrapped_up_by=request.user_id,
        )
    )
    await end.decide_items(tx, request.workspace_id, phase, said.decisions)
    await _keep_lines(tx, request, said.lines)
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
    assert stored is not None  # it is locked
    return stored


async def _keep_lines(tx: AsyncConnection, request: Request, lines: Mapping[str, str]) -> None:
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
