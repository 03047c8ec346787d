"""Results as leads and team meet them in Slack: private first, then in the thread, for everyone."""

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

TUESDAY_EVENING = datetime(2026, 11, 24, 20, tzinfo=UTC)
#: Friday morning in Lisbon; at ten the team reads it.
BEFORE_THE_TEAM = datetime(2026, 11, 27, 9, tzinfo=UTC)
SHOWN = datetime(2026, 11, 27, 10, 1, tzinfo=UTC)
COMMENT = "The importer is late & nobody says so"
NOTE = "You said the importer is late. <!channel> It waits until January."


async def a_phase_runs(harness: BotHarness, **changed: object) -> None:
    async with harness.bot.db.transaction() as tx:
        await a_phase(tx, **changed)  # type: ignore[arg-type]
        await plan_rounds(tx, WORKSPACE, await the_phase(tx), NOW)
        said = content("Results sprint", section("Results sprint"))
        key = f"announcement:{PHASE}"
        await enqueue.post(tx, WORKSPACE, key=MessageKey(key), to=LAUNCH, content=said, now=NOW)


async def answer(harness: BotHarness, count: int, **values: str) -> None:
    """So many of the team press Send with the same answers and a comment."""
    for user_id in MEMBERS[:count]:
        person = harness.slack.as_user(user_id)
        blocks = person.dm_with_bot()[-1]["blocks"]
        inputs = [block["block_id"] for block in blocks if block["type"] == "input"]
        chosen = {**values, "comment": COMMENT}
        typed = {name: chosen[key] for name in inputs if (key := name.split(":")[-1]) in chosen}
        await person.click("rounds.send", values=typed)
    await harness.settle()


@pytest.fixture
async def asked(harness: BotHarness) -> BotHarness:
    await a_phase_runs(harness)
    await harness.travel_to(TUESDAY_EVENING)
    return harness


@pytest.fixture
async def closed(asked: BotHarness) -> BotHarness:
    await answer(asked, 5, clarity="2", trust="4", ego="5")
    await asked.travel_to(BEFORE_THE_TEAM)
    return asked


def last_to(harness: BotHarness, user_id: str) -> dict[str, Any]:
    return harness.slack.as_user(user_id).dm_with_bot()[-1]


def in_thread(harness: BotHarness) -> list[dict[str, Any]]:
    """Replies to the announcement, as Ben sees them."""
    seen = harness.slack.as_user(BEN).visible(LAUNCH)
    return [one for one in seen if one.get("thread_ts", one["ts"]) != one["ts"]]


def read(message: dict[str, Any]) -> str:
    return json.dumps(message["blocks"], ensure_ascii=False)


async def write(harness: BotHarness, text: str, user_id: str = ANA) -> None:
    blocks = last_to(harness, user_id)["blocks"]
    (box,) = [block["block_id"] for block in blocks if block["type"] == "input"]
    await harness.slack.as_user(user_id).click("results.save_note", values={box: text})
    await harness.settle()


async def test_the_lead_reads_levels_picture_and_comments_first(closed: BotHarness) -> None:
    message = last_to(closed, ANA)

    assert message["text"] == f"Start in <#{LAUNCH}>: the results, for the leads first."
    assert "5 of 7 people asked answered." in read(message)
    assert "Mostly unclear (2 of 5)" in read(message)
    assert read(message).count("nobody says so") == 5
    (picture,) = [block for block in message["blocks"] if block["type"] == "image"]
    assert "Levels from 1 to 5." in picture["alt_text"]
    assert in_thread(closed) == []


async def test_the_team_reads_them_a_working_day_later_with_the_note(closed: BotHarness) -> None:
    await write(closed, NOTE)
    assert "Saved by" in read(last_to(closed, ANA))
    assert "image" in [block["type"] for block in last_to(closed, ANA)["blocks"]]

    await closed.travel_to(SHOWN)

    (message,) = in_thread(closed)
    assert message["text"] == f"Start in <#{LAUNCH}>: mostly unclear."
    assert "&lt;!channel&gt; It waits until January." in read(message)
    assert "nobody says so" not in read(message)
    assert "image" in [block["type"] for block in message["blocks"]]
    assert "input" not in [block["type"] for block in last_to(closed, ANA)["blocks"]]
    assert "nobody says so" in read(last_to(closed, ANA))


async def test_a_note_is_cleaned_and_an_empty_one_refused(closed: BotHarness) -> None:
    await write(closed, "  We \u202estop\u202c the importer. \n")
    await write(closed, " \u200b\n ")

    assert "the box is empty" in str(last_to(closed, ANA))
    async with closed.bot.db.reading() as reader:
        notes = list(await reader.scalars(select(schema.rounds.c.note)))
    assert notes == ["We stop the importer."]


async def test_whatever_was_written_the_team_reads_them(closed: BotHarness) -> None:
    await closed.travel_to(SHOWN)

    (message,) = in_thread(closed)
    assert "No note from Ana" in read(message)


async def test_the_note_opens_the_next_questions(closed: BotHarness) -> None:
    await write(closed, NOTE)
    await closed.travel_to(datetime(2026, 12, 1, 20, tzinfo=UTC))

    assert "It waits until January." in read(last_to(closed, BEN))


async def test_too_late_or_not_a_lead_or_empty_is_said_beside_the_button(
    closed: BotHarness,
) -> None:
    before = last_to(closed, ANA)
    ana, ben = closed.slack.as_user(ANA), closed.slack.as_user(BEN)
    await ana.click("results.save_note")
    assert "the box is empty" in last_to(closed, ANA)["text"]

    direct = ana.direct_message
    assert direct is not None
    place = {"type": "message", "channel_id": direct.id, "message_ts": before["ts"]}
    button = next(block for block in before["blocks"] if block["type"] == "actions")["elements"][0]
    press = {"type": "button", "action_id": "results.save_note", "value": button["value"]}
    await ben.act(place, press)
    await closed.travel_to(SHOWN)
    await ana.act(place, press)
    await closed.settle()

    async with closed.bot.db.reading() as reader:
        assert await reader.scalar(select(func.count(schema.rounds.c.note))) == 0


async def test_without_its_picture_the_message_still_comes(asked: BotHarness) -> None:
    await answer(asked, 5, clarity="2", trust="4", ego="5")
    upload = "files.getUploadURLExternal"
    asked.slack.faults.fail_next(upload, error="file_uploads_disabled", times=9)
    await asked.travel_to(BEFORE_THE_TEAM)

    message = last_to(asked, ANA)
    assert "Mostly unclear (2 of 5)" in read(message)
    assert "image" not in [block["type"] for block in message["blocks"]]


async def test_too_few_answers_show_and_leave_nothing(asked: BotHarness) -> None:
    await answer(asked, 3, clarity="1", trust="1", ego="1")
    await asked.travel_to(SHOWN)

    told = last_to(asked, ANA)
    assert told["text"] == f"Start in <#{LAUNCH}>: too few answers to show."
    (message,) = in_thread(asked)
    assert "They are not kept." in read(message)
    assert COMMENT not in read(told) + read(message)
    async with asked.bot.db.reading() as reader:
        for table in (schema.question_levels, schema.round_comments):
            assert await reader.scalar(select(func.count()).select_from(table)) == 0


async def test_comments_die_with_the_channel_they_were_about(closed: BotHarness) -> None:
    """Archived when the team was to read the results, and deleted later."""
    assert await count(closed, schema.round_comments) == 5
    closed.slack.archive(LAUNCH)
    await closed.settle()
    await closed.travel_to(SHOWN)
    assert await count(closed, schema.round_comments) == 5
    closed.slack.delete_channel(LAUNCH)
    await closed.settle()

    assert await count(closed, schema.round_comments) == 0


async def test_the_form_may_choose_that_the_team_reads_comments(harness: BotHarness) -> None:
    await a_phase_runs(harness, comments_to="team")
    await harness.travel_to(TUESDAY_EVENING)
    await answer(harness, 5, clarity="2", trust="4", ego="5")
    await harness.travel_to(SHOWN)

    (message,) = in_thread(harness)
    assert read(message).count("nobody says so") == 5
