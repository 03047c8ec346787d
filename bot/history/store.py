"""Reads of a channel's history: seven statements, however many phases there are."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.history.model import HistoryPage, PastPhase
from bot.history.rules import PAGE_SIZE
from bot.phases import store as phase_store
from bot.phases.model import Phase
from bot.promises import store as promise_store
from bot.promises.model import Promise
from bot.results.model import ClosedRound, promises_read_by_team
from bot.results.store import shown_rounds


async def history_page(
    reader: AsyncConnection, workspace_id: str, channel_id: str, newer: int, now: datetime
) -> HistoryPage:
    """Return the page of the channel's phases that follows its `newer` newest ones."""
    found = await phase_store.phases_in(
        reader, workspace_id, channel_id, skip=newer, limit=PAGE_SIZE + 1
    )
    phases = found[:PAGE_SIZE]
    rounds = await shown_rounds(reader, workspace_id, phases)
    ids = [phase.phase_id for phase in phases]
    promises = await promise_store.of_phases(reader, workspace_id, ids)
    return HistoryPage(
        channel_id=channel_id,
        phases=tuple(
            _past_phase(phase, rounds.get(phase.phase_id, ()), promises.get(phase.phase_id, ()))
            for phase in phases
        ),
        newer=newer,
        has_older=len(found) > PAGE_SIZE,
        today=phases[0].day_of(now) if phases else now.date(),
    )


def _past_phase(
    phase: Phase, rounds: tuple[ClosedRound, ...], promises: tuple[Promise, ...]
) -> PastPhase:
    return PastPhase(phase=phase, rounds=rounds, promises=promises_read_by_team(promises, rounds))
