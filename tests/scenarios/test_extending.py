"""Extending a phase, once, and the follow-up phase offered after that."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import delete, select, update

from bot.db import schema
from tests.harness import ANA, FINN, LAUNCH, BotHarness
from tests.scenarios.lead import CLEAR, Lead, shown
from tests.scenarios.test_ending import OVER, WARNED, channel_messages_containing, dms_containing


async def plan_next(lead: Lead) -> None:
    """Open the start form of the phase that follows one that can't be extended."""
    await lead.me.command("/imbalance extend", LAUNCH)
    await lead.me.click("phases.plan_next", view_id=lead.view["id"])


async def test_phase_is_extended_once_with_its_reason_posted_to_the_channel(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    await harness.travel_to(WARNED)
    await ana.me.click("phases.extend")
    assert ana.page == "Extend"
    assert ana.typed("ends_on") == "2026-12-14"

    errors = await ana.sends(ends_on="2026-12-20", reason="The audit came late.")
    assert errors["ends_on"].endswith("Pick a day up to Mon 14 Dec.")
    assert await ana.sends(ends_on="2026-12-14") == {}

    (notice,) = channel_messages_containing(harness, "extended to Mon 14 Dec")
    assert "Ana says why: The audit came late." in shown(notice["blocks"])
    announcement = channel_messages_containing(harness, "until Mon 14 Dec: ship the beta")[0]
    assert "*Extended from Mon 7 Dec:* The audit came late." in shown(announcement["blocks"])
    await harness.travel_to(OVER)
    assert channel_messages_containing(harness, "has wrapped up") == []
    await harness.travel_to(datetime(2026, 12, 10, 10, tzinfo=UTC))
    (again,) = dms_containing(harness, ANA, "ends on Mon 14 Dec")
    assert "Extend" not in shown(again["blocks"]).splitlines()


@pytest.mark.parametrize(
    ("length", "reason", "says"),
    [
        ("results 2w", "The audit came late.", "Already extended once, to Mon 14 Dec."),
        ("trust 12w", "", "This phase already lasts 12 weeks, as long as this workspace allows"),
    ],
    ids=["extended", "as long as allowed"],
)
async def test_phase_that_cannot_be_extended_can_be_ended_or_followed_by_a_new_one(
    harness: BotHarness, ana: Lead, length: str, reason: str, says: str
) -> None:
    await ana.starts(length)
    await ana.me.close()
    if reason:
        await ana.me.command("/imbalance extend", LAUNCH)
        await ana.sends(ends_on="2026-12-14", reason=reason)
        await ana.me.close()

    await ana.me.command("/imbalance extend 1w", LAUNCH)
    assert ana.page == "Not extended"
    assert says in shown(ana.blocks)
    assert shown(ana.blocks).splitlines()[-2:] == ["End It", "Plan a New Phase"]
    await ana.me.click("phases.plan_next", view_id=ana.view["id"])
    assert ana.page == "Is this the moment?"
    await ana.me.close()

    await ana.me.click("phases.end", view_id=ana.view["id"])
    await ana.sends(milestone_outcome="hit", outcome="Beta is out.")
    assert ana.page == "Sent"
    await ana.me.close()
    assert ana.me.top_view is None
    assert channel_messages_containing(harness, "ended Mon 23 Nov")


async def test_lead_who_may_not_start_phases_is_not_offered_to_plan_one(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts("trust 12w")
    await ana.me.close()
    async with harness.bot.db.transaction() as tx:
        await tx.execute(update(schema.workspaces).values(settings={"starters": [FINN]}))

    await ana.me.command("/imbalance extend", LAUNCH)

    assert "It ends on Mon 15 Feb 2027, or sooner if you end it." in shown(ana.blocks)
    assert shown(ana.blocks).splitlines()[-1] == "End It"


async def test_typed_new_end_is_filled_in(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    for words, day in (("3 days", "2026-12-10"), ("until 9 Dec", "2026-12-09")):
        await ana.me.close(everything=True)
        await ana.me.command(f"/imbalance extend {words}", LAUNCH)
        assert ana.page == "Extend"
        assert ana.typed("ends_on") == day


async def test_abandoned_follow_up_draft_is_restored(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    await harness.travel_to(WARNED)
    async with harness.bot.db.transaction() as tx:
        people = schema.phase_people
        await tx.execute(delete(people).where(people.c.user_id == FINN))
    await ana.me.click("phases.extend")
    await ana.sends(ends_on="2026-12-14", reason="The audit came late.")
    await ana.me.close()
    await plan_next(ana)
    await ana.sends(**CLEAR, **{"start.text.justification": "One customer is left."})
    assert ana.page == "The promise"
    await ana.sends(**{"start.text.stakes": "Another customer decides."})
    await ana.me.close(everything=True)

    await plan_next(ana)
    await ana.sends(**CLEAR)

    assert ana.typed("start.text.stakes") == "Another customer decides."
    drafts, people = schema.phase_drafts, schema.phase_people
    async with harness.bot.db.reading() as reader:
        kept = await reader.scalar(select(drafts.c.content).where(drafts.c.phase_id.is_(None)))
        team = await reader.scalars(select(people.c.user_id).where(people.c.role == "member"))
        assert kept is not None
        assert sorted(kept["members"]) == sorted(team)  # the chosen team, without Finn
