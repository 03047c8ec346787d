"""Three processes on one PostgreSQL act as one bot: everything happens exactly once."""

from collections import Counter
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import select

from bot.clock import AdjustableClock
from bot.db import schema
from bot.playground.fake_slack import example_workspace as people
from bot.playground.server import FakeSlack
from tests.harness import ANA, LAUNCH, MEMBERS, BotHarness
from tests.outages.replicas import Fleet, fleet
from tests.scenarios.lead import Lead

REPLICAS = 3


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_phase_from_start_to_results_across_replicas(
    database_url: str, fake_slack: FakeSlack, clock: AdjustableClock, tmp_path: Path
) -> None:
    async with fleet(REPLICAS, database_url, fake_slack, clock, tmp_path) as bots:
        fake_slack.faults.duplicate_events(10_000)
        await Lead(cast(BotHarness, bots)).starts("results 2w")
        await bots.wait(days=1, hours=10)  # everyone has the questions, New York last
        await fake_slack.let_team_answer()
        await bots.kill_busiest()
        await bots.wait(days=4)

        assert await shown_rounds(bots) == [True]
        assert duplicate_posts(fake_slack) == []
        assert await mismatched_messages(bots) == []
        assert fake_slack.problems == []
        asked = [texts_to(fake_slack, member) for member in MEMBERS]
        assert [len(texts) for texts in asked] == [1] * len(MEMBERS)
        assert texts_to(fake_slack, ANA)  # the lead's own questions, and the results
        for replica in bots.replicas + bots.killed:
            assert replica.answered > 0
            assert (
                replica.count_events("request_failed")
                == replica.count_events("agenda_action_failed")
                == 0
            )
        done = [
            replica.count_events("agenda_action_done") for replica in bots.replicas + bots.killed
        ]
        assert sum(count > 0 for count in done) > 1


async def shown_rounds(bots: Fleet) -> list[bool | None]:
    """Return of each closed round whether it had enough answers."""
    rounds = schema.rounds
    async with bots.db.reading() as reader:
        return list(
            await reader.scalars(select(rounds.c.reached_minimum).where(rounds.c.state == "closed"))
        )


def posted(slack: FakeSlack) -> list[tuple[str, str, str]]:
    """Channel, ts and text of every message that the bot posted."""
    return [
        (conversation.id, ts, message["text"])
        for conversation in slack.workspace.conversations.values()
        for ts, message in conversation.messages.items()
        if message.get("user") == people.BOT_USER_ID
        and message.get("subtype") in (None, "thread_broadcast")
    ]


def duplicate_posts(slack: FakeSlack) -> list[Any]:
    counts = Counter((channel, text) for channel, _, text in posted(slack))
    return [post for post, count in counts.items() if count > 1]


def texts_to(slack: FakeSlack, user_id: str) -> list[str]:
    direct = slack.as_user(user_id).direct_message
    return [text for channel, _, text in posted(slack) if direct and channel == direct.id]


async def mismatched_messages(bots: Fleet) -> list[Any]:
    """The messages that are in Slack and not in the outbox, or the other way round."""
    messages = schema.messages
    async with bots.db.reading() as reader:
        rows = await reader.execute(
            select(messages.c.channel, messages.c.ts).where(
                messages.c.operation == "post", messages.c.state == "sent"
            )
        )
        in_outbox = {(row.channel, row.ts) for row in rows}
    in_slack = {(channel, ts) for channel, ts, _ in posted(bots.slack)}
    assert LAUNCH in {channel for channel, _ in in_slack}
    return sorted(in_outbox ^ in_slack)
