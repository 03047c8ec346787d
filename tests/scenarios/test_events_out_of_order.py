"""Slack tells of changes in any order: what holds in the end is what is so in Slack."""

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import select

from bot.db import schema
from tests.harness import BEN, LAUNCH, OWNER, BotHarness
from tests.scenarios.lead import Lead
from tests.scenarios.screen import told


async def remembered(house: BotHarness, user_id: str) -> Any:
    people = schema.people
    async with house.bot.db.reading() as reader:
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
    house: BotHarness, ana: Lead, zones: Sequence[str]
) -> None:
    await ana.starts()
    await house.wait(days=1)
    house.slack.core.events.hold()
    for zone in zones:
        house.slack.set_tz(BEN, zone)
    await house.slack.core.events.release(backwards=True)
    await house.settle()

    assert (await remembered(house, BEN)).zone == zones[-1]


async def test_an_account_closed_and_opened_again_is_open(house: BotHarness, ana: Lead) -> None:
    await ana.starts()
    house.slack.core.events.hold()
    house.slack.change_user(BEN, deleted=True)
    house.slack.change_user(BEN, deleted=False)
    await house.slack.core.events.release(backwards=True)
    await house.settle()

    assert not (await remembered(house, BEN)).is_deleted


async def test_who_left_and_came_back_is_asked(house: BotHarness, ana: Lead) -> None:
    await ana.starts()
    house.slack.core.events.hold()
    house.slack.leave(LAUNCH, BEN)
    house.slack.join(LAUNCH, BEN)
    await house.slack.core.events.release(backwards=True)
    await house.settle()

    await house.wait(days=2)
    assert any("questions" in text for text in told(house, BEN))


async def test_who_came_and_left_is_not_asked(house: BotHarness, ana: Lead) -> None:
    await ana.starts()
    house.slack.core.events.hold()
    house.slack.join(LAUNCH, OWNER)
    house.slack.leave(LAUNCH, OWNER)
    await house.slack.core.events.release(backwards=True)
    await house.settle()

    await house.wait(days=9)
    assert told(house, OWNER) == []


async def test_while_slack_will_not_say_who_is_there_it_is_asked_again(
    house: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    house.slack.faults.fail_next("conversations.members", status=500)
    house.slack.leave(LAUNCH, BEN)
    await house.settle()

    await house.wait(days=2)
    assert told(house, BEN) == []
