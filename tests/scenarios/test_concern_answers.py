"""A lead answers an anonymous concern in the announcement's thread."""

from typing import Any

import pytest

from bot.announcement.concern_answers import post_answer
from bot.announcement.part_messages import EMPTY_ANSWER
from bot.phases.permissions import CANNOT_POST
from bot.slack.errors import Refused
from bot.slack.request import Request
from tests.harness import ANA, BEN, CHIARA, LAUNCH, WORKSPACE, BotHarness
from tests.scenarios.lead import Lead, shown
from tests.scenarios.screen import press

NOTE = "Two of us worked on Sunday."
ANSWER = "My mistake.\nFrom now on I ask before Thursday."
BUTTON, FIELD = "phase.concern.answer", "concern.answer"


@pytest.fixture
async def delivered(harness: BotHarness, ana: Lead) -> dict[str, Any]:
    """The message to Ana with a concern of Ben's."""
    await ana.starts()
    ben = Lead(harness, BEN)
    await ben.me.click("phase.concern")
    await ben.sends(**{"phase.concern.text": NOTE})
    await harness.wait(days=2)
    (message,) = [one for one in ana.me.dm_with_bot() if "concern" in one["text"]]
    return message


def replies(harness: BotHarness) -> list[dict[str, Any]]:
    """Return the answers to concerns in the announcement's thread, as Chiara sees them."""
    seen = harness.slack.as_user(CHIARA).visible(LAUNCH)
    return [one for one in seen if "anonymous concern" in one["text"]]


async def test_answer_is_a_signed_reply_that_does_not_quote_the_note(
    harness: BotHarness, ana: Lead, delivered: dict[str, Any]
) -> None:
    await press(harness, ANA, BUTTON, delivered)
    assert ana.page == "Answer in the Channel"
    await ana.sends(**{FIELD: ANSWER})
    await harness.settle()

    (reply,) = replies(harness)
    announcement = harness.slack.as_user(BEN).visible(LAUNCH)[0]
    assert reply["thread_ts"] == announcement["ts"]
    assert not reply.get("subtype")  # no broadcast
    assert reply["text"] == "Ana answered an anonymous concern"
    assert ">My mistake.\n>From now on I ask before Thursday." in shown(reply["blocks"])
    assert NOTE not in str(reply)
    assert "goes into the announcement's thread" in shown(ana.blocks)
    assert harness.slack.problems == []


async def test_concern_is_answered_once(
    harness: BotHarness, ana: Lead, delivered: dict[str, Any]
) -> None:
    await press(harness, ANA, BUTTON, delivered)
    await ana.sends(**{FIELD: ANSWER})
    await ana.me.close()

    await press(harness, ANA, BUTTON, delivered)

    assert ana.me.top_view is None
    assert ana.me.direct_message is not None
    told = ana.me.ephemerals(ana.me.direct_message.id)[-1]["text"]
    assert told.startswith("This concern has already been answered")
    assert len(replies(harness)) == 1


async def test_blank_answer_is_refused_where_it_was_typed(
    harness: BotHarness, ana: Lead, delivered: dict[str, Any]
) -> None:
    await press(harness, ANA, BUTTON, delivered)
    assert await ana.sends(**{FIELD: " \u200b "}) == {FIELD: EMPTY_ANSWER}
    assert replies(harness) == []


async def test_member_who_does_not_lead_the_phase_may_not_answer(
    harness: BotHarness, delivered: dict[str, Any]
) -> None:
    (target,) = [
        element["value"]
        for block in delivered["blocks"]
        if block["type"] == "actions"
        for element in block["elements"]
    ]
    request = Request(workspace_id=WORKSPACE, user_id=CHIARA, target_id=target)
    with pytest.raises(Refused):
        await post_answer(harness.bot.services, request, ANSWER)
    await harness.settle()
    assert replies(harness) == []


async def test_nothing_is_answered_where_the_team_cannot_read_it(
    harness: BotHarness, ana: Lead, delivered: dict[str, Any]
) -> None:
    await press(harness, ANA, BUTTON, delivered)
    harness.slack.archive(LAUNCH)
    await harness.settle()

    assert CANNOT_POST in str(await ana.sends(**{FIELD: ANSWER}))
    await ana.me.close()
    await press(harness, ANA, BUTTON, delivered)
    assert ana.me.top_view is None
    harness.slack.unarchive(LAUNCH)
    await harness.settle()
    assert replies(harness) == []
    await press(harness, ANA, BUTTON, delivered)
    assert await ana.sends(**{FIELD: ANSWER}) == {}


async def test_concern_is_answered_after_the_end(
    harness: BotHarness, ana: Lead, delivered: dict[str, Any]
) -> None:
    await harness.wait(days=20)
    await press(harness, ANA, BUTTON, delivered)
    await ana.sends(**{FIELD: ANSWER})
    await harness.settle()
    assert len(replies(harness)) == 1
