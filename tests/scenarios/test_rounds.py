"""A round in Slack: asking, answering, changing, skipping and closing."""

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from bot.db import schema
from bot.rounds import ballots
from bot.rounds.lifecycle import plan_rounds
from tests.harness import ANA, BEN, CHIARA, GENERAL, GUEST, LAUNCH, MEMBERS, WORKSPACE, BotHarness
from tests.rounds.round_rows import NOW, a_phase, the_phase
from tests.taps import (
    buttons_in,
    newest_message,
    share_answers,
    shown_text,
    tap,
    values_by_block,
    write_comment,
)

TUESDAY_EVENING = datetime(2026, 11, 24, 20, tzinfo=UTC)
COMMENT = "The importer is late & nobody says so"


@pytest.fixture
async def round_open(harness: BotHarness) -> BotHarness:
    """A phase started on Monday, on Tuesday evening: everyone has the first questions."""
    async with harness.bot.db.transaction() as tx:
        await a_phase(tx)
        await plan_rounds(tx, WORKSPACE, await the_phase(tx), NOW)
    await harness.travel_to(TUESDAY_EVENING)
    return harness


async def close(harness: BotHarness) -> None:
    await harness.wait(days=3)


async def ballot_count(harness: BotHarness) -> int:
    async with harness.bot.db.reading() as reader:
        return await reader.scalar(select(func.count()).select_from(ballots.TABLES[0])) or 0


def prefilled(harness: BotHarness, user_id: str) -> tuple[str, list[str]]:
    """Return the comment and the levels with which the open form is filled."""
    view = harness.slack.as_user(user_id).top_view
    assert view is not None
    inputs = [block["element"] for block in view["blocks"] if block["type"] == "input"]
    (comment,) = [one.get("initial_value", "") for one in inputs if "max_length" in one]
    chosen = [one["initial_option"]["value"] for one in inputs if "initial_option" in one]
    return comment, chosen


async def has_enough(harness: BotHarness) -> bool | None:
    """Return whether the first round had enough answers."""
    async with harness.bot.db.reading() as reader:
        found: bool | None = await reader.scalar(
            select(schema.rounds.c.reached_minimum).order_by(schema.rounds.c.number).limit(1)
        )
        return found


async def test_everyone_is_asked_at_nine_local_time(round_open: BotHarness) -> None:
    for user_id in MEMBERS:
        (message,) = round_open.slack.as_user(user_id).dm_with_bot()
        zone = round_open.slack.workspace.users[user_id].tz
        posted_at = datetime.fromtimestamp(float(message["ts"]), UTC)
        assert message["text"].startswith("Three quick questions about the start")
        assert posted_at.astimezone(ZoneInfo(zone or "UTC")).hour == 9
    assert newest_message(round_open, ANA)["text"].startswith("Your own view")
    assert round_open.slack.as_user(GUEST).dm_with_bot() == []


async def test_questions_fold_as_they_are_answered_and_end_as_the_receipt(
    round_open: BotHarness,
) -> None:
    await tap(round_open, BEN, trust=2)

    message = newest_message(round_open, BEN)
    assert "Trust under pressure ✓" in shown_text(message)
    assert "rounds.tap.trust.2" not in buttons_in(message)
    assert {"rounds.tap.clarity.1", "rounds.tap.ego.5", "rounds.change"} <= buttons_in(message)

    await tap(round_open, BEN, clarity=5, ego=1)

    message = newest_message(round_open, BEN)
    assert message["text"].startswith("Thanks, that's it.")
    assert not any(action.startswith("rounds.tap") for action in buttons_in(message))
    assert await ballot_count(round_open) == 1


async def test_tap_is_stored_before_it_is_acknowledged(round_open: BotHarness) -> None:
    await round_open.slack.as_user(BEN).click("rounds.tap.clarity.2")

    assert await ballot_count(round_open) == 1


async def test_first_questions_say_who_added_the_person_and_why_and_later_ones_do_not(
    round_open: BotHarness,
) -> None:
    first = newest_message(round_open, BEN)
    await round_open.travel_to(datetime(2026, 12, 1, 20, tzinfo=UTC))
    second = newest_message(round_open, BEN)

    assert "Ana added you to a results sprint" in shown_text(first)
    assert "Ship the beta" in shown_text(first)
    assert "rounds.do_not_ask" in buttons_in(first)
    assert second["ts"] != first["ts"]
    assert "added you" not in shown_text(second)
    assert "rounds.do_not_ask" not in buttons_in(second)


async def test_member_who_asked_not_to_be_asked_here_gets_no_more_questions(
    round_open: BotHarness,
) -> None:
    ben = round_open.slack.as_user(BEN)
    await ben.click("rounds.do_not_ask")
    await round_open.settle()
    told = ben.visible(ben.direct_message.id)[-1] if ben.direct_message else {}
    await round_open.travel_to(datetime(2026, 12, 1, 20, tzinfo=UTC))

    assert "You won't be asked in" in str(told)
    texts = [message["text"] for message in ben.dm_with_bot()]
    assert sum(text.startswith("Three quick questions") for text in texts) == 0
    assert len(round_open.slack.as_user(CHIARA).dm_with_bot()) > len(texts)


async def test_comment_has_a_form_of_its_own_and_keeps_the_answers(
    round_open: BotHarness,
) -> None:
    await tap(round_open, BEN, clarity=2)
    await write_comment(round_open, BEN, COMMENT)

    assert COMMENT not in shown_text(newest_message(round_open, BEN))
    await round_open.slack.as_user(BEN).click("rounds.change")
    assert prefilled(round_open, BEN) == (COMMENT, ["2"])


async def test_change_reopens_the_saved_answer_and_keeps_a_single_ballot(
    round_open: BotHarness,
) -> None:
    await tap(round_open, BEN, clarity=2)
    ben = round_open.slack.as_user(BEN)

    await ben.click("rounds.change")
    view = ben.top_view
    assert view is not None
    assert prefilled(round_open, BEN) == ("", ["2"])
    await ben.fill(view["id"], values_by_block(view["blocks"], clarity="4", trust="3"))
    submitted = await ben.submit()
    await round_open.settle()

    assert submitted.errors == {}
    assert ben.top_view is None
    assert await ballot_count(round_open) == 1
    await ben.click("rounds.change")
    assert prefilled(round_open, BEN) == ("", ["4", "3"])


async def test_lead_chooses_who_sees_their_answers(round_open: BotHarness) -> None:
    await tap(round_open, ANA, ego=3)
    await share_answers(round_open, ANA)
    await tap(round_open, ANA, trust=4)
    ana = round_open.slack.as_user(ANA)
    await ana.click("rounds.comment")

    view = ana.top_view
    assert view is not None
    (box,) = (block for block in view["blocks"] if block.get("block_id", "").endswith(":share"))
    assert [option["value"] for option in box["element"]["initial_options"]] == ["yes"]


async def test_lead_who_skips_before_the_scheduled_time_is_not_asked(harness: BotHarness) -> None:
    async with harness.bot.db.transaction() as tx:
        await a_phase(tx)
        await plan_rounds(tx, WORKSPACE, await the_phase(tx), NOW)
    await harness.travel_to(
        datetime(2026, 11, 24, 7, tzinfo=UTC)
    )  # open, but before nine in Lisbon
    ana = harness.slack.as_user(ANA)
    await ana.open_home()
    await harness.settle()
    assert ana.home is not None
    await ana.click("home.skip", view_id=ana.home["id"])
    await harness.travel_to(TUESDAY_EVENING)

    assert ana.dm_with_bot() == []


async def test_empty_form_is_refused_and_a_comment_alone_is_accepted(
    round_open: BotHarness,
) -> None:
    await round_open.slack.as_user(BEN).click("rounds.skip")
    await round_open.settle()
    ben = round_open.slack.as_user(BEN)
    await ben.click("rounds.change")
    (error,) = set((await ben.submit()).errors.values())
    assert "No answer is chosen" in error

    view = ben.top_view
    assert view is not None
    await ben.fill(view["id"], values_by_block(view["blocks"], comment=COMMENT))
    assert (await ben.submit()).errors == {}
    await ben.click("rounds.change")
    assert prefilled(round_open, BEN) == (COMMENT, [])


async def test_skip_is_confirmed_and_stops_the_reminder(round_open: BotHarness) -> None:
    await round_open.slack.as_user(BEN).click("rounds.skip")
    await round_open.wait(days=1)

    assert [message["text"][:8] for message in round_open.slack.as_user(BEN).dm_with_bot()] == [
        "Skipped."
    ]
    assert len(round_open.slack.as_user(CHIARA).dm_with_bot()) == 2


async def test_reminder_is_answered_in_place_and_both_messages_fold(
    round_open: BotHarness,
) -> None:
    await round_open.wait(days=1)
    await tap(round_open, CHIARA, clarity=5, trust=5, ego=5)
    await round_open.wait(seconds=5)

    chiara = round_open.slack.as_user(CHIARA)
    assert len(chiara.dm_with_bot()) == 2
    assert {message["text"][:6] for message in chiara.dm_with_bot()} == {"Thanks"}


async def test_unfinished_answers_stop_the_reminder_and_are_counted(
    round_open: BotHarness,
) -> None:
    for user_id in MEMBERS[:5]:
        await tap(round_open, user_id, ego=4)
    await round_open.wait(days=1)
    assert len(round_open.slack.as_user(BEN).dm_with_bot()) == 1

    await close(round_open)
    assert await has_enough(round_open)


async def test_closing_a_round_deletes_ballots_and_notifies_everyone(
    round_open: BotHarness,
) -> None:
    for user_id in MEMBERS[:5]:
        await write_comment(round_open, user_id, COMMENT)
        await tap(round_open, user_id, clarity=2, trust=4, ego=5)
    await close(round_open)

    assert await has_enough(round_open)
    assert await ballot_count(round_open) == 0
    for user_id in MEMBERS:
        first = round_open.slack.as_user(user_id).dm_with_bot()[0]
        assert first["text"] == f"The questions about <#{LAUNCH}> are closed."


async def test_closed_round_refuses_answers(round_open: BotHarness) -> None:
    await tap(round_open, BEN, clarity=2)
    ben = round_open.slack.as_user(BEN)
    await ben.click("rounds.change")
    view = ben.top_view
    assert view is not None
    await close(round_open)

    submitted = await ben.submit()

    assert "These questions are closed" in json.dumps(submitted.errors)


async def test_forged_press_in_another_persons_message_changes_nothing(
    round_open: BotHarness,
) -> None:
    theirs = newest_message(round_open, CHIARA)
    direct = round_open.slack.as_user(CHIARA).direct_message
    assert direct is not None
    button = next(
        element
        for block in theirs["blocks"]
        if block["type"] == "actions"
        for element in block["elements"]
        if element["action_id"] == "rounds.skip"
    )
    container = {"type": "message", "channel_id": direct.id, "message_ts": theirs["ts"]}
    action = {"type": "button", "action_id": "rounds.skip", "value": button["value"]}

    await round_open.slack.as_user(BEN).act(container, action)
    await round_open.settle()

    assert await ballot_count(round_open) == 0


async def test_lost_replacement_is_recovered_by_an_edit(round_open: BotHarness) -> None:
    round_open.slack.faults.fail_next("response_url", status=500, times=3)
    await tap(round_open, BEN, clarity=2, trust=2, ego=2)
    assert "rounds.tap.ego.2" in buttons_in(newest_message(round_open, BEN))

    await round_open.wait(seconds=5)

    assert newest_message(round_open, BEN)["text"].startswith("Thanks")
    assert await ballot_count(round_open) == 1


async def test_poll_is_refused_too_soon_without_a_phase_or_to_a_non_lead(
    round_open: BotHarness,
) -> None:
    ana, ben = round_open.slack.as_user(ANA), round_open.slack.as_user(BEN)

    soon = await ana.command("/imbalance poll", LAUNCH)
    nowhere = await ana.command("/imbalance poll", GENERAL)
    not_a_lead = await ben.command("/imbalance poll", LAUNCH)

    assert "You can ask again from" in soon.text
    assert "No phase is running" in nowhere.text
    assert "Only this phase's leads" in not_a_lead.text


async def test_poll_asks_every_member_once(round_open: BotHarness) -> None:
    await round_open.travel_to(datetime(2026, 11, 30, 10, tzinfo=UTC))

    reply = await round_open.slack.as_user(ANA).command("/imbalance poll", LAUNCH)
    await round_open.wait(hours=20)

    assert "7 people are asked" in reply.text
    for user_id in MEMBERS:
        texts = [message["text"] for message in round_open.slack.as_user(user_id).dm_with_bot()]
        assert sum("as it is now" in text for text in texts) == 1
