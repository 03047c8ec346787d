"""Refused starts, abandoned drafts, and two leads who start at the same time."""

import pytest
from sqlalchemy import select

from bot.db import schema
from tests.harness import ARCHIVED, BEN, GUEST, LAUNCH, SECRET, BotHarness
from tests.scenarios.lead import CLEAR, SPRINT, TRUST, Lead, count, shown

#: Channels where no phase can start, and the reason given.
UNUSABLE_CHANNELS = [(SECRET, "I'm not in this private channel"), (ARCHIVED, "archived")]


async def test_guest_cannot_start_a_phase(harness: BotHarness) -> None:
    guest = Lead(harness, GUEST)

    answer = await guest.types("results 2w")

    assert answer.startswith("Guests and people from other organizations can't start a phase.")
    assert guest.me.top_view is None


@pytest.mark.parametrize(("channel_id", "reason"), UNUSABLE_CHANNELS)
async def test_unusable_channel_is_refused_in_the_form(
    harness: BotHarness, ana: Lead, channel_id: str, reason: str
) -> None:
    assert await ana.types("results 2w", channel_id) == ""
    await harness.settle()

    assert reason in shown(ana.blocks)
    assert ana.inputs == []
    (changed,) = [call for call in harness.slack.calls if call.method == "views.update"]
    assert changed.args["hash"]  # otherwise a page shown meanwhile would be lost


@pytest.mark.parametrize(("channel_id", "reason"), UNUSABLE_CHANNELS)
async def test_unusable_channel_is_refused_at_next_if_the_first_lookup_failed(
    harness: BotHarness, ana: Lead, channel_id: str, reason: str
) -> None:
    harness.slack.faults.fail_next("conversations.info", status=503)
    await ana.types("results 2w", channel_id)
    await harness.settle()

    errors = await ana.sends(**CLEAR)

    assert reason in errors["start.level.clarity"]
    assert ana.typed("start.level.clarity")["value"] == CLEAR["start.level.clarity"]


async def test_phase_cannot_start_in_a_direct_message(harness: BotHarness, ana: Lead) -> None:
    await ana.me.open_home()
    direct = ana.me.direct_message
    assert direct is not None

    assert "A phase belongs to a channel" in await ana.types("results", direct.id)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("results until 2026-11-20", "Fri 20 Nov isn't after today"),
        ("results until 2025-12-18", "Thu 18 Dec 2025 isn't after today"),
        ("results 30w", "at most 6 weeks"),
        ("999w", "at most 12 weeks"),
    ],
)
async def test_invalid_end_date_or_length_is_refused_by_the_command(
    ana: Lead, words: str, reason: str
) -> None:
    assert reason in await ana.types(words)
    assert ana.me.top_view is None


async def test_second_phase_in_a_channel_is_refused(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    ben = Lead(harness, BEN)

    answer = await ben.types("trust")

    assert answer == (
        "A results sprint led by Ana is running here until Mon 7 Dec. One at a time keeps it "
        "clear: "
        "talk to Ana about what should come next."
    )
    assert "use `/imbalance extend` or `/imbalance end` first" in await ana.types("trust")
    assert ben.me.top_view is None


async def test_slower_of_two_leads_is_refused_and_keeps_the_draft(
    harness: BotHarness, ana: Lead
) -> None:
    ben = Lead(harness, BEN)
    await ben.types("trust 2w")
    await ben.sends(**CLEAR)
    await ben.sends(**TRUST)
    await ana.starts()

    await ben.sends()

    assert ben.page == "Preview"
    assert "A results sprint led by Ana is running here until Mon 7 Dec" in shown(ben.blocks)
    assert "What you typed is kept for a week" in shown(ben.blocks)
    assert "Customer data." in shown(ben.blocks)
    assert await count(harness, schema.phases) == 1


async def test_abandoned_draft_is_restored(harness: BotHarness, ana: Lead) -> None:
    await ana.types("results 2w")
    await ana.sends(**CLEAR)
    await ana.sends(**SPRINT)
    await ana.me.close()

    await ana.types("")

    assert "What you typed here before is filled in." in shown(ana.blocks)
    await ana.sends()
    assert ana.typed("start.text.stakes") == SPRINT["start.text.stakes"]


async def test_restored_draft_drops_an_end_date_in_the_past(harness: BotHarness, ana: Lead) -> None:
    await ana.types("results until 2026-11-25 ship the beta")
    await ana.sends(**CLEAR)
    await ana.me.close()
    await harness.wait(days=3)

    await ana.types("")
    await ana.sends()

    assert ana.typed("start.text.milestone") == "ship the beta"
    assert ana.typed("start.ends_on") == "2026-12-10"


async def test_form_with_an_expired_draft_is_refused(harness: BotHarness, ana: Lead) -> None:
    await ana.types("results 2w")
    await ana.sends(**CLEAR)
    await harness.wait(days=8)

    errors = await ana.sends(**SPRINT)

    assert "This form is older than a week" in str(errors)


async def test_starting_again_after_announcing_creates_no_second_phase(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.types("results 2w")
    await ana.sends(**CLEAR)
    await ana.sends(**SPRINT)
    draft_id = ana.view["private_metadata"]
    await ana.sends()
    await ana.types("results 2w")  # refused: a phase runs here
    async with harness.bot.db.reading() as reader:
        kept = await reader.scalar(
            select(schema.phase_drafts.c.phase_id).where(schema.phase_drafts.c.draft_id == draft_id)
        )

    assert kept is not None
    assert await count(harness, schema.phases) == 1
    assert len(harness.slack.as_user(BEN).visible(LAUNCH)) == 1


async def test_mentions_in_form_texts_are_escaped(harness: BotHarness, ana: Lead) -> None:
    hostile = {name: "<!channel> & <@U0BEN> *now* \u202e😀 שלום" for name in SPRINT}
    await ana.types("results 2w <!channel> &amp; more")
    await ana.sends(**CLEAR)
    await ana.sends(**{**hostile, "start.owner.0": BEN})
    await ana.sends()

    (announcement,) = harness.slack.as_user(BEN).visible(LAUNCH)
    text = announcement["text"] + shown(announcement["blocks"])
    assert "&lt;!channel&gt;" in text
    assert "<!channel>" not in text
    assert "<@U0BEN>" not in text
    assert "\u202e" not in text
    assert "שלום" in text
