"""A round in Slack: asking, answering, changing, skipping and closing."""

import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from bot.db import schema
from bot.rounds import ballots
from bot.rounds.lifecycle import plan_rounds
from tests.harness import ANA, BEN, CHIARA, GENERAL, GUEST, LAUNCH, MEMBERS, WORKSPACE, BotHarness
from tests.rounds.round_rows import NOW, a_phase, the_phase

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


def latest_dm(harness: BotHarness, user_id: str) -> dict[str, Any]:
    """Return the newest direct message from the bot to this person."""
    return harness.slack.as_user(user_id).dm_with_bot()[-1]


def values_by_block(blocks: list[dict[str, Any]], **values: Any) -> dict[str, Any]:
    """Return the values by block id; the keywords are the last parts of the block ids."""
    inputs = [block["block_id"] for block in blocks if block["type"] == "input"]
    return {name: values[key] for name in inputs if (key := name.split(":")[-1]) in values}


async def send(harness: BotHarness, user_id: str, **values: Any) -> None:
    typed = values_by_block(latest_dm(harness, user_id)["blocks"], **values)
    await harness.slack.as_user(user_id).click("rounds.send", values=typed)
    await harness.settle()


async def close(harness: BotHarness) -> None:
    await harness.wait(days=3)


async def ballot_count(harness: BotHarness) -> int:
    async with harness.bot.db.reading() as reader:
        return await reader.scalar(select(func.count()).select_from(ballots.TABLES[0])) or 0


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
        assert message["text"].startswith("Three questions about the start")
        assert posted_at.astimezone(ZoneInfo(zone or "UTC")).hour == 9
    assert latest_dm(round_open, ANA)["text"].startswith("Your own view")
    assert round_open.slack.as_user(GUEST).dm_with_bot() == []


async def test_send_saves_the_ballot_and_replaces_the_questions_with_a_receipt(
    round_open: BotHarness,
) -> None:
    await send(round_open, BEN, clarity="2", ego="5", comment=COMMENT)

    message = latest_dm(round_open, BEN)
    assert message["text"].startswith("Received.")
    assert [block["type"] for block in message["blocks"]] == ["section", "actions"]
    assert await ballot_count(round_open) == 1


async def test_change_reopens_the_saved_answer_and_keeps_a_single_ballot(
    round_open: BotHarness,
) -> None:
    await send(round_open, BEN, clarity="2", comment=COMMENT)
    ben = round_open.slack.as_user(BEN)

    await ben.click("rounds.change")
    view = ben.top_view
    assert view is not None
    assert COMMENT in json.dumps(view)
    await ben.fill(view["id"], values_by_block(view["blocks"], clarity="4", trust="3"))
    submitted = await ben.submit()
    await round_open.settle()

    assert submitted.errors == {}
    assert ben.top_view is None
    assert await ballot_count(round_open) == 1


async def test_share_tick_of_a_lead_is_carried_into_the_form(round_open: BotHarness) -> None:
    await send(round_open, ANA, share=["yes"])

    view = round_open.slack.as_user(ANA).top_view
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


async def test_send_without_a_level_opens_the_form_and_saves_nothing(
    round_open: BotHarness,
) -> None:
    await send(round_open, BEN, comment=COMMENT)
    ben = round_open.slack.as_user(BEN)
    view = ben.top_view
    assert view is not None
    assert COMMENT in json.dumps(view)
    assert await ballot_count(round_open) == 0

    await ben.fill(view["id"], values_by_block(view["blocks"], clarity="4"))
    await ben.submit()
    await round_open.settle()

    assert await ballot_count(round_open) == 1
    assert latest_dm(round_open, BEN)["text"].startswith("Received.")


async def test_empty_form_is_refused_and_a_comment_alone_is_accepted(
    round_open: BotHarness,
) -> None:
    await send(round_open, BEN)
    ben = round_open.slack.as_user(BEN)
    view = ben.top_view
    assert view is not None
    (error,) = set((await ben.submit()).errors.values())
    assert "no answer is chosen" in error
    assert await ballot_count(round_open) == 0

    view = ben.top_view
    assert view is not None
    await ben.fill(view["id"], values_by_block(view["blocks"], comment=COMMENT))
    await ben.submit()
    await round_open.settle()

    assert await ballot_count(round_open) == 1
    assert latest_dm(round_open, BEN)["text"].startswith("Received.")


async def test_skip_is_confirmed_and_stops_the_reminder(round_open: BotHarness) -> None:
    await round_open.slack.as_user(BEN).click("rounds.skip")
    await round_open.wait(days=1)

    assert [message["text"][:8] for message in round_open.slack.as_user(BEN).dm_with_bot()] == [
        "Skipped."
    ]
    assert len(round_open.slack.as_user(CHIARA).dm_with_bot()) == 2


async def test_reminder_button_opens_the_form(round_open: BotHarness) -> None:
    await round_open.wait(days=1)
    chiara = round_open.slack.as_user(CHIARA)
    await chiara.click("rounds.change")
    view = chiara.top_view
    assert view is not None
    await chiara.fill(view["id"], values_by_block(view["blocks"], trust="5"))
    await chiara.submit()
    await round_open.settle()

    assert {message["text"][:9] for message in chiara.dm_with_bot()} == {"Received."}


async def test_closing_a_round_deletes_ballots_and_notifies_everyone(
    round_open: BotHarness,
) -> None:
    for user_id in MEMBERS[:5]:
        await send(round_open, user_id, clarity="2", trust="4", ego="5", comment=COMMENT)
    await close(round_open)

    assert await has_enough(round_open)
    assert await ballot_count(round_open) == 0
    for user_id in MEMBERS:
        first = round_open.slack.as_user(user_id).dm_with_bot()[0]
        assert first["text"] == f"The questions about <#{LAUNCH}> are closed."


async def test_answers_never_appear_in_messages(round_open: BotHarness) -> None:
    """Companies can export messages, so every call that writes one is searched."""
    for user_id in MEMBERS[:5]:
        await send(round_open, user_id, clarity="2", trust="4", ego="5", comment=COMMENT)
    await round_open.slack.as_user(BEN).click("rounds.change")
    await round_open.slack.as_user(BEN).close()
    before_results = [call for call in round_open.slack.calls if call.method != "views.open"]

    written = json.dumps([call.args for call in before_results], default=str)
    assert COMMENT not in written
    assert "initial_option" not in written
    assert "selected_option" not in written


async def test_closed_round_refuses_answers(round_open: BotHarness) -> None:
    await send(round_open, BEN, clarity="2")
    ben = round_open.slack.as_user(BEN)
    await ben.click("rounds.change")
    view = ben.top_view
    assert view is not None
    await close(round_open)

    submitted = await ben.submit()

    assert "these questions are closed" in json.dumps(submitted.errors)


async def test_forged_press_in_another_persons_message_changes_nothing(
    round_open: BotHarness,
) -> None:
    theirs = latest_dm(round_open, CHIARA)
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


async def test_lost_receipt_is_recovered_by_an_edit(round_open: BotHarness) -> None:
    round_open.slack.faults.fail_next("response_url", status=500)
    await send(round_open, BEN, clarity="2")

    assert latest_dm(round_open, BEN)["text"].startswith("Received.")
    assert await ballot_count(round_open) == 1


async def test_poll_is_refused_too_soon_without_a_phase_or_to_a_non_lead(
    round_open: BotHarness,
) -> None:
    ana, ben = round_open.slack.as_user(ANA), round_open.slack.as_user(BEN)

    soon = await ana.command("/imbalance poll", LAUNCH)
    nowhere = await ana.command("/imbalance poll", GENERAL)
    not_a_lead = await ben.command("/imbalance poll", LAUNCH)

    assert "You can ask again from" in soon.text
    assert "No phase runs" in nowhere.text
    assert "Only this phase's leads" in not_a_lead.text


async def test_poll_asks_every_member_once(round_open: BotHarness) -> None:
    await round_open.travel_to(datetime(2026, 11, 30, 10, tzinfo=UTC))

    reply = await round_open.slack.as_user(ANA).command("/imbalance poll", LAUNCH)
    await round_open.wait(hours=20)

    assert "7 people are asked" in reply.text
    for user_id in MEMBERS:
        texts = [message["text"] for message in round_open.slack.as_user(user_id).dm_with_bot()]
        assert sum("as it is now" in text for text in texts) == 1
