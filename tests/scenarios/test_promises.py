"""The promise loop: a reply to the results, two rounds later whether it happened, and where."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from bot.db import schema
from bot.results import reply_form
from tests.harness import ANA, BEN, HANA, LAUNCH, MEMBERS, WORKSPACE, BotHarness
from tests.rounds.round_rows import a_person
from tests.scenarios.lead import Lead, shown
from tests.scenarios.requests import SUBMITTED, VIEW, post_signed
from tests.scenarios.requests import form as interaction
from tests.scenarios.test_results import (
    AFTER_TEAM_RESULTS,
    BEFORE_TEAM_RESULTS,
    TUESDAY_EVENING,
    answer,
    blocks_json,
    latest_dm,
    reply_to_team,
    results_to_ana,
    start_phase,
    thread_replies,
)
from tests.taps import tap, tap_all

CHANGE = "When a review waits a day, I will take it."
THIRD_ROUND = TUESDAY_EVENING + timedelta(weeks=2)
BEFORE_THIRD_RESULTS = BEFORE_TEAM_RESULTS + timedelta(weeks=2)
AFTER_THIRD_RESULTS = AFTER_TEAM_RESULTS + timedelta(weeks=2)
OTHER = "T0OTHER"
#: The level by which this answer to the check is stored.
PARTLY = 2


@pytest.fixture
async def round_closed(harness: BotHarness) -> BotHarness:
    """A round of two leads whose results only they have read."""
    return await close_first_round(harness)


async def close_first_round(harness: BotHarness) -> BotHarness:
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


async def test_form_left_open_until_newer_results_is_refused_at_its_field(
    round_closed: BotHarness,
) -> None:
    lead = Lead(round_closed)
    await lead.me.click("results.reply")
    await round_closed.travel_to(TUESDAY_EVENING + timedelta(days=10))

    errors = await lead.sends(**{"results.reply.change": CHANGE})

    assert "Newer results are out." in errors["results.reply.change"]
    assert await stored_texts(round_closed) == []
    assert "No lead replied to these results." in blocks_json(results_to_ana(round_closed))


async def test_reply_to_the_last_results_is_taken_after_the_end(round_closed: BotHarness) -> None:
    lead = Lead(round_closed)
    await lead.me.click("results.reply")
    async with round_closed.bot.db.transaction() as tx:
        await tx.execute(
            update(schema.phases).values(state="ended", ended_at=round_closed.clock.now())
        )

    assert await lead.sends(**{"results.reply.change": CHANGE}) == {}
    await round_closed.travel_to(AFTER_TEAM_RESULTS)

    assert CHANGE in blocks_json(thread_replies(round_closed)[0])


@pytest.mark.parametrize(("workspace_id", "stored"), [(WORKSPACE, [(None, CHANGE)]), (OTHER, [])])
async def test_form_for_a_round_of_another_workspace_saves_nothing(
    harness_over_http: BotHarness, workspace_id: str, stored: list[tuple[str | None, str]]
) -> None:
    harness = await close_first_round(harness_over_http)
    async with harness.bot.db.reading() as reader:
        round_id = await reader.scalar(select(schema.rounds.c.round_id))
    chosen = {"value": "change", "text": {"type": "plain_text", "text": "One change"}}
    values = {
        reply_form.HEARD: {reply_form.HEARD_TEXT: {"value": None}},
        reply_form.CHOICE: {reply_form.CHOSEN: {"selected_option": chosen}},
        reply_form.BLOCK: {reply_form.CHANGE_TEXT: {"value": CHANGE}},
    }
    submission = {
        **SUBMITTED,
        "team": {"id": workspace_id, "domain": "example"},
        "user": {"id": ANA, "team_id": workspace_id},
        "view": {
            **VIEW,
            "team_id": workspace_id,
            "callback_id": reply_form.FORM,
            "private_metadata": round_id,
            "blocks": [{"type": "input", "block_id": block_id} for block_id in values],
            "state": {"values": values},
        },
    }

    await post_signed(harness, interaction(submission))
    await harness.settle()

    assert await stored_texts(harness) == stored


async def answer_check(harness: BotHarness, level: int) -> None:
    for user_id in MEMBERS[:5]:
        await tap_all(harness, user_id, 4)
        await tap(harness, user_id, check=level)


async def home(harness: BotHarness, user_id: str) -> str:
    person = harness.slack.as_user(user_id)
    await person.open_home()
    await harness.settle()
    return json.dumps(person.home, ensure_ascii=False)


async def history(harness: BotHarness, user_id: str = BEN) -> str:
    person = Lead(harness, user_id)
    await person.me.command("/imbalance history", LAUNCH)
    page = shown(person.blocks)
    await person.me.close()
    return page


async def test_outcome_stands_under_the_promise_once_the_team_reads_the_results_of_the_check(
    round_closed: BotHarness,
) -> None:
    await reply_to_team(round_closed, CHANGE)
    await round_closed.travel_to(THIRD_ROUND)
    await answer_check(round_closed, level=PARTLY)
    promised_in = thread_replies(round_closed)[0]["ts"]

    await round_closed.travel_to(BEFORE_THIRD_RESULTS)
    assert "partly kept" not in json.dumps(thread_replies(round_closed))
    assert "*Promises kept:* 0 of 1 (1 not checked)" in await history(round_closed)
    # Leads have the results of the check a working day before the team, like all results.
    assert f"• {CHANGE} · partly kept" in await home(round_closed, ANA)
    assert "partly kept" not in await home(round_closed, HANA)

    await round_closed.travel_to(AFTER_THIRD_RESULTS)
    first, *later = thread_replies(round_closed)
    assert first["ts"] == promised_in
    assert "The team was asked whether this happened: *partly kept*." in blocks_json(first)
    assert "image" in [block["type"] for block in first["blocks"]]
    assert "partly kept" not in json.dumps(later)
    assert "asked whether this happened: *partly kept*" in blocks_json(results_to_ana(round_closed))
    assert "*Promises kept:* 0 of 1 (1 partly kept)" in await history(round_closed)

    ana = Lead(round_closed)
    await ana.me.command("/imbalance end", LAUNCH)
    assert await ana.sends(milestone_outcome="hit", outcome="The beta is out.") == {}
    closing = blocks_json(round_closed.slack.as_user(BEN).visible(LAUNCH)[-1])
    assert f"Ana promised: {CHANGE} · partly kept" in closing
    assert round_closed.slack.problems == []


async def test_too_few_answers_to_the_check_are_said_under_the_promise(
    round_closed: BotHarness,
) -> None:
    await reply_to_team(round_closed, CHANGE)
    await round_closed.travel_to(AFTER_THIRD_RESULTS)

    first = blocks_json(thread_replies(round_closed)[0])
    assert "asked whether this happened: *too few answers to say*" in first
