"""Expectations are written once, read by one person alone, and replied to."""

from typing import Any

import pytest
from sqlalchemy import select

from bot.announcement.expectation_forms import FITS_NOTED
from bot.announcement.part_messages import LINE_CHANGED
from bot.db import schema
from tests.harness import ANA, BEN, CHIARA, HANA, LAUNCH, MEMBERS, BotHarness
from tests.scenarios.lead import Lead, shown
from tests.scenarios.screen import dm_containing, dm_texts, press

LINE = "Getting the *importer* through review."
OTHER_LINE = "One review a day."
BEN_LINE, HANA_LINE = f"expectation.line.{BEN}", f"expectation.line.{HANA}"
WORDS = "Not with on-call.\nFrom Monday <!here> I can."
QUESTIONS = "Three quick questions about"


@pytest.fixture
async def announced(harness: BotHarness, ana: Lead) -> Lead:
    """Ana has just announced a sprint to seven people, and the confirmation is open."""
    await ana.starts()
    assert ana.page == "Announced"
    return ana


@pytest.fixture
async def written(harness: BotHarness, announced: Lead) -> Lead:
    """Ana has written a line for Ben, who got the first questions since."""
    await announced.me.click("phase.expectations")
    await announced.sends(**{BEN_LINE: LINE})
    await announced.sends()
    await announced.me.close()
    await harness.wait(days=1)
    return announced


def asked(harness: BotHarness, user_id: str) -> dict[str, Any]:
    """Return the newest questions to this person."""
    messages = harness.slack.as_user(user_id).dm_with_bot()
    return [message for message in messages if QUESTIONS in message["text"]][-1]


async def reply_of(harness: BotHarness, user_id: str = BEN) -> str | None:
    people = schema.phase_people
    async with harness.bot.db.reading() as reader:
        query = select(people.c.expectation_reply).where(people.c.user_id == user_id)
        return await reader.scalar(query)


async def test_lines_are_written_six_at_a_time_and_each_person_reads_only_their_own(
    harness: BotHarness, announced: Lead
) -> None:
    await announced.me.click("phase.expectations")
    assert len(announced.inputs) == 6
    await announced.sends(**{BEN_LINE: LINE})
    assert announced.inputs == [HANA_LINE]
    await announced.sends(**{HANA_LINE: OTHER_LINE})
    assert announced.page == "Announced"

    await harness.wait(days=2)

    assert "Ana counts on you for:" in shown(asked(harness, BEN)["blocks"])
    read = {user_id: str(asked(harness, user_id)["blocks"]) for user_id in MEMBERS}
    assert {user_id for user_id in MEMBERS if "importer" in read[user_id]} == {BEN}
    assert {user_id for user_id in MEMBERS if OTHER_LINE in read[user_id]} == {HANA}
    channel = harness.slack.as_user(CHIARA).visible(LAUNCH)
    assert OTHER_LINE not in str(channel)
    assert harness.slack.problems == []


async def test_line_is_shown_in_the_first_questions_only(
    harness: BotHarness, written: Lead
) -> None:
    assert "phase.expectation.fits" in str(asked(harness, BEN))

    await harness.wait(days=7)

    assert asked(harness, BEN)["text"] == f"Three quick questions about <#{LAUNCH}>."
    assert "counts on you" not in str(asked(harness, BEN))


async def test_my_part_opens_with_the_line(harness: BotHarness, written: Lead) -> None:
    announcement = harness.slack.as_user(BEN).visible(LAUNCH)[0]
    for user_id, is_shown in ((BEN, True), (CHIARA, False)):
        person = Lead(harness, user_id)
        await person.me.click("phase.my_part", channel=LAUNCH, ts=announcement["ts"])
        assert shown(person.blocks).startswith("*Ana counts on you for:*\n>Getting") is is_shown


@pytest.mark.parametrize(
    ("button", "says", "stored"),
    [
        ("phase.expectation.change", "*Ben would like to change what", "change"),
        ("phase.expectation.too_much", "is too much.*", "too_much"),
    ],
)
async def test_reply_reaches_the_lead_once_with_name_and_own_words(
    harness: BotHarness, written: Lead, button: str, says: str, stored: str
) -> None:
    ben = Lead(harness, BEN)
    await press(harness, BEN, button, asked(harness, BEN))
    assert "Ana gets this with your name. Nobody else does." in shown(ben.blocks)
    assert "This is still empty" in str(await ben.sends(**{"expectation.words": "\u200b"}))

    await ben.sends(**{"expectation.words": WORDS})

    message = dm_containing(harness, ANA, "Ben replied to what you count on them for")
    text = shown(message["blocks"])
    assert says in text
    assert "Ben writes:\n>Not with on-call.\n>From Monday &lt;!here&gt; I can." in text
    assert await reply_of(harness) == stored
    assert not any("replied" in each for user_id in MEMBERS for each in dm_texts(harness, user_id))


async def test_fits_is_stored_and_tells_nobody(harness: BotHarness, written: Lead) -> None:
    before = dm_texts(harness, ANA)

    await press(harness, BEN, "phase.expectation.fits", asked(harness, BEN))
    await harness.settle()

    assert shown(Lead(harness, BEN).blocks) == FITS_NOTED
    assert await reply_of(harness) == "fits"
    assert dm_texts(harness, ANA) == before


async def test_changed_line_comes_with_the_next_questions(
    harness: BotHarness, written: Lead
) -> None:
    await press(harness, BEN, "phase.expectation.too_much", asked(harness, BEN))
    await Lead(harness, BEN).sends(**{"expectation.words": WORDS})
    await press(
        harness, ANA, "phase.expectations.change", dm_containing(harness, ANA, "Ben replied")
    )
    assert written.inputs == [BEN_LINE]
    assert "Ben said it's too much." in str(written.blocks)

    assert await written.sends(**{BEN_LINE: OTHER_LINE}) == {}

    assert await reply_of(harness) is None
    await harness.wait(days=7)
    assert OTHER_LINE in str(asked(harness, BEN))


async def test_reply_to_a_line_taken_back_is_refused(harness: BotHarness, written: Lead) -> None:
    questions = asked(harness, BEN)
    await press(harness, BEN, "phase.expectation.change", questions)
    people = schema.phase_people
    async with harness.bot.db.transaction() as tx:
        await tx.execute(people.update().values(expectation=None))

    assert LINE_CHANGED in str(await Lead(harness, BEN).sends(**{"expectation.words": WORDS}))

    assert not any("replied" in text for text in dm_texts(harness, ANA))


async def test_only_leads_of_a_running_phase_write_lines(
    harness: BotHarness, announced: Lead
) -> None:
    phase_id = announced.view["private_metadata"]
    await announced.me.click("phase.expectations")
    async with harness.bot.db.transaction() as tx:
        await tx.execute(schema.phases.update().values(state="ended"))
    assert phase_id
    assert "This phase has ended" in str(await announced.sends(**{BEN_LINE: LINE}))
    assert await reply_of(harness) is None
