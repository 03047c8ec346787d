"""The announcement and its buttons, and the phase that follows an extended phase."""

from bot.db import schema
from tests.harness import BEN, CHIARA, GUEST, LAUNCH, BotHarness
from tests.scenarios.lead import CLEAR, Lead, count, shown


async def test_second_extension_starts_a_follow_up_phase(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    await ana.me.command("/imbalance extend", LAUNCH)
    await ana.sends(**{"ends_on": "2026-12-10", "reason": "The audit came late."})
    await ana.me.close()
    await harness.wait(days=15)
    await ana.me.command("/imbalance extend", LAUNCH)
    assert ana.page == "Not extended"
    await ana.me.click("phases.plan_next", view_id=ana.view["id"])
    assert ana.page == "Is this the moment?"
    assert "announcing it ends that one." in shown(ana.blocks)

    assert "already extended once, and announcing this one ends it" in shown(ana.blocks)
    await ana.sends(**CLEAR, **{"start.text.justification": "One customer is left."})
    assert ana.typed("start.text.milestone") == "ship the beta"
    assert ana.typed("start.row.0") == "Dark mode"
    await ana.sends()
    assert await count(harness, schema.phases) == 1
    await ana.sends()

    assert ana.page == "Announced"
    await ana.me.close()
    assert ana.me.top_view is None  # the form that offered to plan it is gone as well
    texts = [one["text"] for one in ana.me.visible(LAUNCH) if "Results sprint" in one["text"]]
    assert "🏁 Results sprint, ended Tue 8 Dec: ship the beta" in texts
    assert "🏁 Results sprint until Tue 22 Dec: ship the beta" in texts
    channel = harness.slack.workspace.conversations[LAUNCH]
    assert len(channel.pins) == len(channel.bookmarks) == 1


async def test_announcement_counts_down_the_days_left(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()

    await harness.wait(days=13)

    announcement = ana.me.visible(LAUNCH)[0]
    assert "1 day left" in shown(announcement["blocks"])


async def test_my_part_is_listed_under_details(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    ben, chiara = Lead(harness, BEN), Lead(harness, CHIARA)
    await ben.me.click("phase.my_part")
    await ben.sends(**{"phase.part.text": "I carry the importer.\nAnd the docs."})
    assert ben.page == "My Part"
    assert "can read this under *Details*, with your name:" in shown(ben.blocks)
    assert ">I carry the importer.\n>And the docs." in shown(ben.blocks)

    await chiara.me.click("phase.details")

    details = shown(chiara.blocks)
    assert "• Ben:\n>I carry the importer.\n>And the docs." in details
    assert "Chiara:" not in details


async def test_my_part_left_blank_is_confirmed_and_disappears_from_details(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    ben = Lead(harness, BEN)
    for text in ("I carry the importer.", "  "):
        await ben.me.click("phase.my_part")
        await ben.sends(**{"phase.part.text": text})
        confirmation = shown(ben.blocks)
        await ben.me.close()

    assert confirmation.startswith("Left blank, so *Details* shows nothing from you.")
    await ben.me.click("phase.details")
    assert "Who does what" not in shown(ben.blocks)


async def test_details_say_how_answers_are_kept(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    ben = Lead(harness, BEN)

    await ben.me.click("phase.details")

    details = shown(ben.blocks)
    assert "Every Tuesday at 10:00 in your own time zone" in details
    assert "Nothing is shown from fewer than 4 answers" in details
    assert "every single answer is deleted, along with its key" in details
    assert "What remains: your company's exports can show that you answered" in details


async def test_opting_out_under_details_stops_the_questions_until_undone_there(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    ben = Lead(harness, BEN)
    await ben.me.click("phase.details")
    await ben.me.click("phase.opt_out", view_id=ben.view["id"])
    assert "You opted out" in shown(ben.blocks)
    await harness.wait(days=1)
    assert ben.me.dm_with_bot() == []

    await ben.me.click("phase.opt_in", view_id=ben.view["id"])
    assert "You get the questions" in shown(ben.blocks)
    await harness.wait(days=7)

    assert len(ben.me.dm_with_bot()) > 0


async def test_details_offer_no_opt_out_to_people_who_are_not_asked(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    guest = Lead(harness, GUEST)

    await guest.me.click("phase.details")

    assert guest.page == "Details"
    assert "Don't Ask Me Here" not in str(guest.blocks)


async def test_concern_reaches_the_leads_anonymously(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    ben = Lead(harness, BEN)
    await ben.me.click("phase.concern")
    await ben.sends(**{"phase.concern.text": "Two of us worked on Sunday."})
    assert ana.me.dm_with_bot() == []

    await harness.wait(days=1, hours=1)

    concerns = [one for one in ana.me.dm_with_bot() if "concern" in one["text"]]
    assert len(concerns) == 1
    assert "Two of us worked on Sunday." in shown(concerns[0]["blocks"])
    assert "Ben" not in str(concerns[0])
    assert await count(harness, schema.concerns) == 0


async def test_non_member_pressing_a_team_button_gets_an_ephemeral_refusal(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    guest = harness.slack.as_user(GUEST)

    for button in ("phase.my_part", "phase.concern"):
        await guest.click(button)
        assert guest.top_view is None
        assert "You aren't on this phase's team" in str(guest.ephemerals(LAUNCH)[-1])
