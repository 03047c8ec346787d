"""People who join or leave the channel of a phase."""

from typing import Any

import pytest
from sqlalchemy import select

from bot.db import schema
from tests.harness import (
    ANA,
    BEN,
    CHIARA,
    DEV,
    EMI,
    FINN,
    GUEST,
    HANA,
    LAUNCH,
    OWNER,
    PLATFORM,
    BotHarness,
)
from tests.scenarios.lead import CLEAR, SPRINT, Lead, shown
from tests.scenarios.screen import dm_texts


def announcement_text(harness: BotHarness) -> str:
    """Return the current text of the announcement, as a member reads it."""
    (found,) = [one for one in harness.slack.as_user(CHIARA).visible(LAUNCH) if "🏁" in one["text"]]
    return shown(found["blocks"])


async def team_rows(harness: BotHarness) -> dict[str, Any]:
    people = schema.phase_people
    async with harness.bot.db.reading() as reader:
        rows = (await reader.execute(select(people))).mappings()
        return {row["user_id"]: row for row in rows}


async def test_departed_member_gets_no_messages(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    harness.slack.leave(LAUNCH, BEN)
    await harness.settle()
    assert "Every Tuesday, 6 people get three" in announcement_text(harness)

    await harness.wait(days=2)

    assert harness.slack.as_user(BEN).dm_with_bot() == []
    assert (await team_rows(harness))[BEN]["left_at"] is not None


@pytest.mark.parametrize("joiners", [(OWNER,), (OWNER, FINN)])
async def test_new_members_of_a_small_team_are_asked_as_soon_as_there_are_two(
    harness: BotHarness, ana: Lead, joiners: tuple[str, ...]
) -> None:
    await start_with_team(ana, [BEN, CHIARA, DEV, EMI])
    await harness.wait(days=2)
    harness.slack.leave(LAUNCH, FINN)
    for user_id in joiners:
        harness.slack.join(LAUNCH, user_id)
    await harness.settle()
    assert "Every Tuesday, 4 people get three" in announcement_text(harness)

    await harness.wait(days=7)

    are_asked = len(joiners) == 2
    assert f"Every Tuesday, {6 if are_asked else 4} people get three" in announcement_text(harness)
    for user_id in joiners:
        texts = dm_texts(harness, user_id)
        asked = any("before it ends" in text or "quick questions" in text for text in texts)
        assert asked is are_asked


async def test_joining_guest_does_not_become_a_team_member(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    harness.slack.leave(LAUNCH, GUEST)
    harness.slack.join(LAUNCH, GUEST)
    await harness.settle()

    assert GUEST not in await team_rows(harness)
    assert "7 people get three" in announcement_text(harness)


async def test_returning_lead_leads_again(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    harness.slack.leave(LAUNCH, ANA)
    await harness.settle()
    assert "led by nobody in this channel" in announcement_text(harness)
    assert (
        "only workspace admins can do this" in (await ana.me.command("/imbalance end", LAUNCH)).text
    )

    harness.slack.join(LAUNCH, ANA)
    await harness.settle()

    assert "led by Ana" in announcement_text(harness)
    assert (await team_rows(harness))[ANA]["role"] == "lead"


async def test_join_in_a_channel_without_a_phase_changes_no_team(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    before = await team_rows(harness)
    harness.slack.join(PLATFORM, OWNER)
    await harness.settle()

    assert await team_rows(harness) == before


async def start_with_team(ana: Lead, members: list[str]) -> None:
    """Start a phase with a team that is only part of the channel."""
    await ana.types("results 2w")
    await ana.sends(**CLEAR)
    await ana.me.click("phase.start.more")
    await ana.sends(**SPRINT, **{"start.members": members})
    await ana.sends()


def change_channel_members_without_event(
    harness: BotHarness, *, comes: str | None = None, goes: str | None = None
) -> None:
    """Change who is in the channel as if Slack's event had been lost."""
    there = harness.slack.workspace.conversations[LAUNCH].members
    if comes:
        there.append(comes)
    if goes:
        there.remove(goes)


async def test_missed_joins_and_leaves_are_detected_when_the_next_round_opens(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    await harness.wait(days=2)
    change_channel_members_without_event(harness, comes=OWNER, goes=BEN)
    before = len(dm_texts(harness, BEN))

    await harness.wait(days=7)

    assert dm_texts(harness, OWNER) == []  # waits for a second one
    assert len(dm_texts(harness, BEN)) == before
    assert "led by Ana" in announcement_text(harness)
    people = await team_rows(harness)
    assert people[BEN]["left_at"] is not None
    assert people[OWNER]["role"] == "member"


async def test_channel_member_not_chosen_for_the_team_is_never_asked(
    harness: BotHarness, ana: Lead
) -> None:
    await start_with_team(ana, [BEN, CHIARA, DEV, EMI])
    change_channel_members_without_event(harness, comes=OWNER)
    await harness.wait(days=9)

    assert dm_texts(harness, FINN) == dm_texts(harness, HANA) == []
    assert any("questions" in text for text in dm_texts(harness, OWNER))


async def test_unchosen_channel_member_who_rejoins_becomes_a_team_member(
    harness: BotHarness, ana: Lead
) -> None:
    await start_with_team(ana, [BEN, CHIARA, DEV, EMI])
    await harness.wait(days=2)
    harness.slack.leave(LAUNCH, FINN)
    await harness.settle()
    change_channel_members_without_event(harness, comes=FINN)
    harness.slack.core.events.hold()
    harness.slack.leave(LAUNCH, HANA)
    harness.slack.join(LAUNCH, HANA)
    await harness.slack.core.events.release(backwards=True)
    await harness.settle()
    await harness.wait(days=7)

    for user_id in (FINN, HANA):
        assert any("questions" in text for text in dm_texts(harness, user_id))


async def test_late_join_event_from_before_the_phase_is_ignored(
    harness: BotHarness, ana: Lead
) -> None:
    harness.slack.core.events.hold()
    harness.slack.leave(LAUNCH, FINN)
    harness.slack.join(LAUNCH, FINN)
    await harness.wait(minutes=1)
    await start_with_team(ana, [BEN, CHIARA, DEV, EMI])
    await harness.slack.core.events.release()
    await harness.settle()

    await harness.wait(days=9)
    assert dm_texts(harness, FINN) == []
