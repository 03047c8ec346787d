"""Rows of phases that a channel has had."""

from datetime import UTC, date, datetime, timedelta

from bot.db.engine import Database
from tests.harness import LAUNCH
from tests.rounds.round_rows import NOW, a_phase


async def insert_past_phases(db: Database, count: int, channel_id: str = LAUNCH) -> None:
    """Insert this many ended trust-building phases in a channel, a week each, one after another."""
    async with db.transaction() as tx:
        for number in range(count):
            starts_on = date(2026, 1, 5) + timedelta(weeks=number)
            ends_on = starts_on + timedelta(days=4)
            await a_phase(
                tx,
                phase_id=f"past{number:02}",
                channel_id=channel_id,
                kind="trust_building",
                state="ended",
                milestone=f"goal {number}",
                promise={"purpose": "Decide together."},
                started_at=NOW - timedelta(weeks=count - number),
                starts_on=starts_on,
                ends_on=ends_on,
                original_ends_on=ends_on,
                ended_at=datetime(ends_on.year, ends_on.month, ends_on.day, 17, tzinfo=UTC),
            )
