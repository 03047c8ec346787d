"""People who left the channel while the bot was down and the phase's end came."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from bot.db import schema
from tests.harness import ANA, BEN, CHIARA, HANA, LAUNCH, BotHarness
from tests.scenarios.lead import CLEAR, SPRINT, Lead
from tests.scenarios.screen import call_count, dm_texts

ENDS_AT = datetime(2026, 12, 7, 17, tzinfo=UTC)


async def start_with_co_lead(ana: Lead) -> None:
    await ana.harness.settle()
    await ana.types("results 2w")
    await ana.sends(**CLEAR)
    await ana.me.click("phase.start.more")
    await ana.sends(**SPRINT, **{"start.co_leads": [HANA]})
    assert await ana.sends() == {}


@pytest.mark.parametrize("down_for", [timedelta(minutes=6), timedelta(hours=70)])
async def test_member_and_lead_who_left_before_a_late_end_hear_nothing_of_it(
    harness: BotHarness, ana: Lead, down_for: timedelta
) -> None:
    await start_with_co_lead(ana)
    await harness.travel_to(ENDS_AT - timedelta(minutes=3))
    before = {user_id: dm_texts(harness, user_id) for user_id in (ANA, BEN, CHIARA, HANA)}

    harness.slack.core.events.hold()
    harness.slack.leave(LAUNCH, BEN)
    harness.slack.leave(LAUNCH, HANA)
    harness.clock.move_to(harness.clock.now() + down_for)
    await harness.settle()  # the bot is back before Slack reports who left
    await harness.slack.core.events.release()
    await harness.wait(days=6)

    fresh = {user_id: dm_texts(harness, user_id)[len(before[user_id]) :] for user_id in before}
    assert fresh[BEN] == fresh[HANA] == []
    assert any("has ended. What came of it?" in text for text in fresh[ANA])
    assert any("has wrapped up" in text for text in fresh[CHIARA])


@pytest.mark.parametrize("is_slack_down", [False, True])
async def test_late_closing_reads_the_channel_but_does_not_wait_for_slack(
    harness: BotHarness, ana: Lead, is_slack_down: bool
) -> None:
    """Without Slack's answer a lead who left may still get the results: nobody knows of it."""
    await start_with_co_lead(ana)
    await harness.travel_to(datetime(2026, 11, 24, 20, tzinfo=UTC))
    async with harness.bot.db.reading() as reader:
        closes_at = (await reader.execute(select(schema.rounds.c.closes_at))).scalar_one()
    before = len(dm_texts(harness, HANA))

    harness.slack.core.events.hold()
    harness.slack.leave(LAUNCH, HANA)
    if is_slack_down:
        harness.slack.faults.fail_next("conversations.members", status=500)
    harness.clock.move_to(closes_at + timedelta(minutes=6))
    await harness.settle()

    async with harness.bot.db.reading() as reader:
        assert await reader.scalar(select(schema.rounds.c.state)) == "closed"
    assert len(dm_texts(harness, HANA)) == before + is_slack_down
    assert any("not enough answers" in text for text in dm_texts(harness, ANA))
    await harness.slack.core.events.release()


async def test_end_on_time_asks_slack_for_nobody(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    await harness.travel_to(ENDS_AT - timedelta(minutes=3))
    before = call_count(harness, "conversations.members")

    await harness.travel_to(ENDS_AT)

    assert call_count(harness, "conversations.members") == before
    assert call_count(harness, "pins.remove") == 1


async def follow_up_round_opens(harness: BotHarness) -> datetime:
    """Let the phase end, and the round two weeks later open; return when that closes."""
    rounds = schema.rounds
    open_after = select(rounds.c.closes_at).where(
        rounds.c.kind == "after", rounds.c.state == "open"
    )
    while True:
        due = await harness.bot.next_due()
        assert due is not None
        await harness.travel_to(due)
        async with harness.bot.db.reading() as reader:
            if (closes_at := await reader.scalar(open_after)) is not None:
                return closes_at


@pytest.mark.parametrize("is_down", [False, True])
async def test_lead_who_left_after_the_end_gets_no_results_of_the_follow_up_round(
    harness: BotHarness, ana: Lead, is_down: bool
) -> None:
    await start_with_co_lead(ana)
    closes_at = await follow_up_round_opens(harness)
    await harness.travel_to(closes_at - timedelta(minutes=3))
    before = len(dm_texts(harness, HANA))
    if is_down:
        harness.slack.core.events.hold()
    harness.slack.leave(LAUNCH, HANA)
    if is_down:
        harness.clock.move_to(closes_at + timedelta(minutes=6))
    else:
        await harness.settle()
        await harness.travel_to(closes_at)
    await harness.wait(days=4)

    assert any("after the end" in text for text in dm_texts(harness, ANA))
    fresh = dm_texts(harness, HANA)[before:]
    assert [text for text in fresh if "after the end" in text] == []
    if is_down:
        await harness.slack.core.events.release()
