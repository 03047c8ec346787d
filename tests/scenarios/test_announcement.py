"""The announcement and its buttons, and the phase that follows an extended one."""

from bot.db import schema
from tests.harness import BEN, CHIARA, GUEST, LAUNCH, BotHarness
from tests.scenarios.lead import CLEAR, Lead, count, shown


async def test_after_one_extension_a_new_phase_follows(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    await ana.me.command("/imbalance extend", LAUNCH)
    await ana.sends(**{"ends_on": "2026-12-10", "reason": "The audit came late."})
    await ana.me.close()
    await harness.wait(days=15)
    await ana.me.command("/imbalance extend", LAUNCH)
    assert ana.page == "Is this the moment?"
    assert "was extended once already" in shown(ana.blocks)

    await ana.sends(**CLEAR)
    assert ana.typed("start.text.milestone") == "ship the beta"
    assert ana.typed("start.row.0") == "Dark mode"
    await ana.sends()
    assert "The phase before was extended already" in shown(ana.blocks)
    await ana.sends(**{"start.text.justification": "One customer is left."})
    assert await count(harness, schema.phases) == 1
    await ana.sends()

    assert ana.page == "Announced"
    told = [one["text"] for one in ana.me.visible(LAUNCH) if "Results sprint" in one["text"]]
    assert "🏁 Results sprint, ended Tue 8 Dec: ship the beta" in told
    assert "🏁 Results sprint until Tue 22 Dec: ship the beta" in told
    channel = harness.slack.workspace.conversations[LAUNCH]
    assert len(channel.pins) == len(channel.bookmarks) == 1


async def test_days_left_are_counted_down(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()

    await harness.wait(days=13)

    announcement = ana.me.visible(LAUNCH)[0]
    assert "1 day left" in shown(announcement["blocks"])


async def test_my_part_stands_under_details(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    ben, chiara = Lead(harness, BEN), Lead(harness, CHIARA)
    await ben.me.click("phase.my_part")
    await ben.sends(**{"phase.part.text": "I carry the importer."})

    await chiara.me.click("phase.details")

    said = shown(chiara.blocks)
    assert "• Ben: I carry the importer." in said
    assert "Chiara:" not in said


async def test_a_concern_reaches_the_leads_without_a_name(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    ben = Lead(harness, BEN)
    await ben.me.click("phase.concern")
    await ben.sends(**{"phase.concern.text": "Two of us worked on Sunday."})
    assert ana.me.dm_with_bot() == []

    await harness.wait(days=1, hours=1)

    told = [one for one in ana.me.dm_with_bot() if "concern" in one["text"]]
    assert len(told) == 1
    assert "Two of us worked on Sunday." in shown(told[0]["blocks"])
    assert "Ben" not in str(told[0])
    assert await count(harness, schema.concerns) == 0


async def test_who_is_not_in_the_team_is_told_so(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    guest = harness.slack.as_user(GUEST)

    for button in ("phase.my_part", "phase.concern"):
        await guest.click(button)
        assert guest.top_view is None
        assert "you are not in the team of this phase" in str(guest.ephemerals(LAUNCH)[-1])
