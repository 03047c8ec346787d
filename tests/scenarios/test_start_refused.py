"""What cannot be started, what was left half done, and two who start at once."""

import pytest
from sqlalchemy import select

from bot.db import schema
from tests.harness import ARCHIVED, BEN, GUEST, LAUNCH, SECRET, BotHarness
from tests.scenarios.lead import CLEAR, SPRINT, TRUST, Lead, count, shown

#: Where nothing can be started, as Slack says.
NO_PLACE = [(SECRET, "I am not in this private channel"), (ARCHIVED, "archived")]


async def test_a_refusal_says_why_and_what_to_do(harness: BotHarness) -> None:
    guest = Lead(harness, GUEST)

    told = await guest.types("results 2w")

    assert told.startswith("Nothing was changed: guests and people from other organisations")
    assert guest.me.top_view is None


@pytest.mark.parametrize(("channel_id", "said"), NO_PLACE)
async def test_what_slack_says_of_the_channel_is_said_in_the_form(
    harness: BotHarness, ana: Lead, channel_id: str, said: str
) -> None:
    assert await ana.types("results 2w", channel_id) == ""
    await harness.settle()

    assert said in shown(ana.blocks)
    assert shown(ana.blocks).startswith("Nothing was started: ")
    assert ana.inputs == []
    (changed,) = [call for call in harness.slack.calls if call.method == "views.update"]
    assert changed.args["hash"]  # else a page shown meanwhile would be lost


@pytest.mark.parametrize(("channel_id", "said"), NO_PLACE)
async def test_where_slack_did_not_say_it_next_is_refused(
    harness: BotHarness, ana: Lead, channel_id: str, said: str
) -> None:
    harness.slack.faults.fail_next("conversations.info", status=503)
    await ana.types("results 2w", channel_id)
    await harness.settle()

    errors = await ana.sends(**CLEAR)

    assert said in errors["start.level.clarity"]
    assert ana.typed("start.level.clarity")["value"] == CLEAR["start.level.clarity"]


async def test_a_direct_message_is_no_place_for_a_phase(harness: BotHarness, ana: Lead) -> None:
    await ana.me.open_home()
    direct = ana.me.direct_message
    assert direct is not None

    assert "a phase belongs to a channel" in await ana.types("results", direct.id)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("results until 31-12", 'cannot read "31-12" as a day'),
        ("results until", "cannot read nothing as a day"),
        ("results until 2026-11-20", "Fri 20 Nov is not after today"),
        ("results 30w", "more than the 6 weeks"),
        ("999w", "more than the 12 weeks"),
    ],
)
async def test_what_cannot_be_is_said_at_the_command(ana: Lead, words: str, said: str) -> None:
    assert said in await ana.types(words)
    assert ana.me.top_view is None


async def test_one_phase_a_channel(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    ben = Lead(harness, BEN)

    told = await ben.types("trust")

    assert "a results sprint runs here until Mon 7 Dec" in told
    assert "/imbalance extend" in told
    assert ben.me.top_view is None


async def test_who_was_slower_loses_nothing(harness: BotHarness, ana: Lead) -> None:
    ben = Lead(harness, BEN)
    await ben.types("trust 2w")
    await ben.sends(**CLEAR)
    await ben.sends(**TRUST)
    await ana.starts()

    await ben.sends()

    assert ben.page == "Preview"
    assert "a results sprint runs here until Mon 7 Dec" in shown(ben.blocks)
    assert "What you typed is kept for a week" in shown(ben.blocks)
    assert "Customer data." in shown(ben.blocks)
    assert await count(harness, schema.phases) == 1


async def test_what_was_left_half_done_comes_back(harness: BotHarness, ana: Lead) -> None:
    await ana.types("results 2w")
    await ana.sends(**CLEAR)
    await ana.sends(**SPRINT)
    await ana.me.close()

    await ana.types("")

    assert "What you typed here before is filled in." in shown(ana.blocks)
    await ana.sends()
    assert ana.typed("start.text.stakes") == SPRINT["start.text.stakes"]


async def test_an_end_that_passed_meanwhile_is_not_brought_back(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.types("results until 2026-11-25 ship the beta")
    await ana.sends(**CLEAR)
    await ana.me.close()
    await harness.wait(days=3)

    await ana.types("")
    await ana.sends()

    assert ana.typed("start.text.milestone") == "ship the beta"
    assert ana.typed("start.ends_on") == "2026-12-10"


async def test_a_page_of_a_forgotten_form_says_so(harness: BotHarness, ana: Lead) -> None:
    await ana.types("results 2w")
    await ana.sends(**CLEAR)
    await harness.wait(days=8)

    errors = await ana.sends(**SPRINT)

    assert "this form is older than a week and was forgotten" in str(errors)


async def test_submitted_twice_it_is_one_phase(harness: BotHarness, ana: Lead) -> None:
    await ana.types("results 2w")
    await ana.sends(**CLEAR)
    await ana.sends(**SPRINT)
    draft_id = ana.view["private_metadata"]
    await ana.sends()
    await ana.types("results 2w")  # refused; the old form is sent once more
    async with harness.bot.db.reading() as reader:
        kept = await reader.scalar(
            select(schema.phase_drafts.c.phase_id).where(schema.phase_drafts.c.draft_id == draft_id)
        )

    assert kept is not None
    assert await count(harness, schema.phases) == 1
    assert len(harness.slack.as_user(BEN).visible(LAUNCH)) == 1


async def test_mentions_are_shown_and_never_fire(harness: BotHarness, ana: Lead) -> None:
    hostile = {name: "<!channel> & <@U0BEN> *now* \u202e😀 שלום" for name in SPRINT}
    await ana.types("results 2w <!channel> &amp; more")
    await ana.sends(**CLEAR)
    await ana.sends(**{**hostile, "start.owner.0": BEN})
    await ana.sends()

    (announcement,) = harness.slack.as_user(BEN).visible(LAUNCH)
    said = announcement["text"] + shown(announcement["blocks"])
    assert "&lt;!channel&gt;" in said
    assert "<!channel>" not in said
    assert "<@U0BEN>" not in said
    assert "\u202e" not in said
    assert "שלום" in said
