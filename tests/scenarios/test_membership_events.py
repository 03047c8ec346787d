"""Who comes to a phase's channel, and who goes."""

from typing import Any

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
from tests.scenarios.screen import told


def announcement(harness: BotHarness) -> str:
    """As the others in the channel read it now."""
    (found,) = [one for one in harness.slack.as_user(CHIARA).visible(LAUNCH) if "🏁" in one["text"]]
    return shown(found["blocks"])


async def people_of(harness: BotHarness) -> dict[str, Any]:
    people = schema.phase_people
    async with harness.bot.db.reading() as reader:
        rows = (await reader.execute(select(people))).mappings()
        return {row["user_id"]: row for row in rows}


async def test_who_leaves_is_not_written_to_any_more(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    harness.slack.leave(LAUNCH, BEN)
    await harness.settle()
    assert "Tuesdays: 3 questions to 6 people" in announcement(harness)

    await harness.wait(days=2)

    assert harness.slack.as_user(BEN).dm_with_bot() == []
    assert (await people_of(harness))[BEN]["left_at"] is not None


async def test_who_comes_is_asked_from_the_next_round_on(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    await harness.wait(days=2)
    harness.slack.join(LAUNCH, OWNER)
    await harness.settle()

    assert "Tuesdays: 3 questions to 8 people" in announcement(harness)
    assert harness.slack.as_user(OWNER).dm_with_bot() == []
    await harness.wait(days=7)
    (asked,) = harness.slack.as_user(OWNER).dm_with_bot()[:1]
    assert "questions about this week" in asked["text"]


async def test_a_guest_who_comes_is_not_of_the_team(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    harness.slack.leave(LAUNCH, GUEST)
    harness.slack.join(LAUNCH, GUEST)
    await harness.settle()

    assert GUEST not in await people_of(harness)
    assert "to 7 people" in announcement(harness)


async def test_a_lead_who_comes_back_leads_again(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    harness.slack.leave(LAUNCH, ANA)
    await harness.settle()
    assert "led by nobody in this channel" in announcement(harness)
    assert "only the leads" in (await ana.me.command("/imbalance end", LAUNCH)).text

    harness.slack.join(LAUNCH, ANA)
    await harness.settle()

    assert "led by Ana" in announcement(harness)
    assert (await people_of(harness))[ANA]["role"] == "lead"


async def test_a_channel_without_a_phase_has_no_team(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    before = await people_of(harness)
    harness.slack.join(PLATFORM, OWNER)
    await harness.settle()

    assert await people_of(harness) == before


async def starts_with(ana: Lead, members: list[str]) -> None:
    """A phase with a team that is less than the channel."""
    await ana.types("results 2w")
    await ana.sends(**CLEAR)
    await ana.me.click("phase.start.more")
    await ana.sends(**SPRINT, **{"start.members": members})
    await ana.sends()


def unheard(harness: BotHarness, *, comes: str | None = None, goes: str | None = None) -> None:
    """Somebody comes to the channel or goes, while nobody is there whom Slack could tell."""
    there = harness.slack.workspace.conversations[LAUNCH].members
    if comes:
        there.append(comes)
    if goes:
        there.remove(goes)


async def test_who_came_and_went_unheard_is_noticed_when_the_next_round_opens(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    await harness.wait(days=2)
    unheard(harness, comes=OWNER, goes=BEN)
    before = len(told(harness, BEN))

    await harness.wait(days=7)

    assert any("questions about this week" in text for text in told(harness, OWNER))
    assert len(told(harness, BEN)) == before
    assert "led by Ana" in announcement(harness)
    people = await people_of(harness)
    assert people[BEN]["left_at"] is not None
    assert people[OWNER]["role"] == "member"


async def test_who_was_not_chosen_is_never_asked(harness: BotHarness, ana: Lead) -> None:
    await starts_with(ana, [BEN, CHIARA, DEV, EMI])
    unheard(harness, comes=OWNER)
    await harness.wait(days=9)

    assert told(harness, FINN) == told(harness, HANA) == []
    assert any("questions" in text for text in told(harness, OWNER))


async def test_who_was_not_chosen_and_comes_anew_is_of_the_team(
    harness: BotHarness, ana: Lead
) -> None:
    await starts_with(ana, [BEN, CHIARA, DEV, EMI])
    await harness.wait(days=2)
    harness.slack.leave(LAUNCH, FINN)
    await harness.settle()
    unheard(harness, comes=FINN)
    harness.slack.core.events.hold()
    harness.slack.leave(LAUNCH, HANA)
    harness.slack.join(LAUNCH, HANA)
    await harness.slack.core.events.release(backwards=True)
    await harness.settle()
    await harness.wait(days=7)

    for user_id in (FINN, HANA):
        assert any("questions" in text for text in told(harness, user_id))


async def test_a_coming_from_before_the_phase_is_told_late(harness: BotHarness, ana: Lead) -> None:
    harness.slack.core.events.hold()
    harness.slack.leave(LAUNCH, FINN)
    harness.slack.join(LAUNCH, FINN)
    await harness.wait(minutes=1)
    await starts_with(ana, [BEN, CHIARA, DEV, EMI])
    await harness.slack.core.events.release()
    await harness.settle()

    await harness.wait(days=9)
    assert told(harness, FINN) == []
