"""`/imbalance history` and *History*: what a person in the channel reads of its phases."""

from datetime import UTC, datetime

import pytest

from bot.playground.fake_slack.example_workspace import BOT_USER_ID
from tests.harness import ANA, BEN, GENERAL, GUEST, LAUNCH, MEMBERS, SECRET, BotHarness
from tests.history.past_rows import insert_past_phases
from tests.scenarios.lead import Lead, shown
from tests.taps import tap_all

#: The team reads the first results on Friday at ten.
LEADS_HAVE_RESULTS = datetime(2026, 11, 27, 9, tzinfo=UTC)
TEAM_HAS_RESULTS = datetime(2026, 11, 27, 10, 5, tzinfo=UTC)
AFTER_THE_END = datetime(2026, 12, 8, 10, tzinfo=UTC)


async def history(harness: BotHarness, user_id: str = BEN) -> str:
    """Type the command, and return all texts of the page."""
    person = Lead(harness, user_id)
    answer = await person.me.command("/imbalance history", LAUNCH)
    assert answer.text == ""
    assert person.page == "History"
    return shown(person.blocks)


async def answer_all(harness: BotHarness, level: int) -> None:
    for user_id in MEMBERS[:5]:
        await tap_all(harness, user_id, level)


@pytest.fixture
async def with_results(harness: BotHarness, ana: Lead) -> BotHarness:
    """A sprint whose first results the team has read."""
    await ana.starts()
    await ana.me.close()
    await harness.wait(days=1, hours=12)
    await answer_all(harness, 4)
    await harness.travel_to(TEAM_HAS_RESULTS)
    return harness


async def test_history_shows_levels_once_the_team_has_read_them_and_the_outcome(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    await ana.me.close()
    await harness.wait(days=1, hours=12)
    await answer_all(harness, 4)
    await harness.travel_to(LEADS_HAVE_RESULTS)

    for user_id in (ANA, BEN):
        page = await history(harness, user_id)
        assert "Mon 23 Nov to Mon 7 Dec · running now\nNo levels yet." in page

    await harness.travel_to(TEAM_HAS_RESULTS)
    assert "*Clear and doable:* 4 of 5\n" in await history(harness)

    await harness.travel_to(AFTER_THE_END)
    await ana.me.close(everything=True)
    await ana.me.command("/imbalance end", LAUNCH)
    await ana.sends(milestone_outcome="hit", outcome="The beta is out.")
    await ana.me.close(everything=True)
    page = await history(harness)

    assert "*🏁 Results sprint: ship the beta*\nMon 23 Nov to Mon 7 Dec\n" in page
    assert (
        "*Outcome:* Goal hit. The beta is out.\n"
        "*Clear and doable:* 4 at the start, not enough answers at the" in page
    )
    assert "*Recovery:* Until Tue 22 Dec." in page


async def test_too_few_answers_show_no_level(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    await ana.me.close()
    await harness.travel_to(TEAM_HAS_RESULTS)

    page = await history(harness)

    assert "No levels yet." in page
    assert "Send Me the Picture" not in page


async def test_channel_without_a_phase_says_so_and_offers_to_start_one(
    harness: BotHarness, ana: Lead
) -> None:
    assert "Guests and people from other organizations can't start" in await history(harness, GUEST)
    page = await history(harness, ANA)
    assert f"*No phase has run in <#{LAUNCH}> yet.*" in page

    await ana.me.click("phases.start")

    assert ana.page == "Is this the moment?"


async def test_direct_message_has_no_history(harness: BotHarness) -> None:
    ben = harness.slack.as_user(BEN)
    direct = harness.slack.workspace.open_direct_message(BEN, "U0BOT").id

    answer = await ben.command("/imbalance history", direct)

    assert "A phase belongs to a channel" in str(answer.body)
    assert ben.top_view is None


async def test_buttons_in_home_and_on_the_status_card_open_the_history(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    ben = Lead(harness, BEN)
    await ben.me.open_home()
    await harness.settle()
    home = ben.me.home
    assert home is not None
    await ben.me.click("history.show", view_id=home["id"])
    assert ben.page == "History"
    await ben.me.close()

    await ben.me.command("/imbalance status", LAUNCH)
    await ben.me.click("history.show", channel=LAUNCH)

    assert "ship the beta" in shown(ben.blocks)


async def test_person_who_left_the_channel_is_shown_nothing(with_results: BotHarness) -> None:
    harness, ben = with_results, Lead(with_results, BEN)
    await ben.me.open_home()
    await history(harness)
    before = len(ben.me.dm_with_bot())
    harness.slack.leave(LAUNCH, BEN)
    await harness.settle()

    await ben.me.click("history.picture")
    assert "can see its history" in str(ben.blocks)
    await ben.me.close(everything=True)
    home = ben.me.home
    assert home is not None
    await ben.me.click("history.show", view_id=home["id"])
    await harness.settle()

    assert "can see its history" in str(ben.blocks)
    assert "ship the beta" not in str(ben.blocks)
    assert len(ben.me.dm_with_bot()) == before


async def test_picture_is_sent_once_to_the_person_who_asks_and_to_nobody_else(
    with_results: BotHarness,
) -> None:
    harness, ben = with_results, Lead(with_results, BEN)
    in_channel = len(ben.me.visible(LAUNCH))
    others = {
        user_id: len(harness.slack.as_user(user_id).dm_with_bot()) for user_id in (ANA, *MEMBERS)
    }
    assert "Send Me the Picture" in await history(harness)

    await ben.me.press_quickly("history.picture", "history.picture")
    await harness.settle()

    message = ben.me.dm_with_bot()[-1]
    (image,) = [block for block in message["blocks"] if block["type"] == "image"]
    assert message["text"] == f"The phases in <#{LAUNCH}>"
    assert image["slack_file"]["id"].startswith("F")
    assert "clarity 4, trust 4, room for mistakes 4" in image["alt_text"]
    assert "The picture is on its way to you" in str(ben.blocks)
    assert len(ben.me.visible(LAUNCH)) == in_channel
    assert {user_id: len(harness.slack.as_user(user_id).dm_with_bot()) for user_id in others} == {
        **others,
        BEN: others[BEN] + 1,
    }


async def test_long_history_has_ten_phases_a_page(harness: BotHarness) -> None:
    await insert_past_phases(harness.bot.db, 12)
    ben = Lead(harness, BEN)
    first = await history(harness)
    assert [f"goal {number}*\n" in first for number in (11, 2, 1)] == [True, True, False]
    assert "Newer" not in first

    await ben.me.press_quickly("history.older", "history.older")
    older = shown(ben.blocks)
    assert [f"goal {number}*\n" in older for number in (11, 2, 1, 0)] == [False, False, True, True]
    assert "Older" not in older
    await ben.me.click("history.newer")

    assert shown(ben.blocks) == first
    assert harness.slack.problems == []


async def test_pages_turn_in_a_private_channel_without_the_bot(harness: BotHarness) -> None:
    await insert_past_phases(harness.bot.db, 12, channel_id=SECRET)
    ben = Lead(harness, BEN)
    await ben.me.command("/imbalance history", SECRET)
    first = shown(ben.blocks)
    await ben.me.click("history.older")
    assert "goal 0*" in shown(ben.blocks)
    await ben.me.click("history.newer")
    assert shown(ben.blocks) == first

    harness.slack.join(SECRET, BOT_USER_ID)  # from now on Slack says who is in the channel
    harness.slack.leave(SECRET, BEN)
    await harness.settle()
    await ben.me.click("history.older")
    assert "can see its history" in str(ben.blocks)


async def test_history_of_another_channel_is_not_shown(harness: BotHarness) -> None:
    await insert_past_phases(harness.bot.db, 1)
    ben = Lead(harness, BEN)

    await ben.me.command("/imbalance history", GENERAL)

    assert "No phase has run in" in shown(ben.blocks)
