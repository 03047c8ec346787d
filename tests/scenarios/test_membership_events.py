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


def announcement(house: BotHarness) -> str:
    """As the others in the channel read it now."""
    (found,) = [one for one in house.slack.as_user(CHIARA).visible(LAUNCH) if "🏁" in one["text"]]
    return shown(found["blocks"])


async def people_of(house: BotHarness) -> dict[str, Any]:
    people = schema.phase_people
    async with house.bot.db.reading() as reader:
        rows = (await reader.execute(select(people))).mappings()
        return {row["user_id"]: row for row in rows}


async def test_who_leaves_is_not_written_to_any_more(house: BotHarness, ana: Lead) -> None:
    await ana.starts()
    house.slack.leave(LAUNCH, BEN)
    await house.settle()
    assert "Tuesdays: 3 questions to 6 people" in announcement(house)

    await house.wait(days=2)

    assert house.slack.as_user(BEN).dm_with_bot() == []
    assert (await people_of(house))[BEN]["left_at"] is not None


async def test_who_comes_is_asked_from_the_next_round_on(house: BotHarness, ana: Lead) -> None:
    await ana.starts()
    await house.wait(days=2)
    house.slack.join(LAUNCH, OWNER)
    await house.settle()

    assert "Tuesdays: 3 questions to 8 people" in announcement(house)
    assert house.slack.as_user(OWNER).dm_with_bot() == []
    await house.wait(days=7)
    (asked,) = house.slack.as_user(OWNER).dm_with_bot()[:1]
    assert "questions about this week" in asked["text"]


async def test_a_guest_who_comes_is_not_of_the_team(house: BotHarness, ana: Lead) -> None:
    await ana.starts()
    house.slack.leave(LAUNCH, GUEST)
    house.slack.join(LAUNCH, GUEST)
    await house.settle()

    assert GUEST not in await people_of(house)
    assert "to 7 people" in announcement(house)


async def test_a_lead_who_comes_back_leads_again(house: BotHarness, ana: Lead) -> None:
    await ana.starts()
    house.slack.leave(LAUNCH, ANA)
    await house.settle()
    assert "led by nobody in this channel" in announcement(house)
    assert "only the leads" in (await ana.me.command("/imbalance end", LAUNCH)).text

    house.slack.join(LAUNCH, ANA)
    await house.settle()

    assert "led by Ana" in announcement(house)
    assert (await people_of(house))[ANA]["role"] == "lead"


async def test_a_channel_without_a_phase_has_no_team(house: BotHarness, ana: Lead) -> None:
    await ana.starts()
    before = await people_of(house)
    house.slack.join(PLATFORM, OWNER)
    await house.settle()

    assert await people_of(house) == before


async def starts_with(ana: Lead, members: list[str]) -> None:
    """A phase with a team that is less than the channel."""
    await ana.types("results 2w")
    await ana.sends(**CLEAR)
    await ana.me.click("phase.start.more")
    await ana.sends(**SPRINT, **{"start.members": members})
    await ana.sends()


def unheard(house: BotHarness, *, comes: str | None = None, goes: str | None = None) -> None:
    """Somebody comes to the channel or goes, while nobody is there whom Slack could tell."""
    there = house.slack.workspace.conversations[LAUNCH].members
    if comes:
        there.append(comes)
    if goes:
        there.remove(goes)


async def test_who_came_and_went_unheard_is_noticed_when_the_next_round_opens(
    house: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    await house.wait(days=2)
    unheard(house, comes=OWNER, goes=BEN)
    before = len(told(house, BEN))

    await house.wait(days=7)

    assert any("questions about this week" in text for text in told(house, OWNER))
    assert len(told(house, BEN)) == before
    assert "led by Ana" in announcement(house)
    people = await people_of(house)
    assert people[BEN]["left_at"] is not None
    assert people[OWNER]["role"] == "member"


async def test_who_was_not_chosen_is_never_asked(house: BotHarness, ana: Lead) -> None:
    await starts_with(ana, [BEN, CHIARA, DEV, EMI])
    unheard(house, comes=OWNER)
    await house.wait(days=9)

    assert told(house, FINN) == told(house, HANA) == []
    assert any("questions" in text for text in told(house, OWNER))


async def test_who_was_not_chosen_and_comes_anew_is_of_the_team(
    house: BotHarness, ana: Lead
) -> None:
    await starts_with(ana, [BEN, CHIARA, DEV, EMI])
    await house.wait(days=2)
    house.slack.leave(LAUNCH, FINN)
    await house.settle()
    unheard(house, comes=FINN)
    house.slack.core.events.hold()
    house.slack.leave(LAUNCH, HANA)
    house.slack.join(LAUNCH, HANA)
    await house.slack.core.events.release(backwards=True)
    await house.settle()
    await house.wait(days=7)

    for user_id in (FINN, HANA):
        assert any("questions" in text for text in told(house, user_id))


async def test_a_coming_from_before_the_phase_is_told_late(house: BotHarness, ana: Lead) -> None:
    house.slack.core.events.hold()
    house.slack.leave(LAUNCH, FINN)
    house.slack.join(LAUNCH, FINN)
    await house.wait(minutes=1)
    await starts_with(ana, [BEN, CHIARA, DEV, EMI])
    await house.slack.core.events.release()
    await house.settle()

    await house.wait(days=9)
    assert told(house, FINN) == []
