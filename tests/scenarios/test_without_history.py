"""An app without the history scopes: Slack's event alone proves that a message arrived."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.db import schema
from bot.playground.fake_slack.manifest import Manifest
from tests.harness import BEN, LAUNCH, MEMBERS, OWNER, BotHarness
from tests.scenarios.lead import Lead
from tests.scenarios.screen import channel_texts, dm_texts, phase
from tests.scenarios.test_held_messages import AGAIN, announcements, home, state

MANIFEST = Path(__file__).parents[2] / ".slack/manifest.no-history.json"
QUESTIONS = "Three quick questions"


@pytest.fixture
def without_history(harness: BotHarness) -> BotHarness:
    """The harness with the scopes and events of the manifest without history."""
    app, granted = harness.slack.core.manifest, Manifest(MANIFEST)
    app.scopes, app.events, app.metadata = granted.scopes, granted.events, granted.metadata
    return harness


def lookups(harness: BotHarness) -> int:
    reads = ("conversations.history", "conversations.replies")
    return sum(call.method in reads for call in harness.slack.calls)


def questions(harness: BotHarness, user_id: str) -> int:
    return sum(QUESTIONS in text for text in dm_texts(harness, user_id))


async def states_of(harness: BotHarness, kind: str) -> list[str]:
    messages = schema.messages
    async with harness.bot.db.reading() as reader:
        found = await reader.scalars(
            select(messages.c.state).where(messages.c.key.startswith(f"{kind}:"))
        )
        return sorted(found)


async def errors(harness: BotHarness) -> set[Any]:
    async with harness.bot.db.reading() as reader:
        return set(await reader.scalars(select(schema.messages.c.error)))


async def test_phase_ends_without_any_missing_scope(without_history: BotHarness) -> None:
    await Lead(without_history).starts("results 2w")
    await without_history.wait(days=1)
    await without_history.slack.let_team_answer()
    await without_history.wait(days=20)

    assert (await phase(without_history)).state == "ended"
    assert "First results in <#C0LAUNCH>" in channel_texts(without_history)
    assert lookups(without_history) == 0
    assert "missing_scope" not in await errors(without_history)


async def test_slacks_event_proves_that_a_message_arrived(without_history: BotHarness) -> None:
    without_history.slack.faults.fail_next("chat.postMessage", status=500, after_accept=True)

    await Lead(without_history).starts("results 2w")

    assert await state(without_history) == "sent"
    assert len(announcements(without_history)) == 1


@pytest.mark.parametrize("arrives", [True, False], ids=["arrived", "lost"])
async def test_questions_without_an_event_are_held_and_sent_to_nobody_twice(
    without_history: BotHarness, arrives: bool
) -> None:
    await Lead(without_history).starts("results 2w")
    slack = without_history.slack
    slack.core.events.hold()
    slack.faults.fail_next("chat.postMessage", status=500, after_accept=arrives, times=7)
    await without_history.wait(hours=36)

    assert await states_of(without_history, "ask") == ["held"] * len(MEMBERS)
    assert lookups(without_history) >= 1
    await slack.core.events.release()
    await without_history.settle()
    await without_history.wait(hours=1)

    assert {questions(without_history, one) for one in MEMBERS} == {int(arrives)}
    proven = "sent" if arrives else "held"
    assert await states_of(without_history, "ask") == [proven] * len(MEMBERS)


async def test_admin_has_a_held_announcement_posted_once(without_history: BotHarness) -> None:
    without_history.slack.faults.fail_next("chat.postMessage", status=500)
    await Lead(without_history).starts("results 2w")
    assert await state(without_history) == "held"

    await home(without_history, OWNER)
    await without_history.slack.as_user(OWNER).click(AGAIN)
    await without_history.settle()

    assert await state(without_history) == "sent"
    assert len(announcements(without_history)) == 1


async def test_members_get_the_link_to_results_that_were_held_at_first(
    without_history: BotHarness,
) -> None:
    slack = without_history.slack
    await Lead(without_history).starts("results 2w")
    await without_history.wait(hours=36)
    await slack.let_team_answer()
    await without_history.settle()
    slack.crowd(LAUNCH, 12)  # so that the results stand in the thread alone
    slack.core.events.hold()
    while not await states_of(without_history, "results"):
        slack.faults.fail_next("chat.postMessage", status=500, after_accept=True)
        due = await without_history.bot.next_due()
        assert due is not None
        await without_history.travel_to(due)
    await without_history.wait(hours=2)
    assert await states_of(without_history, "results") == ["held"]

    await slack.core.events.release()
    await without_history.wait(hours=1)

    assert await states_of(without_history, "results") == ["sent"]
    assert "First results in <#C0LAUNCH>" in dm_texts(without_history, BEN)
