"""Events delivered out of order: the stored state must match Slack in the end."""

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import select

from bot.db import schema
from tests.harness import BEN, LAUNCH, OWNER, BotHarness
from tests.scenarios.lead import Lead
from tests.scenarios.screen import dm_texts


async def stored_person(harness: BotHarness, user_id: str) -> Any:
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
async def test_reordered_time_zone_events_store_the_latest_zone(
    harness: BotHarness, ana: Lead, zones: Sequence[str]
) -> None:
    await ana.starts()
    await harness.wait(days=1)
    harness.slack.core.events.hold()
    for zone in zones:
        harness.slack.set_tz(BEN, zone)
    await harness.slack.core.events.release(backwards=True)
    await harness.settle()

    assert (await stored_person(harness, BEN)).zone == zones[-1]


async def test_reordered_account_events_leave_the_account_active(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    harness.slack.core.events.hold()
    harness.slack.change_user(BEN, deleted=True)
    harness.slack.change_user(BEN, deleted=False)
    await harness.slack.core.events.release(backwards=True)
    await harness.settle()

    assert not (await stored_person(harness, BEN)).is_deleted


async def test_member_who_left_and_rejoined_is_asked(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    harness.slack.core.events.hold()
    harness.slack.leave(LAUNCH, BEN)
    harness.slack.join(LAUNCH, BEN)
    await harness.slack.core.events.release(backwards=True)
    await harness.settle()

    await harness.wait(days=2)
    assert any("questions" in text for text in dm_texts(harness, BEN))


async def test_person_who_joined_and_left_is_not_asked(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    harness.slack.core.events.hold()
    harness.slack.join(LAUNCH, OWNER)
    harness.slack.leave(LAUNCH, OWNER)
    await harness.slack.core.events.release(backwards=True)
    await harness.settle()

    await harness.wait(days=9)
    assert dm_texts(harness, OWNER) == []


async def test_member_lookup_is_retried_after_a_server_error(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    harness.slack.faults.fail_next("conversations.members", status=500)
    harness.slack.leave(LAUNCH, BEN)
    await harness.settle()

    await harness.wait(days=2)
    assert dm_texts(harness, BEN) == []
