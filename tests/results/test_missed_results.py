"""Results that the team missed while the phase was paused: each once, at an hour it may read."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import delete, update

from bot.db import schema
from bot.db.engine import Database
from bot.results.lifecycle import schedule_missed_results
from tests.harness import WORKSPACE
from tests.results.steps import close
from tests.rounds.evidence import agenda_of
from tests.rounds.round_rows import a_phase, a_round, the_phase

AFTERNOON = datetime(2026, 12, 10, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("resumed_at", "due_at"),
    [
        (AFTERNOON, AFTERNOON),
        (AFTERNOON.replace(hour=3), AFTERNOON.replace(hour=8)),
        (datetime(2026, 12, 12, 15, tzinfo=UTC), datetime(2026, 12, 14, 8, tzinfo=UTC)),
    ],
)
async def test_only_results_the_team_has_not_read_are_shown_after_a_pause(
    phase: Database, resumed_at: datetime, due_at: datetime
) -> None:
    for number, round_id in enumerate(("read", "missed", "missed_too"), start=1):
        await close(phase, round_id, number=number)
    rounds = schema.rounds
    async with phase.transaction() as tx:
        await tx.execute(delete(schema.agenda))  # they came and went during the pause
        shown = update(rounds).where(rounds.c.round_id == "read").values(shown_at=AFTERNOON)
        await tx.execute(shown)
        await a_round(tx, round_id="still_open", number=4)
        await a_phase(tx, phase_id="another", channel_id="C1")
        await a_round(tx, round_id="of_another", phase_id="another", state="closed")
        await schedule_missed_results(tx, WORKSPACE, await the_phase(tx), resumed_at)

    assert await agenda_of(phase, "show_results") == {"missed": due_at, "missed_too": due_at}
