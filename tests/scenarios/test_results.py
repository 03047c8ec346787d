"""Results in Slack: first to the leads in private, then to the team in the thread."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import func, select

from bot.db import schema
from bot.outbox import enqueue
from bot.outbox.keys import MessageKey
from bot.rounds.lifecycle import plan_rounds
from bot.slack.content import content, section
from tests.harness import ANA, BEN, LAUNCH, MEMBERS, WORKSPACE, BotHarness
from tests.rounds.round_rows import NOW, PHASE, a_phase, the_phase
from tests.scenarios.lead import count
from tests.taps import tap, write_comment

TUESDAY_EVENING = datetime(2026, 11, 24, 20, tzinfo=UTC)
#: Friday morning in Lisbon; the team gets the results at ten.
BEFORE_TEAM_RESULTS = datetime(2026, 11, 27, 9, tzinfo=UTC)
AFTER_TEAM_RESULTS = datetime(2026, 11, 27, 10, 1, tzinfo=UTC)
COMMENT = "The importer is late & nobody says so"
NOTE = "You said the importer is late. <!channel> It waits until January."


async def start_phase(harness: BotHarness, **changed: object) -> None:
    async with harness.bot.db.transaction() as tx:
        await a_phase(tx, **changed)  # type: ignore[arg-type]
        await plan_rounds(tx, WORKSPACE, await the_phase(tx), NOW)
        announcement = content("Results sprint", section("Results sprint"))
        key = f"announcement:{PHASE}"
        await enqueue.post(
            tx, WORKSPACE, key=MessageKey(key), to=LAUNCH, content=announcement, now=NOW
        )


async def answer(harness: BotHarness, count: int, *, comment: str = COMMENT, **levels: int) -> None:
    """Let the first `count` members tap the same levels and write a comment."""
    for user_id in MEMBERS[:count]:
        if comment:
            await write_comment(harness, user_id, comment)
        await tap(harness, user_id, **levels)


@pytest.fixture
async def round_open(harness: BotHarness) -> BotHarness:
    await start_phase(harness)
    await harness.travel_to(TUESDAY_EVENING)
    return harness


@pytest.fixture
async def round_closed(round_open: BotHarness) -> BotHarness:
    await answer(round_open, 5, clarity=2, trust=4, ego=5)
    await round_open.travel_to(BEFORE_TEAM_RESULTS)
    return round_open


def latest_dm(harness: BotHarness, user_id: str) -> dict[str, Any]:
    return harness.slack.as_user(user_id).dm_with_bot()[-1]


def thread_replies(harness: BotHarness) -> list[dict[str, Any]]:
    """Return the replies to the announcement that Ben can see."""
    seen = harness.slack.as_user(BEN).visible(LAUNCH)
    return [one for one in seen if one.get("thread_ts", one["ts"]) != one["ts"]]


def blocks_json(message: dict[str, Any]) -> str:
    return json.dumps(message["blocks"], ensure_ascii=False)


async def save_note(harness: BotHarness, text: str, user_id: str = ANA) -> None:
    blocks = latest_dm(harness, user_id)["blocks"]
    (box,) = [block["block_id"] for block in blocks if block["type"] == "input"]
    await harness.slack.as_user(user_id).click("results.save_note", values={box: text})
    await harness.settle()


async def test_lead_gets_levels_chart_and_comments_before_the_team(
    round_closed: BotHarness,
) -> None:
    message = latest_dm(round_closed, ANA)

    assert message["text"] == f"Start in <#{LAUNCH}>: the results, for the leads first."
    assert "people asked" not in blocks_json(message)
    assert "Mostly unclear (2 of 5)" in blocks_json(message)
    assert blocks_json(message).count("nobody says so") == 5
    (picture,) = [block for block in message["blocks"] if block["type"] == "image"]
    assert "Levels from 1 to 5." in picture["alt_text"]
    assert thread_replies(round_closed) == []


async def test_team_gets_results_with_the_note_a_working_day_later(
    round_closed: BotHarness,
) -> None:
    await save_note(round_closed, NOTE)
    assert "Saved by" in blocks_json(latest_dm(round_closed, ANA))
    assert "image" in [block["type"] for block in latest_dm(round_closed, ANA)["blocks"]]

    await round_closed.travel_to(AFTER_TEAM_RESULTS)

    (message,) = thread_replies(round_closed)
    assert message["text"] == f"Start in <#{LAUNCH}>: the results."
    assert "&lt;!channel&gt; It waits until January." in blocks_json(message)
    assert "nobody says so" not in blocks_json(message)
    assert "image" in [block["type"] for block in message["blocks"]]
    assert "input" not in [block["type"] for block in latest_dm(round_closed, ANA)["blocks"]]
    assert "nobody says so" in blocks_json(latest_dm(round_closed, ANA))


async def test_note_is_sanitized_and_an_empty_note_is_refused(round_closed: BotHarness) -> None:
    await save_note(round_closed, "  We \u202estop\u202c the importer. \n")
    await save_note(round_closed, " \u200b\n ")

    assert "the box is empty" in str(latest_dm(round_closed, ANA))
    async with round_closed.bot.db.reading() as reader:
        notes = list(await reader.scalars(select(schema.rounds.c.note)))
    assert notes == ["We stop the importer."]


async def test_team_gets_results_without_a_note(round_closed: BotHarness) -> None:
    await round_closed.travel_to(AFTER_TEAM_RESULTS)

    (message,) = thread_replies(round_closed)
    assert "No note from Ana" in blocks_json(message)


async def test_note_is_shown_with_the_next_questions(round_closed: BotHarness) -> None:
    await save_note(round_closed, NOTE)
    await round_closed.travel_to(datetime(2026, 12, 1, 20, tzinfo=UTC))

    assert "It waits until January." in blocks_json(latest_dm(round_closed, BEN))


async def test_late_empty_or_non_lead_note_is_not_saved(
    round_closed: BotHarness,
) -> None:
    before = latest_dm(round_closed, ANA)
    ana, ben = round_closed.slack.as_user(ANA), round_closed.slack.as_user(BEN)
    await ana.click("results.save_note")
    assert "the box is empty" in latest_dm(round_closed, ANA)["text"]

    direct = ana.direct_message
    assert direct is not None
    place = {"type": "message", "channel_id": direct.id, "message_ts": before["ts"]}
    button = next(block for block in before["blocks"] if block["type"] == "actions")["elements"][0]
    press = {"type": "button", "action_id": "results.save_note", "value": button["value"]}
    await ben.act(place, press)
    await round_closed.travel_to(AFTER_TEAM_RESULTS)
    await ana.act(place, press)
    await round_closed.settle()

    async with round_closed.bot.db.reading() as reader:
        assert await reader.scalar(select(func.count(schema.rounds.c.note))) == 0


async def test_results_are_sent_without_the_chart_if_the_upload_fails(
    round_open: BotHarness,
) -> None:
    await answer(round_open, 5, clarity=2, trust=4, ego=5)
    upload = "files.getUploadURLExternal"
    round_open.slack.faults.fail_next(upload, error="file_uploads_disabled", times=9)
    await round_open.travel_to(BEFORE_TEAM_RESULTS)

    message = latest_dm(round_open, ANA)
    assert "Mostly unclear (2 of 5)" in blocks_json(message)
    assert "image" not in [block["type"] for block in message["blocks"]]


async def test_too_few_answers_are_neither_shown_nor_stored(round_open: BotHarness) -> None:
    await answer(round_open, 3, clarity=1, trust=1, ego=1)
    await round_open.travel_to(AFTER_TEAM_RESULTS)

    to_lead = latest_dm(round_open, ANA)
    assert (
        to_lead["text"] == f"Start in <#{LAUNCH}>: not enough answers to keep everyone anonymous."
    )
    (message,) = thread_replies(round_open)
    assert "nothing was kept" in blocks_json(message)
    assert COMMENT not in blocks_json(to_lead) + blocks_json(message)
    async with round_open.bot.db.reading() as reader:
        for table in (schema.question_levels, schema.round_comments):
            assert await reader.scalar(select(func.count()).select_from(table)) == 0


async def test_comments_are_deleted_with_their_channel(round_closed: BotHarness) -> None:
    """The channel is archived before the team gets the results, and deleted later."""
    assert await count(round_closed, schema.round_comments) == 5
    round_closed.slack.archive(LAUNCH)
    await round_closed.settle()
    await round_closed.travel_to(AFTER_TEAM_RESULTS)
    assert await count(round_closed, schema.round_comments) == 5
    round_closed.slack.delete_channel(LAUNCH)
    await round_closed.settle()

    assert await count(round_closed, schema.round_comments) == 0


async def test_team_sees_comments_if_the_phase_allows_it(harness: BotHarness) -> None:
    await start_phase(harness, comments_to="team")
    await harness.travel_to(TUESDAY_EVENING)
    await answer(harness, 5, clarity=2, trust=4, ego=5)
    await harness.travel_to(AFTER_TEAM_RESULTS)

    (message,) = thread_replies(harness)
    assert blocks_json(message).count("nobody says so") == 5
