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
from tests.scenarios.lead import Lead, count
from tests.scenarios.screen import press
from tests.taps import tap, write_comment

TUESDAY_EVENING = datetime(2026, 11, 24, 20, tzinfo=UTC)
#: Friday morning in Lisbon; the team gets the results at ten.
BEFORE_TEAM_RESULTS = datetime(2026, 11, 27, 9, tzinfo=UTC)
AFTER_TEAM_RESULTS = datetime(2026, 11, 27, 10, 1, tzinfo=UTC)
AFTER_LINKS = datetime(2026, 11, 27, 10, 5, tzinfo=UTC)
COMMENT = "The importer is late & nobody says so"
NOTE = "The importer is late. <!channel> It waits until January."


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


def results_to_ana(harness: BotHarness) -> dict[str, Any]:
    """Return the newest results that Ana got, the comments after them left out."""
    messages = harness.slack.as_user(ANA).dm_with_bot()
    return [one for one in messages if "First results" in one["text"]][-1]


def texts_to(harness: BotHarness, user_id: str) -> str:
    return json.dumps(harness.slack.as_user(user_id).dm_with_bot(), ensure_ascii=False)


def latest_dm(harness: BotHarness, user_id: str) -> dict[str, Any]:
    return harness.slack.as_user(user_id).dm_with_bot()[-1]


def thread_replies(harness: BotHarness) -> list[dict[str, Any]]:
    """Return the replies to the announcement that Ben can see."""
    seen = harness.slack.as_user(BEN).visible(LAUNCH)
    return [one for one in seen if one.get("thread_ts", one["ts"]) != one["ts"]]


def blocks_json(message: dict[str, Any]) -> str:
    return json.dumps(message["blocks"], ensure_ascii=False)


async def reply_to_team(harness: BotHarness, text: str, user_id: str = ANA) -> dict[str, str]:
    """Press *Reply to the Team*, and send this; return the form's errors."""
    lead = Lead(harness, user_id)
    await lead.me.click("results.reply")
    return await lead.sends(**{"results.reply.change": text})


async def test_lead_gets_levels_chart_and_comments_before_the_team(
    round_closed: BotHarness,
) -> None:
    message = results_to_ana(round_closed)

    assert message["text"] == f"First results in <#{LAUNCH}>, for the leads first"
    assert "people asked" not in blocks_json(message)
    assert "*Clear and doable:* 2 of 5" in blocks_json(message)
    (picture,) = [block for block in message["blocks"] if block["type"] == "image"]
    assert "Clear and doable: First 2." in picture["alt_text"]
    comments = latest_dm(round_closed, ANA)
    assert comments["text"] == "Comments, shuffled and without names"
    assert blocks_json(comments).count("nobody says so") == 5
    assert thread_replies(round_closed) == []


async def test_team_gets_results_with_the_reply_a_working_day_later(
    round_closed: BotHarness,
) -> None:
    assert await reply_to_team(round_closed, NOTE) == {}
    assert "Written by" in blocks_json(results_to_ana(round_closed))
    assert "image" in [block["type"] for block in results_to_ana(round_closed)["blocks"]]

    await round_closed.travel_to(AFTER_TEAM_RESULTS)

    (message,) = thread_replies(round_closed)
    assert message["text"] == f"First results in <#{LAUNCH}>"
    assert (
        f"First answers in <#{LAUNCH}>: room for mistakes is strong (5 of 5), "
        "clarity is the weak spot (2)." in blocks_json(message)
    )
    assert "&lt;!channel&gt; It waits until January." in blocks_json(message)
    assert "nobody says so" not in blocks_json(message)
    assert "image" in [block["type"] for block in message["blocks"]]
    assert "Your team has read this" in blocks_json(results_to_ana(round_closed))


async def test_results_also_stand_in_the_channel_of_the_team(round_closed: BotHarness) -> None:
    await round_closed.travel_to(AFTER_LINKS)

    (message,) = thread_replies(round_closed)
    assert message["subtype"] == "thread_broadcast"
    assert "First results" not in texts_to(round_closed, BEN)


async def test_results_in_a_crowded_channel_stand_in_the_thread_and_members_get_the_link(
    round_closed: BotHarness,
) -> None:
    round_closed.slack.crowd(LAUNCH, 12)
    await round_closed.travel_to(AFTER_LINKS)

    (message,) = thread_replies(round_closed)
    assert "subtype" not in message
    place = f"/archives/{LAUNCH}/p{message['ts'].replace('.', '')}|Read them in the thread>"
    for user_id in (BEN, MEMBERS[6]):  # one answered, the other did not
        edited = latest_dm(round_closed, user_id)
        assert edited["text"] == f"First results in <#{LAUNCH}>"
        assert place in blocks_json(edited)
    assert "Read them" not in texts_to(round_closed, ANA)

    await round_closed.travel_to(datetime(2026, 12, 1, 20, tzinfo=UTC))
    first, *_ = latest_dm(round_closed, BEN)["blocks"]
    assert "|Read the last results>" in first["text"]["text"]


async def test_members_get_the_link_to_results_that_slack_refused_at_first(
    round_closed: BotHarness,
) -> None:
    round_closed.slack.crowd(LAUNCH, 12)
    round_closed.slack.restrict(LAUNCH)
    await round_closed.travel_to(AFTER_LINKS)
    assert thread_replies(round_closed) == []
    assert "First results" not in texts_to(round_closed, BEN)
    round_closed.slack.restrict(LAUNCH, "")
    (paused,) = [m for m in round_closed.slack.as_user(ANA).dm_with_bot() if "paused" in m["text"]]

    await press(round_closed, ANA, "phases.try_again", paused)
    await round_closed.wait(hours=1)

    assert len(thread_replies(round_closed)) == 1
    assert "|Read them in the thread>" in texts_to(round_closed, BEN)


async def test_results_are_posted_where_slack_gives_no_link_to_them(
    round_closed: BotHarness,
) -> None:
    round_closed.slack.crowd(LAUNCH, 12)
    round_closed.slack.faults.fail_next("chat.getPermalink", error="unknown_method")
    await round_closed.travel_to(AFTER_LINKS)

    assert len(thread_replies(round_closed)) == 1
    assert "Read them" not in texts_to(round_closed, BEN)
    await round_closed.travel_to(datetime(2026, 12, 1, 20, tzinfo=UTC))
    assert "Read the last results" not in texts_to(round_closed, BEN)


async def test_reply_after_the_team_has_read_the_results_is_added_to_them(
    round_closed: BotHarness,
) -> None:
    await round_closed.travel_to(AFTER_TEAM_RESULTS)
    (message,) = thread_replies(round_closed)
    assert "What Ana heard, and what changes*\\nAna hasn't replied yet." in blocks_json(message)

    assert await reply_to_team(round_closed, NOTE) == {}

    (message,) = thread_replies(round_closed)
    assert "It waits until January." in blocks_json(message)
    assert "hasn't replied yet" not in blocks_json(message)
    assert "image" in [block["type"] for block in message["blocks"]]
    assert message["subtype"] == "thread_broadcast"
    assert "Your team has read this" in blocks_json(results_to_ana(round_closed))


async def test_anyone_in_the_channel_can_open_the_small_print(round_closed: BotHarness) -> None:
    await round_closed.travel_to(AFTER_TEAM_RESULTS)
    (message,) = thread_replies(round_closed)
    assert "Totals only" not in blocks_json(message)

    ben = Lead(round_closed, BEN)
    await ben.me.click("results.about", channel=LAUNCH, ts=message["ts"])

    assert ben.page == "About These Numbers"
    assert "Totals only, rounded, from 4 answers on." in str(ben.blocks)


async def test_reply_is_sanitized_and_an_empty_one_is_refused(round_closed: BotHarness) -> None:
    await reply_to_team(round_closed, "  We \u202estop\u202c the importer. \n")
    errors = await reply_to_team(round_closed, " \u200b\n ")

    assert "This is still empty" in errors["results.reply.change"]
    async with round_closed.bot.db.reading() as reader:
        notes = list(await reader.scalars(select(schema.promises.c.text)))
    assert notes == ["We stop the importer."]


async def test_reply_is_shown_with_the_next_questions(round_closed: BotHarness) -> None:
    await reply_to_team(round_closed, NOTE)
    await round_closed.travel_to(datetime(2026, 12, 1, 20, tzinfo=UTC))

    assert "It waits until January." in blocks_json(latest_dm(round_closed, BEN))
    assert "Read the last results" not in blocks_json(latest_dm(round_closed, BEN))


async def test_only_leads_can_reply_and_only_until_the_team_has_read_a_reply(
    round_closed: BotHarness,
) -> None:
    message = results_to_ana(round_closed)
    ana, ben = round_closed.slack.as_user(ANA), round_closed.slack.as_user(BEN)
    direct = ana.direct_message
    assert direct is not None
    place = {"type": "message", "channel_id": direct.id, "message_ts": message["ts"]}
    (button,) = next(b for b in message["blocks"] if b["type"] == "actions")["elements"]
    press = {"type": "button", "action_id": "results.reply", "value": button["value"]}
    await ben.act(place, press)
    assert ben.top_view is None
    await reply_to_team(round_closed, NOTE)
    await ana.act(place, press)  # the form is open while the team gets the results
    await round_closed.travel_to(AFTER_TEAM_RESULTS)

    errors = await Lead(round_closed).sends(**{"results.reply.change": "Too late"})

    assert "Your team has read the reply" in errors["results.reply.change"]
    async with round_closed.bot.db.reading() as reader:
        assert await reader.scalar(select(schema.promises.c.text)) == NOTE


async def test_results_are_sent_without_the_chart_if_the_upload_fails(
    round_open: BotHarness,
) -> None:
    await answer(round_open, 5, clarity=2, trust=4, ego=5)
    upload = "files.getUploadURLExternal"
    round_open.slack.faults.fail_next(upload, error="file_uploads_disabled", times=9)
    await round_open.travel_to(BEFORE_TEAM_RESULTS)

    message = results_to_ana(round_open)
    assert "*Clear and doable:* 2 of 5" in blocks_json(message)
    assert "image" not in [block["type"] for block in message["blocks"]]


async def test_too_few_answers_are_neither_shown_nor_stored(round_open: BotHarness) -> None:
    await answer(round_open, 3, clarity=1, trust=1, ego=1)
    await round_open.travel_to(AFTER_TEAM_RESULTS)

    to_lead = latest_dm(round_open, ANA)
    assert to_lead["text"] == f"First results in <#{LAUNCH}>: not enough answers."
    (message,) = thread_replies(round_open)
    assert "nothing was kept" in blocks_json(message)
    assert "subtype" not in message  # the channel is not told of nothing
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

    message, comments = thread_replies(harness)
    assert "nobody says so" not in blocks_json(message)
    assert blocks_json(comments).count("nobody says so") == 5
    assert "subtype" not in comments  # not in the channel itself
