"""What is typed with the command: Slack's markup becomes text, and nothing is swallowed."""

import pytest
from sqlalchemy import update

from bot.db import schema
from tests.harness import ANA, BEN, LAUNCH, BotHarness
from tests.scenarios.lead import CLEAR, SPRINT, Lead, shown

WITHOUT_MILESTONE = {name: text for name, text in SPRINT.items() if "milestone" not in name}


async def test_mentions_channels_and_links_are_read_as_their_writer_saw_them(
    harness: BotHarness, ana: Lead
) -> None:
    link = "https://example.com/a?b=1&c=" + "d" * 60
    typed = f"Help @Ben in #platform and #secret-plan: <R&D> {link}"
    read = f"Help @Ben in #platform and a private channel: <R&D> {link}"
    await harness.settle()
    assert await ana.types(f"results 3 weeks {typed}") == ""
    assert "Ends Mon 14 Dec, milestone “Help @Ben in #platform" in shown(ana.blocks)
    assert "&lt;R&amp;D&gt;" in shown(ana.blocks)
    await ana.sends(**CLEAR)
    assert ana.typed("start.text.milestone") == read

    await ana.sends(**WITHOUT_MILESTONE)
    assert "<@" not in shown(ana.blocks)
    await ana.sends()

    (announcement,) = harness.slack.as_user(BEN).visible(LAUNCH)
    (bookmark,) = harness.slack.workspace.conversations[LAUNCH].bookmarks
    assert read.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") in shown(
        announcement["blocks"]
    )
    for text in (shown(announcement["blocks"]), announcement["text"], bookmark["title"]):
        assert "<@" not in text
        assert "<#" not in text
        assert "<http" not in text


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("results until 31-12", "I can't read “31-12” as a day, so the end is Mon 7 Dec."),
        ("results until soon Ship it", "I can't read “soon” as a day, so the end is Mon 7 Dec."),
        ("results until @Ben", "I can't read “@Ben” as a day"),
        ("results until", "You typed “until” without a day, so the end is Mon 7 Dec."),
        ("Ship it until 18 Dec", "From your command: Ends Fri 18 Dec, milestone “Ship it”."),
        ("results in no time", "From your command: milestone “in no time”."),
    ],
)
async def test_form_shows_what_was_read_and_what_was_not(ana: Lead, words: str, told: str) -> None:
    assert await ana.types(words) == ""
    assert told in shown(ana.blocks)


async def test_unknown_subcommand_is_named_as_it_was_typed(harness: BotHarness) -> None:
    ana = harness.slack.as_user(ANA)
    for typed, named in (("@Ben", "@Ben"), ("#platform", "#platform"), ("<b>", "&lt;b&gt;")):
        answer = await ana.command(f"/imbalance {typed}", LAUNCH)
        assert f'"{named}" isn\'t one of my commands' in shown(answer.body["blocks"])


async def test_stranger_is_shown_without_a_name_if_slack_cannot_be_asked(
    harness: BotHarness, ana: Lead
) -> None:
    await harness.settle()
    await ana.types("help")  # stores Ana
    harness.slack.faults.fail_next("users.info", status=500, times=5)
    people = schema.people
    async with harness.bot.db.transaction() as tx:
        await tx.execute(update(people).where(people.c.user_id == BEN).values(user_id="U0OTHERS"))
    assert await ana.types("trust Meet @Ben weekly") == ""

    assert "milestone “Meet @someone weekly”" in shown(ana.blocks)
