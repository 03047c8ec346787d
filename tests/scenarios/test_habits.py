"""Habits of a trust-building phase: how the team works, and mistakes that are told."""

from typing import Any

import pytest

from bot.habits.how_we_work_form import NOT_HERE
from bot.habits.lifecycle import share_mistake
from bot.phases.permissions import CANNOT_POST
from bot.slack.errors import Refused
from bot.slack.request import Request
from tests.harness import BEN, CHIARA, LAUNCH, WORKSPACE, BotHarness
from tests.scenarios.lead import Lead, shown
from tests.scenarios.screen import channel_texts, phase

LINE = "phase.how_we_work"
FIRST, SECOND = "how_we_work.0", "how_we_work.1"
STORY = "I shipped on a Friday.\nNow I rehearse."


@pytest.fixture
async def building_trust(harness: BotHarness, ana: Lead) -> Lead:
    await ana.starts("trust 4w")
    return ana


def announcement(harness: BotHarness) -> dict[str, Any]:
    return harness.slack.as_user(CHIARA).visible(LAUNCH)[0]


async def opened(harness: BotHarness, user_id: str, button: str = LINE) -> Lead:
    """Let a person press a button of the announcement."""
    person = Lead(harness, user_id)
    await person.me.click(button, channel=LAUNCH, ts=announcement(harness)["ts"])
    return person


async def test_members_edit_how_the_team_works_and_the_announcement_shows_it(
    harness: BotHarness, building_trust: Lead
) -> None:
    ben = await opened(harness, BEN)
    assert await ben.sends(**{FIRST: "Reviews within <a day>."}) == {}
    chiara = await opened(harness, CHIARA)
    assert chiara.typed(FIRST) == "Reviews within <a day>."
    assert await chiara.sends(**{FIRST: "", SECOND: "No meetings on Friday."}) == {}

    text = shown(announcement(harness)["blocks"])
    assert "*How we work:*\n• No meetings on Friday." in text
    assert "Reviews" not in text
    details = await opened(harness, BEN, "phase.details")
    assert "Chiara removed “Reviews within &lt;a day&gt;.”" in shown(details.blocks)
    assert len(channel_texts(harness)) == 1  # edits only
    assert harness.slack.problems == []


async def test_line_changed_by_two_people_at_once_is_not_overwritten_unseen(
    harness: BotHarness, building_trust: Lead
) -> None:
    ben, chiara = await opened(harness, BEN), await opened(harness, CHIARA)
    await chiara.sends(**{FIRST: "Whoever is asked decides."})

    await ben.sends(**{FIRST: "The owner decides.", SECOND: "Cameras are optional."})

    assert "Chiara changed line 1 while you were writing" in shown(ben.blocks)
    assert ben.typed(FIRST) == "The owner decides."
    assert "owner decides" not in shown(announcement(harness)["blocks"])
    await ben.sends()
    text = shown(announcement(harness)["blocks"])
    assert "• The owner decides.\n• Cameras are optional." in text


async def test_mistake_is_told_in_the_thread_with_the_name(
    harness: BotHarness, building_trust: Lead
) -> None:
    assert "Go first this week" in shown(building_trust.blocks)
    ben = await opened(harness, BEN, "phase.mistake")
    await ben.sends(**{"mistake.text": STORY})
    await harness.settle()

    reply = harness.slack.as_user(CHIARA).visible(LAUNCH)[-1]
    assert reply["thread_ts"] == announcement(harness)["ts"]
    assert reply["text"] == "Ben shared a mistake they learned from"
    assert ">I shipped on a Friday.\n>Now I rehearse." in shown(reply["blocks"])
    assert harness.slack.problems == []


async def test_mistake_is_not_told_where_the_team_cannot_read_it(
    harness: BotHarness, building_trust: Lead
) -> None:
    ben = await opened(harness, BEN, "phase.mistake")
    harness.slack.archive(LAUNCH)
    await harness.settle()

    assert CANNOT_POST in str(await ben.sends(**{"mistake.text": STORY}))
    await ben.me.close()
    ben = await opened(harness, BEN, "phase.mistake")
    assert ben.me.top_view is None


async def test_lead_is_invited_to_tell_a_mistake_first(
    harness: BotHarness, building_trust: Lead
) -> None:
    await building_trust.me.click("phase.mistake")
    await building_trust.sends(**{"mistake.text": STORY})
    await harness.settle()

    assert channel_texts(harness)[-1] == "Ana shared a mistake they learned from"


async def test_sprint_has_no_such_habits(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    assert "How We Work" not in str(announcement(harness))
    assert "Go first" not in shown(ana.blocks)
    request = Request(
        workspace_id=WORKSPACE, user_id=BEN, target_id=(await phase(harness)).phase_id
    )
    with pytest.raises(Refused, match=NOT_HERE):
        await share_mistake(harness.bot.services, request, STORY, view_id="V1")


async def test_nothing_is_saved_after_the_end(harness: BotHarness, building_trust: Lead) -> None:
    ben = await opened(harness, BEN)
    await harness.wait(days=40)

    errors = await ben.sends(**{FIRST: "Too late."})

    assert "This phase has ended" in str(errors) + shown(ben.blocks)
    assert (await phase(harness)).how_we_work is None
