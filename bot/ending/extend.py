"""More time, once, with a reason the channel reads; and the question two days before the end."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda.agenda import Item, carrying_out, let_go
from bot.agenda.slots import within_hours
from bot.announcement import refresh
from bot.db import schema
from bot.ending import messages
from bot.ending.extend_form import ENDS_ON, REASON, REASON_LIMIT, Extension
from bot.outbox import outbox
from bot.phases import rules, store
from bot.phases.budget import Span
from bot.phases.model import PhaseRow, WholePhase
from bot.phases.permissions import Managing, admitted
from bot.phases.rules import Kind
from bot.rounds.lifecycle import plan_rounds
from bot.rounds.model import ends_at
from bot.services import Services
from bot.slack.errors import Refused
from bot.slack.people import known
from bot.workspaces.store import note_change

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


async def extend(services: Services, who: Managing, asked: Extension) -> WholePhase:
    """Move the end: the announcement, the rounds, the warning and the recovery move with it.

    Returns the phase as it is now.

    Raises:
        Refused: not a lead or admin, ended, extended before, or a field cannot be so.
    """
    actor = await who.actor(services)
    now = services.clock.now()
    async with services.db.transaction() as tx:
        whole = await admitted(tx, who, actor)
        limits = await store.limits_of(tx, who.workspace_id)
        _check(whole.phase, asked, limits)
        await _move(tx, who, whole.phase, asked, now)
        moved = await store.whole(tx, who.workspace_id, who.phase_id)
        assert moved is not None  # it is locked by us
        await refresh.plan_days(tx, who.workspace_id, moved.phase, now)
        # After it: who warns of the old end at this moment has done so by then.
        await refresh.unwarn(tx, who.workspace_id, whole.phase)
        await plan_rounds(tx, who.workspace_id, who.phase_id, now)
        await refresh.tell(tx, who.workspace_id, who.phase_id, now)
        if not moved.phase.is_paused:  # else the announcement says it when it goes on
            await _announce(tx, who, moved, now)
    return moved


def latest_end(phase: PhaseRow, limits: rules.Limits) -> date:
    """The last day that the phase may be extended to.

    Raises:
        Refused: it has ended, or is as long as it may be.
    """
    if not phase.is_active:
        raise Refused(ENDED)
    latest = rules.latest_extension(phase.dates, limits)
    if latest <= phase.first_ends_on:
        raise Refused(NO_ROOM)
    return latest


async def warn_end(services: Services, item: Item) -> None:
    """Two working days before the end, each lead is asked: end it, or extend it.

    Late, in their next hours, as long as it has not ended by then.
    """
    now = services.clock.now()
    async with carrying_out(services.db, item) as tx:
        whole = await store.whole(tx, item.workspace_id, item.subject)
        if whole is None or not whole.phase.is_active:
            return
        phase = whole.phase
        over_at = ends_at(phase.ends_on, phase.zone)
        for lead in whole.leads_to_tell:
            at = within_hours(now, lead.zone or phase.zone)
            if at >= over_at:
                let_go(item, "it ends before this could be read")
                continue
            await outbox.say(
                tx,
                item.workspace_id,
                key=refresh.warning_key(phase, lead.user_id),
                to=lead.user_id,
                content=messages.warning(whole),
                now=at,
                expires_at=over_at,
            )


ACTIONS: Mapping[str, Callable[[Services, Item], Awaitable[None]]] = {refresh.WARN: warn_end}


def _check(phase: PhaseRow, asked: Extension, limits: rules.Limits) -> None:
    latest_end(phase, limits)
    if asked.ends_on is None:
        raise Refused(NEEDS_DAY, {ENDS_ON: NEEDS_DAY})
    refusal = rules.refusal_to_extend(phase.dates, asked.ends_on, limits)
    if refusal is not None:
        raise Refused(refusal.text, {refusal.field or ENDS_ON: refusal.text})
    if not asked.reason:
        raise Refused(NEEDS_REASON, {REASON: NEEDS_REASON})
    if len(asked.reason) > REASON_LIMIT:
        text = TOO_LONG.format(length=len(asked.reason), limit=REASON_LIMIT)
        raise Refused(text, {REASON: text})


async def _move(
    tx: AsyncConnection, who: Managing, phase: PhaseRow, asked: Extension, now: datetime
) -> None:
    assert asked.ends_on is not None  # checked
    span = Span(starts_on=phase.starts_on, ends_on=asked.ends_on)
    sprint = phase.kind is Kind.RESULTS_SPRINT
    phases = schema.phases
    await tx.execute(
        update(phases)
        .where(phases.c.workspace_id == who.workspace_id, phases.c.phase_id == who.phase_id)
        .values(
            ends_on=asked.ends_on,
            extension_reason=asked.reason,
            recovery_until=rules.recovery_until(span) if sprint else None,
        )
    )
    await note_change(
        tx,
        who.workspace_id,
        actor=who.user_id,
        action="extend",
        subject=who.phase_id,
        before={"ends_on": phase.ends_on.isoformat()},
        after={"ends_on": asked.ends_on.isoformat()},
        now=now,
    )


async def _announce(tx: AsyncConnection, who: Managing, moved: WholePhase, now: datetime) -> None:
    profiles = await known(tx, who.workspace_id, [who.user_id])  # a lead, or an admin
    by = profiles[who.user_id].name if who.user_id in profiles else who.user_id
    await outbox.say(
        tx,
        who.workspace_id,
        key=f"extended:{who.phase_id}",
        to=moved.phase.channel_id,
        content=messages.longer(moved, by),
        now=now,
    )
