"""The reply under the results: one change a week, or the reason why nothing changes."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from bot.db import schema
from tests.harness import ANA, BEN, HANA, MEMBERS, BotHarness
from tests.rounds.round_rows import a_person
from tests.scenarios.lead import Lead
from tests.scenarios.test_results import (
    AFTER_TEAM_RESULTS,
    BEFORE_TEAM_RESULTS,
    TUESDAY_EVENING,
    answer,
    blocks_json,
    latest_dm,
    reply_to_team,
    start_phase,
    thread_replies,
)

CHANGE = "When a review waits a day, I will take it."


@pytest.fixture
async def round_closed(harness: BotHarness) -> BotHarness:
    """A round of two leads whose results only they have read."""
    async with harness.bot.db.transaction() as tx:
        await a_person(tx, HANA)
    await start_phase(harness, leads=(ANA, HANA), members=MEMBERS[:-1])
    await harness.travel_to(TUESDAY_EVENING)
    await answer(harness, 5, clarity=2, trust=4, ego=5)
    await harness.travel_to(BEFORE_TEAM_RESULTS)
    return harness


async def stored_texts(harness: BotHarness) -> list[tuple[str | None, str]]:
    async with harness.bot.db.reading() as reader:
        rows = await reader.execute(select(schema.promises.c.heard, schema.promises.c.text))
    return [tuple(row) for row in rows]


async def test_team_reads_the_hardest_thing_heard_and_one_change(round_closed: BotHarness) -> None:
    lead = Lead(round_closed)
    await lead.me.click("results.reply")
    await lead.sends(**{"results.heard": "Nobody dares to say it.", "results.reply.change": CHANGE})
    await round_closed.travel_to(AFTER_TEAM_RESULTS)

    (results,) = thread_replies(round_closed)
    assert "*Ana heard:*\\n>Nobody dares to say it." in blocks_json(results)
    assert f"*Ana promises:*\\n>{CHANGE}" in blocks_json(results)


async def test_reason_why_nothing_changes_is_an_answer_too(round_closed: BotHarness) -> None:
    lead = Lead(round_closed)
    await lead.me.click("results.reply")
    await lead.sends(
        **{"results.choice": "nothing", "results.reply.change": "We have only just started."}
    )
    await round_closed.travel_to(AFTER_TEAM_RESULTS)

    (results,) = thread_replies(round_closed)
    assert "Nothing changes this week, says Ana, because:" in blocks_json(results)
    await round_closed.travel_to(TUESDAY_EVENING + timedelta(days=7))
    assert "We have only just started." in blocks_json(latest_dm(round_closed, BEN))


async def test_second_of_two_leads_who_reply_at_once_is_refused(round_closed: BotHarness) -> None:
    first, second = Lead(round_closed), Lead(round_closed, HANA)
    for lead in (first, second):
        await lead.me.click("results.reply")

    assert await first.sends(**{"results.reply.change": CHANGE}) == {}
    errors = await second.sends(**{"results.reply.change": "I will cancel Monday's meeting."})

    assert "Another lead has already replied" in errors["results.reply.change"]
    assert await stored_texts(round_closed) == [(None, CHANGE)]


@pytest.mark.parametrize("block_id", ["results.heard", "results.reply.change"])
async def test_text_that_is_too_long_is_refused_at_its_field(
    round_closed: BotHarness, block_id: str
) -> None:
    typed = {"results.reply.change": CHANGE, block_id: "&" * 1_001}
    lead = Lead(round_closed)
    await lead.me.click("results.reply")

    errors = await lead.sends(**typed)

    assert "too long" in errors[block_id]
    assert await stored_texts(round_closed) == []


async def test_lead_can_change_their_reply_before_the_team_reads_it(
    round_closed: BotHarness,
) -> None:
    await reply_to_team(round_closed, "First thought")
    await reply_to_team(round_closed, CHANGE)

    assert await stored_texts(round_closed) == [(None, CHANGE)]
