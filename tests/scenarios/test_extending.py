"""Extending a phase, once, and the follow-up phase offered after that."""

from datetime import UTC, datetime

from sqlalchemy import delete, select

from bot.db import schema
from tests.harness import ANA, FINN, LAUNCH, BotHarness
from tests.scenarios.lead import CLEAR, Lead, shown
from tests.scenarios.test_ending import OVER, WARNED, channel_messages_containing, dms_containing


async def test_phase_is_extended_once_with_its_reason_posted_to_the_channel(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    await harness.travel_to(WARNED)
    await ana.me.click("phases.extend")
    assert ana.page == "Extend"
    assert ana.typed("ends_on") == "2026-12-14"

    errors = await ana.sends(ends_on="2026-12-20", reason="The audit came late.")
    assert "to Mon 14 Dec at most" in errors["ends_on"]
    assert await ana.sends(ends_on="2026-12-14") == {}

    (notice,) = channel_messages_containing(harness, "extended to Mon 14 Dec")
    assert "Ana: The audit came late." in shown(notice["blocks"])
    announcement = channel_messages_containing(harness, "until Mon 14 Dec: ship the beta")[0]
    assert "*Extended from Mon 7 Dec:* The audit came late." in shown(announcement["blocks"])
    await harness.travel_to(OVER)
    assert channel_messages_containing(harness, "has wrapped up") == []
    await harness.travel_to(datetime(2026, 12, 10, 10, tzinfo=UTC))
    (again,) = dms_containing(harness, ANA, "ends on Mon 14 Dec")
    assert "Extend" not in shown(again["blocks"]).splitlines()


async def test_abandoned_follow_up_draft_is_restored(harness: BotHarness, ana: Lead) -> None:
    """For an already extended phase, *Extend* opens the start form of a follow-up phase."""
    await ana.starts()
    await harness.travel_to(WARNED)
    async with harness.bot.db.transaction() as tx:
        people = schema.phase_people
        await tx.execute(delete(people).where(people.c.user_id == FINN))
    await ana.me.click("phases.extend")
    await ana.sends(ends_on="2026-12-14", reason="The audit came late.")
    await ana.me.close()
    await ana.me.command("/imbalance extend", LAUNCH)
    await ana.sends(**CLEAR, **{"start.text.justification": "One customer is left."})
    assert ana.page == "The promise"
    await ana.sends(**{"start.text.stakes": "Another customer decides."})
    await ana.me.close()

    await ana.me.command("/imbalance extend", LAUNCH)
    await ana.sends(**CLEAR)

    assert ana.typed("start.text.stakes") == "Another customer decides."
    drafts, people = schema.phase_drafts, schema.phase_people
    async with harness.bot.db.reading() as reader:
        kept = await reader.scalar(select(drafts.c.content).where(drafts.c.phase_id.is_(None)))
        team = await reader.scalars(select(people.c.user_id).where(people.c.role == "member"))
        assert kept is not None
        assert sorted(kept["members"]) == sorted(team)  # the chosen team, without Finn
