"""A phase ends: by its date, or because its lead says so; what was set aside is given back."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda import agenda
from bot.agenda.agenda import Item, carrying_out
from bot.agenda.slots import slot, within_hours, working_day_after
from bot.db import schema
from bot.outbox import outbox
from bot.phases import ending_messages as messages
from bot.phases import lifecycle, store
from bot.phases.budget import Span
from bot.phases.ending_messages import Ended
from bot.phases.managing import Managing, admitted
from bot.phases.rules import Kind, recovery_until
from bot.phases.store import PhaseRow, WholePhase
from bot.phases.wrap_up_form import (
    TEXT_LIMIT,
    Fate,
    ItemFate,
    WrapUp,
    until_block,
)
from bot.results.levels import picture_of
from bot.results.store import closed_rounds
from bot.rounds.lifecycle import cancel_rounds
from bot.slack.errors import Refused
from bot.workspaces.services import Services
from bot.workspaces.store import note_change

GOODBYE = "say_goodbye"
#: Leads have so many working days to write a line before the goodbyes go without.
WAIT_FOR_LINES = 2

WRITTEN = (
    "Nothing was changed: this phase is wrapped up, and the channel has read it. Reply in the "
    "channel instead."
)
NEEDS_OUTCOME = "Nothing was ended: the outcome is empty. Write in a sentence what it brought."
TOO_LONG = "Nothing was ended: this has {length:,} characters, and {limit:,} fit. Shorten it."
PARKED_WHEN = "Nothing was ended: parked work needs a day on which it comes back. Choose one."
PARKED_LATER = "Nothing was ended: the day is not after today. Choose a later one."


def closing_key(phase_id: str) -> str:
    return f"closing:{phase_id}"


async def finish(
    tx: AsyncConnection, workspace_id: str, phase: PhaseRow, *, by: str | None, now: datetime
) -> None:
    """End a running phase in the caller's transaction; `by` is None where its date did it.

    1. It is marked ended, and what still waited is taken up again.
    2. What its calendar held is dropped; rounds after the end stay.
    3. The announcement says that it has ended, and is unpinned.
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
    await _decide_items(tx, workspace_id, phase.phase_id, {})
    for action in (lifecycle.REFRESH, lifecycle.WARN, lifecycle.END):
        await agenda.drop(tx, workspace_id, action=action, subject=phase.phase_id)
    await cancel_rounds(tx, workspace_id, phase.phase_id, now, keep_after=True)
    await lifecycle.tell(tx, workspace_id, phase.phase_id, now)
    announcement = lifecycle.announcement_key(phase.phase_id)
    await outbox.unpin(tx, workspace_id, of=announcement, now=now)
    await outbox.unbookmark(tx, workspace_id, of=announcement, now=now)
    await _audit(tx, workspace_id, phase, by, now)


async def end_phase(services: Services, item: Item) -> None:
    """Its date has come: it ends by itself, and the leads are asked what it brought."""
    now = services.clock.now()
    async with carrying_out(services.db, item) as tx:
        phase = await store.phase_to_change(tx, item.workspace_id, item.subject)
        if phase is None or not phase.is_active:
            return
        await finish(tx, item.workspace_id, phase, by=None, now=now)
        ended = await _ended(tx, item.workspace_id, phase.phase_id)
        await _close_in_channel(tx, item.workspace_id, ended, now)
        goodbyes_on = working_day_after(ended.ended_on, WAIT_FOR_LINES)
        for lead in ended.whole.leads:
            await outbox.say(
                tx,
                item.workspace_id,
                key=f"wrap_up:{phase.phase_id}:{lead.user_id}",
                to=lead.user_id,
                content=messages.ask_wrap_up(ended.whole, goodbyes_on),
                now=now,
            )
        await _plan_goodbyes(tx, item.workspace_id, ended.whole, goodbyes_on, now)


async def wrap_up(services: Services, who: Managing, said: WrapUp) -> None:
    """Keep what a lead says at the end; a running phase ends with it.

    Raises:
        Refused: not a lead or admin, written before, or something cannot be so (at its field).
    """
    actor = await who.actor(services)
    now = services.clock.now()
    async with services.db.transaction() as tx:
        whole = await admitted(tx, who, actor)
        phase = whole.phase
        if phase.wrapped_up_at is not None:
            raise Refused(WRITTEN)
        _check(said, phase.day_of(now))
        before = await _ended_before(tx, who.workspace_id, phase)
        if phase.is_active:
            await finish(tx, who.workspace_id, phase, by=who.user_id, now=now)
        await _keep(tx, who, said, now)
        ended = await _ended(tx, who.workspace_id, phase.phase_id)
        if before is None:
            await _close_in_channel(tx, who.workspace_id, ended, now)
        else:
            await _tell_outcome(tx, who.workspace_id, before, ended, now)
        await _plan_goodbyes(tx, who.workspace_id, ended.whole, None, now)


async def say_goodbye(services: Services, item: Item) -> None:
    """One member's goodbye, within their working hours."""
    phase_id, user_id = item.subject.split(":")
    now = services.clock.now()
    async with carrying_out(services.db, item) as tx:
        ended = await _ended(tx, item.workspace_id, phase_id)
        members = [one for one in ended.whole.members if one.user_id == user_id]
        for member in members:
            await outbox.say(
                tx,
                item.workspace_id,
                key=f"goodbye:{phase_id}:{user_id}",
                to=user_id,
                content=messages.goodbye(ended, member),
                now=now,
            )


ACTIONS: Mapping[str, Callable[[Services, Item], Awaitable[None]]] = {
    lifecycle.END: end_phase,
    GOODBYE: say_goodbye,
}


def _recovery(phase: PhaseRow, ended_on: date) -> date | None:
    """From the day it really ended."""
    if phase.kind is not Kind.RESULTS_SPRINT:
        return None
    last = max(phase.starts_on, min(ended_on, phase.ends_on))
    return recovery_until(Span(starts_on=phase.starts_on, ends_on=last))


async def _ended(tx: AsyncConnection, workspace_id: str, phase_id: str) -> Ended:
    whole = await store.whole(tx, workspace_id, phase_id)
    if whole is None or whole.phase.ended_at is None:
        raise LookupError(phase_id)
    rounds = await closed_rounds(tx, workspace_id, phase_id)
    seen = [one for one in rounds if one.shown_at is not None]
    ended_on = whole.phase.day_of(whole.phase.ended_at)
    return Ended(whole=whole, ended_on=ended_on, picture=picture_of(seen))


async def _ended_before(
    tx: AsyncConnection, workspace_id: str, phase: PhaseRow
) -> WholePhase | None:
    """The phase as the closing message told of it; None where there was none yet."""
    return None if phase.is_active else await store.whole(tx, workspace_id, phase.phase_id)


async def _close_in_channel(
    tx: AsyncConnection, workspace_id: str, ended: Ended, now: datetime
) -> None:
    phase = ended.whole.phase
    await outbox.say(
        tx,
        workspace_id,
        key=closing_key(phase.phase_id),
        to=phase.channel_id,
        content=messages.closing(ended),
        now=now,
    )


async def _tell_outcome(
    tx: AsyncConnection, workspace_id: str, before: WholePhase, ended: Ended, now: datetime
) -> None:
    phase = ended.whole.phase
    await outbox.say(
        tx,
        workspace_id,
        key=f"wrapped_up:{phase.phase_id}",
        to=phase.channel_id,
        content=messages.wrapped_up(ended, changed=before.items != ended.whole.items),
        now=now,
    )


async def _plan_goodbyes(
    tx: AsyncConnection, workspace_id: str, whole: WholePhase, on: date | None, now: datetime
) -> None:
    """Each at the member's next working hour, from the day `on`; None: from now."""
    for member in whole.members:
        zone = member.zone or whole.phase.zone
        earliest = now if on is None else slot(on, whole.phase.time_of_day, zone)
        await agenda.put(
            tx,
            workspace_id,
            action=GOODBYE,
            subject=f"{whole.phase.phase_id}:{member.user_id}",
            due_at=within_hours(earliest, zone),
        )


def _check(said: WrapUp, today: date) -> None:
    wrong = {} if said.outcome else {"outcome": NEEDS_OUTCOME}
    for name in ("outcome", "learning", "thanks"):
        length = len(getattr(said, name))
        if length > TEXT_LIMIT:
            wrong[name] = TOO_LONG.format(length=length, limit=TEXT_LIMIT)
    for position, item in said.fates.items():
        if item.fate is Fate.PARKED and item.until is None:
            wrong[until_block(position)] = PARKED_WHEN
        elif item.until is not None and item.until <= today:
            wrong[until_block(position)] = PARKED_LATER
    if wrong:
        raise Refused(next(iter(wrong.values())), wrong)


async def _keep(tx: AsyncConnection, who: Managing, said: WrapUp, now: datetime) -> None:
    phases, people = schema.phases, schema.phase_people
    await tx.execute(
        update(phases)
        .where(phases.c.workspace_id == who.workspace_id, phases.c.phase_id == who.phase_id)
        .values(
            outcome=said.outcome,
            learning=said.learning or None,
            thanks=said.thanks or None,
            wrapped_up_at=now,
        )
    )
    await _decide_items(tx, who.workspace_id, who.phase_id, said.fates)
    for user_id, line in said.lines.items():
        await tx.execute(
            update(people)
            .where(
                people.c.workspace_id == who.workspace_id,
                people.c.phase_id == who.phase_id,
                people.c.user_id == user_id,
            )
            .values(thanks_line=line)
        )


async def _decide_items(
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
