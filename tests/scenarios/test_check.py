"""The check: one optional question more, of which only the team's median answer is shown."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from bot.checks.model import CHECK_KEY
from bot.db import schema
from bot.promises import store as promise_store
from bot.promises.model import PromiseOutcome
from bot.workspaces.rules import WorkspaceSettings
from tests.harness import ANA, BEN, MEMBERS, WORKSPACE, BotHarness
from tests.rounds.round_rows import PHASE, a_person, a_workspace
from tests.scenarios.lead import Lead
from tests.scenarios.test_results import (
    answer,
    blocks_json,
    reply_to_team,
    start_phase,
    thread_replies,
)
from tests.scenarios.test_results import latest_dm as newest
from tests.taps import buttons_in, shown_text, tap, tap_all, values_by_block

CHANGE = "When a review waits a day, I will take it."
FIRST = datetime(2026, 11, 24, 20, tzinfo=UTC)
BEFORE_TEAM_RESULTS = datetime(2026, 11, 27, 9, tzinfo=UTC)
SECOND, THIRD, FOURTH = (FIRST + timedelta(weeks=weeks) for weeks in (1, 2, 3))
AFTER_THIRD = datetime(2026, 12, 11, 10, 1, tzinfo=UTC)
#: The levels by which the answers are stored; 0 in a button is "can't say".
YES, PARTLY, NO, CANNOT_SAY = 1, 2, 3, 0
PROTECTING = {"stakes": "Two customers decide.", "protected": "Weekends and 1:1s."}


@pytest.fixture
async def promised(harness: BotHarness) -> BotHarness:
    """The third round of a phase, open; in the first one, the lead promised a change."""
    async with harness.bot.db.transaction() as tx:
        await a_person(tx, ANA)
    await start_phase(harness, promise=PROTECTING)
    await harness.travel_to(FIRST)
    await answer(harness, 5, clarity=4, trust=4, ego=5, comment="")
    await harness.travel_to(BEFORE_TEAM_RESULTS)
    await reply_to_team(harness, CHANGE)
    await harness.travel_to(THIRD)
    return harness


async def answer_checks(harness: BotHarness, levels: Sequence[int]) -> None:
    """Let one member each answer the three questions, then the check."""
    for user_id, level in zip(MEMBERS, levels, strict=False):
        await tap_all(harness, user_id, 4)
        await tap(harness, user_id, check=level)


def check_button(harness: BotHarness, user_id: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the place of a person's newest message, and the first button under its check."""
    person, message = harness.slack.as_user(user_id), newest(harness, user_id)
    assert person.direct_message is not None
    (row,) = [block for block in message["blocks"] if block.get("block_id", "").endswith(":check")]
    place = {
        "type": "message",
        "channel_id": person.direct_message.id,
        "message_ts": message["ts"],
    }
    return place, {**row["elements"][0], "block_id": row["block_id"]}


async def outcome(harness: BotHarness) -> PromiseOutcome | None:
    async with harness.bot.db.reading() as reader:
        (promise,) = await promise_store.of_phase(reader, WORKSPACE, PHASE)
    return promise.outcome


async def stored_checks(harness: BotHarness) -> list[tuple[Any, ...]]:
    rounds = schema.rounds
    query = select(rounds.c.check_kind, rounds.c.check_outcome).order_by(rounds.c.number)
    async with harness.bot.db.reading() as reader:
        return [tuple(row) for row in await reader.execute(query)]


async def test_team_says_two_rounds_later_whether_the_promise_happened(
    promised: BotHarness,
) -> None:
    question = newest(promised, BEN)
    assert "Did this happen? “When a review" in shown_text(question)
    assert not any("check" in name for name in buttons_in(newest(promised, ANA)))

    await answer_checks(promised, [YES, YES, YES, NO, NO])
    assert "The promise ✓" in shown_text(newest(promised, BEN))
    await promised.travel_to(AFTER_THIRD)

    results = thread_replies(promised)[-1]
    assert f"Did this happen? “{CHANGE}” *Yes*, said the team." in blocks_json(results)
    assert await outcome(promised) is PromiseOutcome.KEPT
    assert promised.slack.problems == []


async def test_answers_that_disagree_by_half_are_partly(promised: BotHarness) -> None:
    await answer_checks(promised, [YES, YES, NO, NO, CANNOT_SAY, NO, YES])
    await promised.travel_to(AFTER_THIRD)

    assert await outcome(promised) is PromiseOutcome.PARTLY


async def test_cannot_say_does_not_count_towards_the_minimum(promised: BotHarness) -> None:
    await answer_checks(promised, [YES, YES, YES, CANNOT_SAY, CANNOT_SAY])
    await promised.travel_to(AFTER_THIRD)

    results = blocks_json(thread_replies(promised)[-1])
    assert "*Clear and doable:* 4 of 5" in results
    assert "said the team" not in results
    assert await outcome(promised) is PromiseOutcome.UNKNOWN


async def test_check_alone_never_shows_anything(promised: BotHarness) -> None:
    """Five answer the check, and nobody the questions: the round is below its minimum."""
    for user_id in MEMBERS[:5]:
        await tap(promised, user_id, check=NO)
    await promised.travel_to(AFTER_THIRD)

    assert "said the team" not in blocks_json(thread_replies(promised)[-1])
    assert (await stored_checks(promised))[-1] == ("promise", None)


async def test_check_that_nobody_answers_shows_nothing_and_is_not_asked_again(
    promised: BotHarness,
) -> None:
    for user_id in MEMBERS[:5]:
        await tap_all(promised, user_id, 4)
    assert newest(promised, BEN)["text"].startswith("Thanks, that's it.")
    assert f"Did this happen? “{CHANGE}”" in shown_text(newest(promised, BEN))
    await promised.travel_to(AFTER_THIRD)
    assert "said the team" not in blocks_json(thread_replies(promised)[-1])
    assert await outcome(promised) is PromiseOutcome.UNKNOWN

    await promised.travel_to(FOURTH)
    assert "Did this happen?" not in shown_text(newest(promised, BEN))


async def test_tap_after_the_questions_have_closed_is_refused_and_changes_nothing(
    promised: BotHarness,
) -> None:
    place, press = check_button(promised, BEN)
    await answer_checks(promised, [YES] * 5)
    await promised.travel_to(AFTER_THIRD)

    await promised.slack.as_user(BEN).act(place, press)
    await promised.settle()

    shown = promised.slack.as_user(BEN).visible(place["channel_id"])
    assert any("These questions are closed" in message["text"] for message in shown)
    assert await outcome(promised) is PromiseOutcome.KEPT


async def test_check_is_answered_in_app_home_too_after_the_questions(promised: BotHarness) -> None:
    ben = promised.slack.as_user(BEN)
    await ben.open_home()
    await promised.settle()
    for name in ("clarity.4", "trust.4", "ego.4", f"check.{NO}"):
        assert ben.home is not None
        await ben.click(f"home.tap.{name}", view_id=ben.home["id"])
        await promised.settle()

    assert ben.home is not None
    assert "Did this happen?" not in str(ben.home["blocks"])
    assert "The promise ✓" in shown_text(newest(promised, BEN))


async def test_check_can_be_answered_before_and_after_the_questions_and_changed(
    promised: BotHarness,
) -> None:
    await tap(promised, BEN, check=NO)
    assert "The promise ✓" in shown_text(newest(promised, BEN))
    assert "rounds.tap.check.1" not in buttons_in(newest(promised, BEN))
    await tap_all(promised, BEN, 4)

    ben = promised.slack.as_user(BEN)
    await ben.click("rounds.change")
    view = ben.top_view
    assert view is not None
    (chosen,) = [
        block["element"]["initial_option"]["text"]["text"]
        for block in view["blocks"]
        if block.get("block_id", "").endswith(":check")
    ]
    assert chosen == "No"
    await ben.fill(view["id"], values_by_block(view["blocks"], check="1"))
    await ben.submit()
    for user_id in MEMBERS[1:4]:
        await tap_all(promised, user_id, 4)
        await tap(promised, user_id, check=YES)
    await promised.travel_to(AFTER_THIRD)

    assert await outcome(promised) is PromiseOutcome.KEPT


async def test_forged_levels_and_answers_of_leads_are_refused(promised: BotHarness) -> None:
    place, press = check_button(promised, BEN)
    for level in (4, 5):
        forged = {**press, "action_id": f"rounds.tap.check.{level}"}
        await promised.slack.as_user(BEN).act(place, forged)
    ana, message = promised.slack.as_user(ANA), newest(promised, ANA)
    assert ana.direct_message is not None
    place |= {"channel_id": ana.direct_message.id, "message_ts": message["ts"]}
    await ana.act(place, press)
    await promised.settle()

    for user_id in (BEN, ANA):
        assert "✓" not in shown_text(newest(promised, user_id))
    async with promised.bot.db.reading() as reader:
        answers = list(await reader.scalars(select(schema.reflections.c.answers)))
    assert not any(CHECK_KEY in given for given in answers)


async def test_workspace_can_switch_checks_off(harness: BotHarness) -> None:
    async with harness.bot.db.transaction() as tx:
        await a_workspace(tx, WorkspaceSettings(asks_checks=False))
    await start_phase(harness, promise=PROTECTING)
    for at in (FIRST, SECOND, THIRD):
        await harness.travel_to(at)
        assert not any("check" in name for name in buttons_in(newest(harness, BEN)))

    assert await stored_checks(harness) == [(None, None)] * 3


async def test_room_to_recover_is_asked_first_after_the_end(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    await harness.travel_to(datetime(2026, 12, 21, 20, tzinfo=UTC))

    assert "Is there room to recover?" in shown_text(newest(harness, BEN))
    kinds = [kind for kind, _ in await stored_checks(harness)]
    assert kinds[0] is None
    assert kinds.index("recovery") == len(kinds) - 1
