"""The wrap-up: what a lead says at the end, and what becomes of the work that waited."""

from collections.abc import Mapping
from datetime import date, datetime

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda.slots import within_hours
from bot.dates import day
from bot.db import schema
from bot.ending import end, goodbyes, messages
from bot.ending.summary import Ended, ended_of
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
from bot.outbox import outbox, requeue
from bot.phases.model import Fate, PhaseRow, WholePhase
from bot.phases.permissions import Managing, admitted
from bot.services import Services
from bot.slack.errors import Refused
from bot.workspaces.store import note_change

WRITTEN = (
    "Nothing was changed: this phase is wrapped up, and the channel has read it. Write to the "
    "channel instead."
)
NEEDS_OUTCOME = "Nothing was sent: the outcome is empty. Write in a sentence what it brought."
TOO_LONG = "Nothing was sent: this has {length:,} characters, and {limit:,} fit. Shorten it."
PARKED_WHEN = "Nothing was sent: parked work needs a day on which it comes back. Choose one."
PARKED_LATER = "Nothing was sent: {day} is not after today. Choose a later day."


async def wrap_up(services: Services, who: Managing, said: WrapUp) -> WholePhase:
    """Keep what a lead says at the end; a running phase ends with it. Returns it as it is now.

    Raises:
        Refused: not a lead or admin, written before, or something cannot be so (at its field).
    """
    actor = await who.actor(services)
    now = services.clock.now()
    async with services.db.transaction() as tx:
        whole = await admitted(tx, who, actor)
        if whole.phase.wrapped_up_at is not None:
            raise Refused(WRITTEN)
        _check(said, whole.phase.day_of(now))
        if whole.phase.is_active:
            await end.finish(tx, who.workspace_id, whole.phase, by=who.user_id, now=now)
        await _keep(tx, who, said, now)
        ended = await ended_of(tx, who.workspace_id, who.phase_id)
        if whole.phase.is_active:
            await end.close_in_channel(tx, who.workspace_id, ended, now)
            await goodbyes.plan(tx, who.workspace_id, ended.whole, None, now)
        else:
            await _add_to_the_end(tx, who, whole, ended, now)
    return ended.whole


async def _add_to_the_end(
    tx: AsyncConnection, who: Managing, before: WholePhase, ended: Ended, now: datetime
) -> None:
    """It had ended by its date: the channel reads the rest, and no lead is asked any more."""
    phase = ended.whole.phase
    if not phase.is_paused:
        await outbox.say(
            tx,
            who.workspace_id,
            key=f"wrapped_up:{phase.phase_id}",
            to=phase.channel_id,
            content=messages.wrapped_up(
                ended, changed=before.items != ended.whole.items, today=phase.day_of(now)
            ),
            now=await _after_closing(tx, who, phase, now),
        )
    for lead in ended.whole.leads:
        key = end.wrap_up_key(phase.phase_id, lead.user_id)
        await outbox.edit(tx, who.workspace_id, of=key, content=messages.written(ended), now=now)
    await goodbyes.hurry(tx, who.workspace_id, ended.whole, now)


async def _after_closing(
    tx: AsyncConnection, who: Managing, phase: PhaseRow, now: datetime
) -> datetime:
    """At once; after downtime the closing may still wait for the morning, and this with it."""
    key = end.closing_key(phase.phase_id)
    closed = await requeue.was_said(tx, who.workspace_id, key)
    return now if closed else within_hours(now, phase.zone)


def _check(said: WrapUp, today: date) -> None:
    wrong = {} if said.outcome else {OUTCOME: NEEDS_OUTCOME}
    limits = {name: (getattr(said, name), TEXT_LIMIT) for name in (OUTCOME, LEARNING, THANKS)}
    limits |= {line_block(one): (line, LINE_LIMIT) for one, line in said.lines.items()}
    for name, (text, limit) in limits.items():
        if len(text) > limit:
            wrong[name] = TOO_LONG.format(length=len(text), limit=limit)
    for position, item in said.fates.items():
        if item.fate is Fate.PARKED and item.until is None:
            wrong[until_block(position)] = PARKED_WHEN
        elif item.until is not None and item.until <= today:
            wrong[until_block(position)] = PARKED_LATER.format(day=day(item.until))
    if wrong:
        raise Refused(next(iter(wrong.values())), wrong)


async def _keep(tx: AsyncConnection, who: Managing, said: WrapUp, now: datetime) -> None:
    phases = schema.phases
    await tx.execute(
        update(phases)
        .where(phases.c.workspace_id == who.workspace_id, phases.c.phase_id == who.phase_id)
        .values(
            outcome=said.outcome,
            learning=said.learning or None,
            thanks=said.thanks or None,
            wrapped_up_at=now,
            wrapped_up_by=who.user_id,
        )
    )
    await end.decide_items(tx, who.workspace_id, who.phase_id, said.fates)
    await _keep_lines(tx, who, said.lines)
    await note_change(
        tx,
        who.workspace_id,
        actor=who.user_id,
        action="wrap_up",
        subject=who.phase_id,
        before=None,
        after=None,
        now=now,
    )


async def _keep_lines(tx: AsyncConnection, who: Managing, lines: Mapping[str, str]) -> None:
    people = schema.phase_people
    for user_id, line in lines.items():
        await tx.execute(
            update(people)
            .where(
                people.c.workspace_id == who.workspace_id,
                people.c.phase_id == who.phase_id,
                people.c.user_id == user_id,
            )
            .values(thanks_line=line)
        )
