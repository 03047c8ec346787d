"""The first page of the start form goes on to know the channel's earlier phase."""

from datetime import timedelta

from tests.harness import BotHarness
from tests.rounds.round_rows import NOW, a_phase
from tests.scenarios.lead import Lead

COPY = "phase.start.copy"


async def test_redrawn_first_page_still_offers_the_channels_last_phase(
    harness: BotHarness, ana: Lead
) -> None:
    ended = NOW - timedelta(days=60)
    async with harness.bot.db.transaction() as tx:
        await a_phase(tx, state="ended", ended_at=ended, started_at=ended - timedelta(days=14))
    await harness.settle()
    await ana.types("")
    assert COPY in str(ana.blocks)

    await ana.me.click("phase.start.kind", value="trust_building")

    assert ana.typed("start.kind")["value"] == "trust_building"
    assert COPY in str(ana.blocks)
