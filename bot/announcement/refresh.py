"""What was announced is kept true: its days left by a daily edit, its end by the agenda."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, time, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda import agenda
from bot.agenda.agenda import Item, carrying_out
from bot.agenda.slots import slot
from bot.announcement import concerns, messages
from bot.outbox import outbox
from bot.phases import rules, store
from bot.phases.model import PhaseRow
from bot.rounds.model import ends_at
from bot.rounds.opening import LOOK, REFRESH
from bot.services import Services
from bot.start import draft_store

WARN, END = "warn_end", "end_phase"
#: Where the lead lives.
WARNS_AT = time(9, 0)
NEW_DAY = time(0, 1)


def announcement_key(phase_id: str) -> str:
    return f"announcement:{phase_id}"


def warning_key(phase: PhaseRow, user_id: str) -> str:
    """With the day: an extended phase is asked about again before its new end."""
    return f"warn:{phase.phase_id}:{phase.ends_on}:{user_id}"


async def plan_days(tx: AsyncConnection, workspace_id: str, phase: PhaseRow, now: datetime) -> None:
    """Note what this phase's dates ask for; what was noted before is moved."""
    warn_at = slot(rules.warn_on(phase.ends_on), WARNS_AT, phase.zone)
    due = {
        REFRESH: _next_day(phase, now),
        END: ends_at(phase.ends_on, phase.zone),
    }
    if warn_at > now:  # a phase of a day or two needs no warning
        due[WARN] = warn_at
    else:
        await agenda.drop(tx, workspace_id, action=WARN, subject=phase.phase_id)
    for action, due_at in due.items():
        await agenda.put(tx, workspace_id, action=action, subject=phase.phase_id, due_at=due_at)


async def unwarn(tx: AsyncConnection, workspace_id: str, phase: PhaseRow) -> None:
    """Its end moved, or came: a warning that still waits for the morning is not said any more."""
    for person in await store.people_of(tx, workspace_id, phase.phase_id):
        if person.is_lead:
            await outbox.cancel(tx, workspace_id, key=warning_key(phase, person.user_id))


async def tell(tx: AsyncConnection, workspace_id: str, phase_id: str, now: datetime) -> None:
    """Let the announcement say what is true now; of a paused phase when it goes on."""
    whole = await store.whole(tx, workspace_id, phase_id)
    if whole is not None and not whole.phase.is_paused:
        said = messages.announcement(whole, whole.phase.day_of(now))
        await outbox.edit(tx, workspace_id, of=announcement_key(phase_id), content=said, now=now)


async def look_soon(tx: AsyncConnection, workspace_id: str, phase_id: str, now: datetime) -> None:
    """Ask Slack, outside of this transaction, how its channel is."""
    await agenda.put(tx, workspace_id, action=LOOK, subject=phase_id, due_at=now)


async def refresh_announcement(services: Services, item: Item) -> None:
    """Count the days left down, every day until the end."""
    now = services.clock.now()
    async with carrying_out(services.db, item) as tx:
        phase = await store.phase(tx, item.workspace_id, item.subject)
        if phase is None or not phase.is_active:
            return
        await tell(tx, item.workspace_id, phase.phase_id, now)
        if phase.is_paused:  # Slack may not have told us that its channel is back
            await look_soon(tx, item.workspace_id, phase.phase_id, now)
        tomorrow = _next_day(phase, now)
        await agenda.put(
            tx, item.workspace_id, action=REFRESH, subject=phase.phase_id, due_at=tomorrow
        )


ACTIONS: Mapping[str, Callable[[Services, Item], Awaitable[None]]] = {
    REFRESH: refresh_announcement,
    concerns.DELIVER: concerns.deliver_concerns,
    draft_store.FORGET: draft_store.forget_drafts,
}


def _next_day(phase: PhaseRow, now: datetime) -> datetime:
    return slot(phase.day_of(now) + timedelta(days=1), NEW_DAY, phase.zone)
