"""Reads of a channel's history: six statements, however many phases there are."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.history.model import HistoryPage, PastPhase
from bot.history.rules import PAGE_SIZE
from bot.phases import store as phase_store
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
    return HistoryPage(
        channel_id=channel_id,
        phases=tuple(
            PastPhase(phase=phase, rounds=rounds.get(phase.phase_id, ())) for phase in phases
        ),
        newer=newer,
        has_older=len(found) > PAGE_SIZE,
        today=phases[0].day_of(now) if phases else now.date(),
    )
