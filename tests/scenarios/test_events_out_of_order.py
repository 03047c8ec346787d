"""Slack tells of changes in any order: what holds in the end is what is so in Slack."""

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import select

from bot.db import schema
from tests.harness import BEN, LAUNCH, OWNER, BotHarness
from tests.scenarios.lead import Lead
from tests.scenarios.screen import told


async def remembered(harness: BotHarness, user_id: str) -> Any:
    people = schema.people
    async with harness.bot.db.reading() as reader:
        found = await reader.execute(select(people).where(people.c.user_id == user_id))
        return found.one()


@pytest.mark.parametrize(
    "zones",
    [
        ("Asia/Tokyo", "America/New_York"),
        ("Asia/Tokyo", "Africa/Lagos"),  # and back to where it was
    ],
)
async def test_who_moved_twice_lives_where_they_moved_last(
    harness: BotHarness, ana: Lead, zones: Sequence[str]
) -> None:
    await ana.starts()
    await harness.wait(days=1)
    harness.slack.core.events.hold()
    for zone in zones:
        harness.slack.set_tz(BEN, zone)
    await harness.slack.core.events.release(backwards=True)
    await harness.settle()

    assert (await remembered(harness, BEN)).zone == zones[-1]


async def test_an_account_closed_and_opened_again_is_open(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    harness.slack.core.events.hold()
    harness.slack.change_user(BEN, deleted=True)
    harness.slack.change_user(BEN, deleted=False)
    await harness.slack.core.events.release(backwards=True)
    await harness.settle()

    assert not (await remembered(harness, BEN)).is_deleted


async def test_who_left_and_came_back_is_asked(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    harness.slack.core.events.hold()
    harness.slack.leave(LAUNCH, BEN)
    harness.slack.join(LAUNCH, BEN)
    await harness.slack.core.events.release(backwards=True)
    await harness.settle()

    await harness.wait(days=2)
    assert any("questions" in text for text in told(harness, BEN))


async def test_who_came_and_left_is_not_asked(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    harness.slack.core.events.hold()
    harness.slack.join(LAUNCH, OWNER)
    harness.slack.leave(LAUNCH, OWNER)
    await harness.slack.core.events.release(backwards=True)
    await harness.settle()

    await harness.wait(days=9)
    assert told(harness, OWNER) == []


async def test_while_slack_will_not_say_who_is_there_it_is_asked_again(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    harness.slack.faults.fail_next("conversations.members", status=500)
    harness.slack.leave(LAUNCH, BEN)
    await harness.settle()

    await harness.wait(days=2)
    assert told(harness, BEN) == []
