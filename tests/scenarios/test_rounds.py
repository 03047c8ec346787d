"""The questions as people meet them in Slack: asked, sent, changed, skipped, closed."""

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
async def asked(harness: BotHarness) -> BotHarness:
    """A phase began on Monday; by Tuesday evening everyone has the first questions."""
    async with harness.bot.db.transaction() as tx:
        await a_phase(tx)
        await plan_rounds(tx, WORKSPACE, await the_phase(tx), NOW)
    await harness.travel_to(TUESDAY_EVENING)
    return harness


def message_of(harness: BotHarness, user_id: str) -> dict[str, Any]:
    """The newest message in this person's conversation with the bot."""
    return harness.slack.as_user(user_id).dm_with_bot()[-1]


def chosen(blocks: list[dict[str, Any]], **values: Any) -> dict[str, Any]:
    """Values by block id, for inputs named by what they ask."""
    inputs = [block["block_id"] for block in blocks if block["type"] == "input"]
    return {name: values[key] for name in inputs if (key := name.split(":")[-1]) in values}


async def send(harness: BotHarness, user_id: str, **values: Any) -> None:
    values_by_block = chosen(message_of(harness, user_id)["blocks"], **values)
    await harness.slack.as_user(user_id).click("rounds.send", values=values_by_block)
    await harness.settle()


async def close(harness: BotHarness) -> None:
    await harness.wait(days=3)


async def ballots_left(harness: BotHarness) -> int:
    async with harness.bot.db.reading() as reader:
        return await reader.scalar(select(func.count()).select_from(ballots.TABLES[0])) or 0


async def answered(harness: BotHarness) -> int | None:
    async with harness.bot.db.reading() as reader:
        found: int | None = await reader.scalar(
            select(schema.rounds.c.answered).order_by(schema.rounds.c.number).limit(1)
        )
        return found


async def test_everyone_is_asked_in_their_own_morning(asked: BotHarness) -> None:
    for user_id in MEMBERS:
        (message,) = asked.slack.as_user(user_id).dm_with_bot()
        zone = asked.slack.workspace.users[user_id].tz
        said_at = datetime.fromtimestamp(float(message["ts"]), UTC)
        assert message["text"].startswith("Three questions about the start")
        assert said_at.astimezone(ZoneInfo(zone or "UTC")).hour == 9
    assert message_of(asked, ANA)["text"].startswith("Your own view")
    assert asked.slack.as_user(GUEST).dm_with_bot() == []


async def test_send_is_saved_and_the_receipt_takes_the_place_of_the_questions(
    asked: BotHarness,
) -> None:
    await send(asked, BEN, clarity="2", ego="5", comment=COMMENT)

    message = message_of(asked, BEN)
    assert message["text"].startswith("Received.")
    assert [block["type"] for block in message["blocks"]] == ["section", "actions"]
    assert await ballots_left(asked) == 1


async def test_change_opens_what_was_sent_and_keeps_what_is_new(asked: BotHarness) -> None:
    await send(asked, BEN, clarity="2", comment=COMMENT)
    ben = asked.slack.as_user(BEN)

    await ben.click("rounds.change")
    view = ben.top_view
    assert view is not None
    assert COMMENT in json.dumps(view)
    await ben.fill(view["id"], chosen(view["blocks"], clarity="4", trust="3"))
    submitted = await ben.submit()
    await asked.settle()

    assert submitted.errors == {}
    assert ben.top_view is None
    assert await ballots_left(asked) == 1


async def test_a_leads_tick_is_taken_along_into_the_form(asked: BotHarness) -> None:
    await send(asked, ANA, share=["yes"])

    view = asked.slack.as_user(ANA).top_view
    assert view is not None
    (box,) = (block for block in view["blocks"] if block.get("block_id", "").endswith(":share"))
    assert [option["value"] for option in box["element"]["initial_options"]] == ["yes"]


async def test_a_lead_who_skips_before_their_hour_is_not_asked(harness: BotHarness) -> None:
    async with harness.bot.db.transaction() as tx:
        await a_phase(tx)
        await plan_rounds(tx, WORKSPACE, await the_phase(tx), NOW)
    await harness.travel_to(datetime(2026, 11, 24, 7, tzinfo=UTC))  # open, and not nine in Lisbon
    ana = harness.slack.as_user(ANA)
    await ana.open_home()
    await harness.settle()
    assert ana.home is not None
    await ana.click("home.skip", view_id=ana.home["id"])
    await harness.travel_to(TUESDAY_EVENING)

    assert ana.dm_with_bot() == []


async def test_send_with_nothing_chosen_opens_the_form_and_saves_nothing(asked: BotHarness) -> None:
    await send(asked, BEN, comment=COMMENT)
    ben = asked.slack.as_user(BEN)
    view = ben.top_view
    assert view is not None
    assert COMMENT in json.dumps(view)
    assert await ballots_left(asked) == 0

    await ben.fill(view["id"], chosen(view["blocks"], clarity="4"))
    await ben.submit()
    await asked.settle()

    assert await ballots_left(asked) == 1
    assert message_of(asked, BEN)["text"].startswith("Received.")


async def test_a_form_with_nothing_in_it_is_refused_and_a_comment_alone_is_taken(
    asked: BotHarness,
) -> None:
    await send(asked, BEN)
    ben = asked.slack.as_user(BEN)
    view = ben.top_view
    assert view is not None
    (error,) = set((await ben.submit()).errors.values())
    assert "no answer is chosen" in error
    assert await ballots_left(asked) == 0

    view = ben.top_view
    assert view is not None
    await ben.fill(view["id"], chosen(view["blocks"], comment=COMMENT))
    await ben.submit()
    await asked.settle()

    assert await ballots_left(asked) == 1
    assert message_of(asked, BEN)["text"].startswith("Received.")


async def test_skip_says_so_and_stops_the_reminder(asked: BotHarness) -> None:
    await asked.slack.as_user(BEN).click("rounds.skip")
    await asked.wait(days=1)

    assert [message["text"][:8] for message in asked.slack.as_user(BEN).dm_with_bot()] == [
        "Skipped."
    ]
    assert len(asked.slack.as_user(CHIARA).dm_with_bot()) == 2


async def test_a_reminder_leads_to_the_form(asked: BotHarness) -> None:
    await asked.wait(days=1)
    chiara = asked.slack.as_user(CHIARA)
    await chiara.click("rounds.change")
    view = chiara.top_view
    assert view is not None
    await chiara.fill(view["id"], chosen(view["blocks"], trust="5"))
    await chiara.submit()
    await asked.settle()

    assert {message["text"][:9] for message in chiara.dm_with_bot()} == {"Received."}


async def test_at_the_close_only_totals_stay_and_everyone_is_told(asked: BotHarness) -> None:
    for user_id in MEMBERS[:5]:
        await send(asked, user_id, clarity="2", trust="4", ego="5", comment=COMMENT)
    await close(asked)

    assert await answered(asked) == 5
    assert await ballots_left(asked) == 0
    for user_id in MEMBERS:
        first = asked.slack.as_user(user_id).dm_with_bot()[0]
        assert first["text"] == f"The questions about <#{LAUNCH}> are closed."


async def test_no_answer_ever_entered_a_message(asked: BotHarness) -> None:
    """Companies can export messages: every call that writes one is searched."""
    for user_id in MEMBERS[:5]:
        await send(asked, user_id, clarity="2", trust="4", ego="5", comment=COMMENT)
    await asked.slack.as_user(BEN).click("rounds.change")
    await asked.slack.as_user(BEN).close()
    before_results = [call for call in asked.slack.calls if call.method != "views.open"]

    written = json.dumps([call.args for call in before_results], default=str)
    assert COMMENT not in written
    assert "initial_option" not in written
    assert "selected_option" not in written


async def test_a_closed_round_takes_nothing_more(asked: BotHarness) -> None:
    await send(asked, BEN, clarity="2")
    ben = asked.slack.as_user(BEN)
    await ben.click("rounds.change")
    view = ben.top_view
    assert view is not None
    await close(asked)

    submitted = await ben.submit()

    assert "these questions are closed" in json.dumps(submitted.errors)


async def test_a_forged_press_in_another_persons_message_changes_nothing(asked: BotHarness) -> None:
    theirs = message_of(asked, CHIARA)
    direct = asked.slack.as_user(CHIARA).direct_message
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

    await asked.slack.as_user(BEN).act(container, action)
    await asked.settle()

    assert await ballots_left(asked) == 0


async def test_a_lost_receipt_is_repaired_by_an_edit(asked: BotHarness) -> None:
    asked.slack.faults.fail_next("response_url", status=500)
    await send(asked, BEN, clarity="2")

    assert message_of(asked, BEN)["text"].startswith("Received.")
    assert await ballots_left(asked) == 1


async def test_poll_is_refused_where_it_makes_no_sense(asked: BotHarness) -> None:
    ana, ben = asked.slack.as_user(ANA), asked.slack.as_user(BEN)

    soon = await ana.command("/imbalance poll", LAUNCH)
    nowhere = await ana.command("/imbalance poll", GENERAL)
    not_a_lead = await ben.command("/imbalance poll", LAUNCH)

    assert "two within five days" in soon.text
    assert "no phase runs" in nowhere.text
    assert "only the leads" in not_a_lead.text


async def test_poll_asks_everyone_within_their_hours(asked: BotHarness) -> None:
    await asked.travel_to(datetime(2026, 11, 30, 10, tzinfo=UTC))

    told = await asked.slack.as_user(ANA).command("/imbalance poll", LAUNCH)
    await asked.wait(hours=20)

    assert "7 people are asked" in told.text
    for user_id in MEMBERS:
        texts = [message["text"] for message in asked.slack.as_user(user_id).dm_with_bot()]
        assert sum("as it is now" in text for text in texts) == 1
