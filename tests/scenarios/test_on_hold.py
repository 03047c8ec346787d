"""Work on hold while a phase runs: changed by leads, proposed by members, looked up by all."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from bot.announcement.part_messages import NOT_IN_TEAM, PHASE_OVER
from bot.db import schema
from bot.on_hold import messages, rules
from bot.on_hold.messages import NOT_A_COLLEAGUE
from bot.phases.permissions import CANNOT_POST
from bot.playground.fake_slack.example_workspace import BOT_USER_ID
from bot.playground.fake_slack.workspace_changes import wait_for_delivery
from tests.harness import (
    ANA,
    BEN,
    CHIARA,
    DEV,
    EXTERNAL,
    GUEST,
    HANA,
    LAUNCH,
    OWNER,
    PLATFORM,
    BotHarness,
)
from tests.scenarios.lead import CLEAR, SPRINT, Lead, shown
from tests.scenarios.screen import call_count, dm_texts

LIST, MORE, ACCEPT, DECLINE = (
    "on_hold.open",
    "on_hold.what_else",
    "on_hold.accept",
    "on_hold.decline",
)
CHECK, SHARE = "on_hold.check", "on_hold.share"
DARK_BACK = {"item:0:": "back", "reason": "A customer *needs* it <!here>."}
JANUARY = {"item:0:": "park", "until:0": "2027-01-09"}  # a Saturday
REPORT = {"new.text": "The monthly report"}


@pytest.fixture
async def lead(harness: BotHarness, ana: Lead) -> Lead:
    """Ana, who leads a sprint with one thing on hold: dark mode, which is Ben's."""
    await ana.starts()
    await ana.me.close(everything=True)
    return ana


def announcement(harness: BotHarness) -> dict[str, Any]:
    return next(
        one
        for one in harness.slack.as_user(ANA).visible(LAUNCH)
        if "Results sprint" in one["text"] and not one["ephemeral"]
    )


def replies(harness: BotHarness, to: str | None = None) -> list[dict[str, Any]]:
    """Return the replies to a message, or to the announcement, as everybody sees them."""
    parent = to or announcement(harness)["ts"]
    messages = harness.slack.workspace.messages(LAUNCH)
    return [one for one in messages if one.get("thread_ts") == parent != one["ts"]]


def on_hold(harness: BotHarness) -> str:
    """Return the announcement's lines about work on hold."""
    lines = shown(announcement(harness)["blocks"]).splitlines()
    return "\n".join(line for line in lines if line.startswith(("*On hold", "*Parked")))


async def opens_list(lead: Lead) -> None:
    message = announcement(lead.harness)
    await lead.me.click(MORE, channel=LAUNCH, ts=message["ts"])


async def changes(lead: Lead, **values: Any) -> dict[str, str]:
    await opens_list(lead)
    return await lead.sends(**values)


async def proposes(harness: BotHarness, text: str, user_id: str = BEN) -> Lead:
    """Let a member propose something; their form shows what came of it."""
    member = Lead(harness, user_id)
    await member.me.click(MORE, channel=LAUNCH, ts=announcement(harness)["ts"])
    assert await member.sends(**{"new.text": text}) == {}
    return member


async def answers(lead: Lead, button: str, **values: Any) -> dict[str, str]:
    (proposal,) = [one for one in replies(lead.harness) if button in str(one)]
    await lead.me.click(button, channel=LAUNCH, ts=proposal["ts"])
    return await lead.sends(**values)


async def checks(
    harness: BotHarness, user_id: str, text: str, channel_id: str = LAUNCH
) -> tuple[str, str]:
    """Use the shortcut on a message of Hana's; return its ts and the private answer."""
    message = await harness.slack.as_user(HANA).say(channel_id, text)
    return message["ts"], await looks_up(harness, user_id, message["ts"], channel_id)


async def looks_up(harness: BotHarness, user_id: str, ts: str, channel_id: str = LAUNCH) -> str:
    me = harness.slack.as_user(user_id)
    before = len(me.ephemerals(channel_id))
    answer = await me.use_shortcut(CHECK, channel_id, ts)
    await harness.settle()
    assert answer.status == 200
    (told,) = me.ephemerals(channel_id)[before:]
    return shown(told["blocks"])


async def items(harness: BotHarness) -> list[Any]:
    table = schema.set_aside_items
    async with harness.bot.db.reading() as reader:
        return list(await reader.execute(select(table).order_by(table.c.position)))


# ---------------------------------------------------------------- the list


@pytest.mark.parametrize("place", ["status", "home", "announcement"])
async def test_lead_opens_the_list_from_status_home_and_announcement(
    harness: BotHarness, lead: Lead, place: str
) -> None:
    if place == "status":
        await lead.me.command("/imbalance", LAUNCH)
        await lead.me.click(LIST, channel=LAUNCH)
    elif place == "home":
        await lead.me.open_home()
        await harness.settle()
        await lead.me.click(LIST)
    else:
        await opens_list(lead)

    assert lead.page == "On Hold"
    assert lead.inputs == ["item:0:", "until:0", "reason", "new.text", "new.owner"]
    assert "Dark mode (Ben)" in str(lead.blocks)


async def test_early_return_is_explained_in_the_thread_once_and_shown_at_the_end(
    harness: BotHarness, lead: Lead
) -> None:
    assert await changes(lead, **DARK_BACK, **REPORT, **{"new.owner": CHIARA}) == {}

    assert on_hold(harness) == "*On hold:* The monthly report (Chiara). Back on Tue 8 Dec."
    (reply,) = replies(harness)
    text = shown(reply["blocks"])
    assert "Ana brings this back early:*\n• Dark mode, with Ben" in text
    assert ">A customer \u2060*\u2060needs\u2060*\u2060 it &lt;!here&gt;." in text
    assert not reply.get("reply_broadcast")
    assert "subtype" not in reply

    await lead.me.command("/imbalance end", LAUNCH)
    assert "item" not in str(lead.inputs)
    assert "outcome:0" not in lead.inputs
    await lead.sends(milestone_outcome="hit", outcome="It is out.", **{"outcome:1": "dropped"})
    closing = shown(lead.me.visible(LAUNCH)[-1]["blocks"])
    assert "• Dark mode: brought back early, with <@U0BEN> since Mon 23 Nov." in closing
    assert "• The monthly report: dropped." in closing


async def test_addition_and_parking_change_the_announcement_and_say_nothing(
    harness: BotHarness, lead: Lead
) -> None:
    posts = call_count(harness, "chat.postMessage")
    assert await changes(lead, **JANUARY, **REPORT) == {}

    assert on_hold(harness) == (
        "*On hold:* The monthly report (Ana). Back on Tue 8 Dec.\n"
        "*Parked:* Dark mode (Ben) until Sat 9 Jan 2027."
    )
    assert call_count(harness, "chat.postMessage") == posts


@pytest.mark.parametrize(
    ("typed", "field", "told"),
    [
        ({"item:0:": "back"}, "reason", rules.NO_REASON),
        ({"item:0:": "back", "reason": " \u200b "}, "reason", rules.NO_REASON),
        ({"item:0:": "park"}, "until:0", rules.NO_DAY),
        ({"item:0:": "park", "until:0": "2026-12-07"}, "until:0", "until Mon 7 Dec"),
        ({"new.text": "dark  MODE"}, "new.text", "on the list already"),
        ({"new.text": "x", "new.owner": GUEST}, "new.owner", NOT_A_COLLEAGUE),
    ],
)
async def test_refused_change_says_why_at_its_field_and_changes_nothing(
    harness: BotHarness, lead: Lead, typed: dict[str, str], field: str, told: str
) -> None:
    before, stored = on_hold(harness), await items(harness)
    errors = await changes(lead, **typed)

    assert told in errors[field]
    assert (on_hold(harness), await items(harness), replies(harness)) == (before, stored, [])


async def test_full_list_takes_no_more(harness: BotHarness, lead: Lead) -> None:
    for number in range(1, rules.WAITING_LIMIT):
        assert await changes(lead, **{"new.text": f"Work {number}"}) == {}

    errors = await changes(lead, **{"new.text": "One too many"})

    assert "10 things are on hold already" in errors["new.text"]
    assert on_hold(harness).count("Work") == rules.WAITING_LIMIT - 1
    await lead.me.close(everything=True)
    ben = Lead(harness, BEN)
    await ben.me.click(MORE, channel=LAUNCH, ts=announcement(harness)["ts"])
    assert "10 things are on hold already" in str(await ben.sends(**REPORT))


async def test_second_of_two_leads_who_change_one_item_reads_that_it_changed(
    harness: BotHarness, lead: Lead
) -> None:
    await opens_list(lead)
    other = Lead(harness, OWNER)  # a workspace admin
    await other.me.command("/imbalance", LAUNCH)
    await other.me.click(LIST, channel=LAUNCH)

    sent = await asyncio.gather(lead.sends(**DARK_BACK), other.sends(**JANUARY))

    assert sorted(map(len, sent)) == [0, 1]
    assert rules.CHANGED in str(sent)
    (item,) = await items(harness)
    assert (item.back_on is None) is (item.outcome == "parked")
    assert len(replies(harness)) == (item.outcome == "resumed")


async def test_form_sent_after_the_end_changes_nothing(harness: BotHarness, lead: Lead) -> None:
    await opens_list(lead)
    await harness.wait(days=15)
    before = await items(harness)

    assert PHASE_OVER in str(await lead.sends(**DARK_BACK))
    assert await items(harness) == before


@pytest.mark.parametrize("user_id", [BEN, GUEST])
async def test_only_leads_and_admins_change_the_list(
    harness: BotHarness, lead: Lead, user_id: str
) -> None:
    await lead.me.command("/imbalance", LAUNCH)
    status = lead.me.ephemerals(LAUNCH)[-1]
    (button,) = [
        element
        for block in status["blocks"]
        for element in block.get("elements", [])
        if element.get("action_id") == LIST
    ]
    me = harness.slack.as_user(user_id)
    place = {
        "type": "message",
        "channel_id": LAUNCH,
        "message_ts": announcement(harness)["ts"],
    }
    action = {key: button[key] for key in ("type", "action_id", "value")}
    await me.act(place, {**action, "block_id": "b"})
    await harness.settle()

    assert me.top_view is None
    assert "Talk to Ana" in me.ephemerals(LAUNCH)[-1]["text"]


async def test_list_changes_while_paused_but_nothing_comes_back_unsaid(
    harness: BotHarness, lead: Lead
) -> None:
    await opens_list(lead)
    await wait_for_delivery(harness.slack.leave(LAUNCH, BOT_USER_ID))
    await harness.settle()

    assert CANNOT_POST in str(await lead.sends(**DARK_BACK))
    assert await lead.sends(**{"item:0:": "stay"}, **REPORT) == {}

    assert [item.text for item in await items(harness)] == ["Dark mode", "The monthly report"]
    await wait_for_delivery(harness.slack.join(LAUNCH, BOT_USER_ID))
    await harness.wait(days=1)
    assert "The monthly report (Ana)" in on_hold(harness)


async def test_next_form_copies_what_waited_until_the_end(harness: BotHarness, lead: Lead) -> None:
    more = {f"Work {number}": {"new.text": f"Work {number}"} for number in range(6)}
    for values in more.values():
        assert await changes(lead, **values) == {}
    await changes(lead, **DARK_BACK)
    await harness.wait(days=60)

    await lead.types("results 2w")
    await lead.me.click("phase.start.copy")
    await lead.sends(**CLEAR)

    rows = [lead.typed(name) for name in lead.inputs if name.startswith("start.row.")]
    assert rows == [f"Work {number}" for number in range(5)]
    assert await lead.sends(**{"start.text.ask": SPRINT["start.text.ask"]}) == {}


# ---------------------------------------------------------------- proposals


async def test_accepted_proposal_is_on_hold_and_the_answer_stands_in_the_thread(
    harness: BotHarness, lead: Lead
) -> None:
    ben = await proposes(harness, "The *monthly* report <!channel>")
    assert ben.page == "Proposed"
    (proposal,) = replies(harness)
    assert "<@U0ANA>, *Ben proposes to put this on hold:*\n>The " in shown(proposal["blocks"])
    assert "<!channel>" not in str(proposal)

    assert await answers(lead, ACCEPT, reason="Nobody will miss it.") == {}

    edited, answer = replies(harness)
    assert edited["ts"] == proposal["ts"]
    assert ACCEPT not in str(edited)
    assert "Ana accepted this." in shown(edited["blocks"])
    text = shown(answer["blocks"])
    assert text.startswith("<@U0BEN>: Ana put *The ")
    assert "with Ben. Back on Tue 8 Dec.\n>Nobody will miss it." in text
    assert "report &lt;!channel&gt; (Ben). Back on" in on_hold(harness)
    assert dm_texts(harness, BEN) == dm_texts(harness, ANA) == []


async def test_declined_proposal_is_answered_in_a_line(harness: BotHarness, lead: Lead) -> None:
    await proposes(harness, "The demo")
    before = on_hold(harness)
    assert rules.NO_ANSWER in str(await answers(lead, DECLINE, reason=" \u200b"))

    assert await lead.sends(reason="It's on Friday.") == {}

    proposal, answer = replies(harness)
    assert "Ana declined this." in shown(proposal["blocks"])
    assert shown(answer["blocks"]) == (
        "<@U0BEN>: Ana won't put *The demo* on hold.\n>It's on Friday."
    )
    assert on_hold(harness) == before


@pytest.mark.parametrize("text", ["The Demo.", "dark mode"])
async def test_work_is_proposed_once(harness: BotHarness, lead: Lead, text: str) -> None:
    await proposes(harness, "The demo")
    chiara = Lead(harness, CHIARA)
    await chiara.me.click(MORE, channel=LAUNCH, ts=announcement(harness)["ts"])

    errors = await chiara.sends(**{"new.text": text})

    assert "already" in errors["new.text"]
    assert len(replies(harness)) == 1


async def test_form_sent_twice_proposes_once(harness: BotHarness, lead: Lead) -> None:
    ben = harness.slack.as_user(BEN)
    await ben.click(MORE, channel=LAUNCH, ts=announcement(harness)["ts"])
    assert ben.top_view is not None
    view_id = ben.top_view["id"]
    await ben.fill(view_id, REPORT)

    sent = await asyncio.gather(ben.submit(view_id), ben.submit(view_id))
    await harness.settle()

    assert [result.errors for result in sent] == [{}, {}]
    assert len(replies(harness)) == 1


async def test_only_one_of_two_leads_answers(harness: BotHarness, lead: Lead) -> None:
    await proposes(harness, "The demo")
    (proposal,) = replies(harness)
    other = Lead(harness, OWNER)
    await lead.me.click(ACCEPT, channel=LAUNCH, ts=proposal["ts"])
    await other.me.click(DECLINE, channel=LAUNCH, ts=proposal["ts"])

    sent = await asyncio.gather(lead.sends(reason="Yes."), other.sends(reason="No."))

    assert sorted(map(len, sent)) == [0, 1]
    assert "has already answered this" in str(sent)
    assert len(replies(harness)) == 2
    is_accepted = "Yes." in shown(replies(harness)[1]["blocks"])
    assert ("The demo" in on_hold(harness)) is is_accepted


async def test_answer_after_the_end_is_refused(harness: BotHarness, lead: Lead) -> None:
    await proposes(harness, "The demo")
    (proposal,) = replies(harness)
    await lead.me.click(ACCEPT, channel=LAUNCH, ts=proposal["ts"])
    await harness.wait(days=15)
    before, stored = replies(harness), await items(harness)

    assert PHASE_OVER in str(await lead.sends(reason="Yes."))
    await lead.me.close(everything=True)
    await lead.me.click(DECLINE, channel=LAUNCH, ts=proposal["ts"])
    await harness.settle()

    assert lead.me.top_view is None
    assert lead.me.ephemerals(LAUNCH)[-1]["text"] == PHASE_OVER
    assert (replies(harness), await items(harness)) == (before, stored)


async def test_members_do_not_answer_proposals(harness: BotHarness, lead: Lead) -> None:
    await proposes(harness, "The demo")
    (proposal,) = replies(harness)
    chiara = harness.slack.as_user(CHIARA)

    await chiara.click(ACCEPT, channel=LAUNCH, ts=proposal["ts"])
    await harness.settle()

    assert chiara.top_view is None
    assert "Only this phase's leads" in chiara.ephemerals(LAUNCH)[-1]["text"]


async def test_person_who_left_proposes_nothing_and_is_not_mentioned(
    harness: BotHarness, lead: Lead
) -> None:
    ben = await proposes(harness, "The demo")
    await ben.me.close(everything=True)
    await ben.me.click(MORE, channel=LAUNCH, ts=announcement(harness)["ts"])
    await wait_for_delivery(harness.slack.leave(LAUNCH, BEN))
    await harness.settle()

    assert NOT_IN_TEAM.format(leads="Ana") in str(await ben.sends(**REPORT))
    assert await answers(lead, ACCEPT, **{"new.owner": CHIARA}) == {}

    answer = shown(replies(harness)[-1]["blocks"])
    assert answer.startswith("Ben: Ana put *The demo* on hold, with Chiara.")
    assert len(replies(harness)) == 2


async def test_nothing_is_proposed_where_the_team_cannot_read_it(
    harness: BotHarness, lead: Lead
) -> None:
    ben = Lead(harness, BEN)
    await ben.me.click(MORE, channel=LAUNCH, ts=announcement(harness)["ts"])
    await wait_for_delivery(harness.slack.leave(LAUNCH, BOT_USER_ID))
    await harness.settle()

    assert CANNOT_POST in str(await ben.sends(**REPORT))
    assert replies(harness) == []


async def test_only_the_team_proposes(harness: BotHarness, lead: Lead) -> None:
    guest = harness.slack.as_user(GUEST)

    await guest.click(MORE, channel=LAUNCH, ts=announcement(harness)["ts"])
    await harness.settle()

    assert guest.top_view is None
    assert NOT_IN_TEAM.format(leads="Ana") in str(guest.ephemerals(LAUNCH)[-1])


# ---------------------------------------------------------------- Is This on Hold?


async def test_shortcut_names_item_owner_and_return_day_to_one_person(
    harness: BotHarness, lead: Lead
) -> None:
    ts, answer = await checks(harness, CHIARA, "Could we have *dark* mode by Friday?")

    assert answer.startswith("*Dark mode* is on hold, with Ben. Back on Tue 8 Dec.")
    assert replies(harness, ts) == []
    assert harness.slack.as_user(BEN).ephemerals(LAUNCH) == []

    await changes(lead, **JANUARY)
    _, answer = await checks(harness, CHIARA, "Mode: dark?")
    assert answer.startswith("*Dark mode* is parked until Sat 9 Jan 2027, with Ben.")
    await changes(lead, **{"item:0:2027-01-09": "back", "reason": "A customer asked."})
    _, answer = await checks(harness, CHIARA, "Mode: dark?")
    assert answer.startswith("*Dark mode* was on hold. It came back on Mon 23 Nov, with Ben.")


async def test_answer_is_shared_in_the_messages_thread_with_a_name(
    harness: BotHarness, lead: Lead
) -> None:
    ts, _ = await checks(harness, CHIARA, "Dark mode, please.")
    chiara = harness.slack.as_user(CHIARA)

    await chiara.click(SHARE, channel=LAUNCH, ts=chiara.ephemerals(LAUNCH)[-1]["ts"])
    await harness.settle()

    (reply,) = replies(harness, ts)
    text = shown(reply["blocks"])
    assert "*Dark mode* is on hold, with Ben." in text
    assert "Chiara shared this" in text
    assert "reply_broadcast" not in reply
    assert SHARE not in str(chiara.ephemerals(LAUNCH)[-1])


async def test_two_quick_presses_share_the_answer_once(harness: BotHarness, lead: Lead) -> None:
    ts, _ = await checks(harness, CHIARA, "Dark mode, please.")
    chiara = harness.slack.as_user(CHIARA)
    answer = chiara.ephemerals(LAUNCH)[-1]["ts"]

    presses = (chiara.click(SHARE, channel=LAUNCH, ts=answer) for _ in range(2))
    await asyncio.gather(*presses)
    await harness.settle()

    assert len(replies(harness, ts)) == 1


async def test_answer_is_shared_where_the_bot_is_not_a_member(
    harness: BotHarness, lead: Lead
) -> None:
    await wait_for_delivery(harness.slack.leave(LAUNCH, BOT_USER_ID))
    await harness.settle()
    ts, answer = await checks(harness, CHIARA, "Dark mode?")
    chiara = harness.slack.as_user(CHIARA)

    await chiara.click(SHARE, channel=LAUNCH, ts=chiara.ephemerals(LAUNCH)[-1]["ts"])

    assert answer.startswith("*Dark mode* is on hold")
    assert len(replies(harness, ts)) == 1


async def test_shortcut_in_a_thread_answers_and_shares_there(
    harness: BotHarness, lead: Lead
) -> None:
    parent = await harness.slack.as_user(HANA).say(LAUNCH, "Wishes, anybody?")
    wish = await harness.slack.as_user(DEV).say(LAUNCH, "Dark mode", thread_ts=parent["ts"])
    await looks_up(harness, CHIARA, wish["ts"])
    chiara = harness.slack.as_user(CHIARA)
    private = chiara.ephemerals(LAUNCH)[-1]
    assert harness.slack.workspace.conversations[LAUNCH].ephemerals[-1]["thread_ts"] == parent["ts"]

    await chiara.click(SHARE, channel=LAUNCH, ts=private["ts"])

    assert "is on hold, with Ben" in shown(replies(harness, parent["ts"])[-1]["blocks"])


@pytest.mark.parametrize(
    ("user_id", "button", "page"),
    [
        (ANA, "Put on Hold", "On Hold"),
        (BEN, "Propose", "What Else Can Wait?"),
        (OWNER, None, ""),
    ],
)
async def test_shortcut_without_a_match_shows_the_list_and_what_the_person_can_do(
    harness: BotHarness, lead: Lead, user_id: str, button: str | None, page: str
) -> None:
    _, answer = await checks(harness, user_id, "Who orders lunch?")

    assert "I can't find this on the list" in answer
    assert "*On hold:* Dark mode (Ben). Back on Tue 8 Dec." in answer
    person = Lead(harness, user_id)
    private = person.me.ephemerals(LAUNCH)[-1]
    elements = [one for block in private["blocks"] for one in block.get("elements", [])]
    offered = [one for one in elements if one["type"] == "button"]
    assert [one["text"]["text"] for one in offered] == ([button] if button else [])
    for one in offered:
        await person.me.click(one["action_id"], channel=LAUNCH, ts=private["ts"])
    assert person.page == page


async def test_nothing_of_the_message_is_kept(
    harness: BotHarness, lead: Lead, caplog: pytest.LogCaptureFixture, capfd: Any
) -> None:
    for user_id, text in ((ANA, "Quixotic dark mode"), (BEN, "Quixotic lunch")):
        await checks(harness, user_id, text)
        me = harness.slack.as_user(user_id)
        private = me.ephemerals(LAUNCH)[-1]
        assert "uixotic" not in str(private)
        if SHARE in str(private):
            await me.click(SHARE, channel=LAUNCH, ts=private["ts"])
    await harness.settle()

    async with harness.bot.db.reading() as reader:
        for table in schema.metadata.sorted_tables:
            rows = (await reader.execute(select(table))).all()
            assert "uixotic" not in str(rows), table.name
    assert "uixotic" not in caplog.text
    assert "uixotic" not in "".join(capfd.readouterr())
    assert call_count(harness, "conversations.history", "conversations.replies") == 0


@pytest.mark.parametrize(
    ("user_id", "channel_id", "told"),
    [
        (CHIARA, PLATFORM, messages.NO_PHASE),
        (GUEST, LAUNCH, messages.MEMBERS_ONLY),
    ],
)
async def test_shortcut_that_cannot_be_answered_says_why(
    harness: BotHarness, lead: Lead, user_id: str, channel_id: str, told: str
) -> None:
    before = await items(harness)
    _, answer = await checks(harness, user_id, "Dark mode?", channel_id)

    assert answer == told
    assert await items(harness) == before


async def test_shortcut_on_the_bots_own_message_says_so(harness: BotHarness, lead: Lead) -> None:
    assert await looks_up(harness, CHIARA, announcement(harness)["ts"]) == messages.OWN_MESSAGE


async def test_shortcut_in_an_archived_channel_says_so(harness: BotHarness, lead: Lead) -> None:
    message = await harness.slack.as_user(HANA).say(LAUNCH, "Dark mode?")
    await wait_for_delivery(harness.slack.archive(LAUNCH))
    await harness.settle()

    assert await looks_up(harness, CHIARA, message["ts"]) == messages.ARCHIVED


async def test_shortcut_after_the_end_finds_no_phase(harness: BotHarness, lead: Lead) -> None:
    ts, _ = await checks(harness, CHIARA, "Dark mode?")
    chiara = harness.slack.as_user(CHIARA)
    private = chiara.ephemerals(LAUNCH)[-1]
    await harness.wait(days=15)

    assert await looks_up(harness, CHIARA, ts) == messages.NO_PHASE
    await chiara.click(SHARE, channel=LAUNCH, ts=private["ts"])
    assert chiara.ephemerals(LAUNCH)[-1]["text"] == messages.OVER
    assert replies(harness, ts) == []


async def test_outsider_has_no_shortcut(harness: BotHarness, lead: Lead) -> None:
    with pytest.raises(LookupError):
        await looks_up(harness, EXTERNAL, announcement(harness)["ts"])


async def test_answer_opens_as_a_form_where_slack_does_not_take_it(
    harness: BotHarness, lead: Lead
) -> None:
    message = await harness.slack.as_user(HANA).say(LAUNCH, "Dark mode?")
    harness.slack.faults.fail_next("response_url", status=500)
    chiara = Lead(harness, CHIARA)

    await chiara.me.use_shortcut(CHECK, LAUNCH, message["ts"])

    assert chiara.page == "Is This on Hold?"
    assert shown(chiara.blocks).startswith("*Dark mode* is on hold, with Ben.")


# ---------------------------------------------------------------- parked work


async def test_owner_is_asked_once_on_the_working_day_after_parking(
    harness: BotHarness, lead: Lead
) -> None:
    await changes(lead, **JANUARY)

    nine_in_lagos = datetime(2027, 1, 11, 8, tzinfo=UTC)
    await harness.travel_to(nine_in_lagos - timedelta(minutes=1))
    assert not any("Parked" in text for text in dm_texts(harness, BEN))
    await harness.travel_to(datetime(2027, 1, 20, tzinfo=UTC))

    asked = [m for m in harness.slack.as_user(BEN).dm_with_bot() if "Parked" in m["text"]]
    (message,) = asked
    assert shown(message["blocks"]).startswith("*Dark mode* was parked until today")
    (call,) = [
        call
        for call in harness.slack.calls
        if call.method == "chat.postMessage" and "Parked" in str(call.args.get("text"))
    ]
    assert call.at == nine_in_lagos


async def test_work_parked_in_the_wrap_up_is_followed_up_too(
    harness: BotHarness, lead: Lead
) -> None:
    await lead.me.command("/imbalance end", LAUNCH)
    typed = {"outcome:0": "parked", "until:0": "2026-12-15"}
    assert await lead.sends(milestone_outcome="hit", outcome="It is out.", **typed) == {}

    await harness.travel_to(datetime(2026, 12, 16, tzinfo=UTC))

    assert sum("Parked" in text for text in dm_texts(harness, BEN)) == 1


async def test_parked_work_that_was_dropped_is_not_followed_up(
    harness: BotHarness, lead: Lead
) -> None:
    await changes(lead, **JANUARY)
    await lead.me.command("/imbalance end", LAUNCH)
    await lead.sends(milestone_outcome="hit", outcome="It is out.", **{"outcome:0": "dropped"})

    await harness.travel_to(datetime(2027, 1, 20, tzinfo=UTC))

    assert not any("Parked" in text for text in dm_texts(harness, BEN))


async def test_parked_work_of_somebody_who_left_is_followed_up_in_the_thread(
    harness: BotHarness, lead: Lead
) -> None:
    await changes(lead, **JANUARY)
    await wait_for_delivery(harness.slack.leave(LAUNCH, BEN))

    await harness.travel_to(datetime(2027, 1, 20, tzinfo=UTC))

    asked = [one for one in replies(harness) if "Parked" in one["text"]]
    (reply,) = asked
    assert "<@U0ANA>: *Dark mode* was parked until today, with Ben" in shown(reply["blocks"])
    assert not any("Parked" in text for text in dm_texts(harness, BEN))


async def test_extension_past_the_day_keeps_parked_work_on_hold_until_the_end(
    harness: BotHarness, lead: Lead
) -> None:
    await changes(lead, **{"item:0:": "park", "until:0": "2026-12-09"})
    await lead.me.command("/imbalance extend", LAUNCH)
    await lead.sends(ends_on="2026-12-11", reason="The audit came late.")

    await harness.travel_to(datetime(2026, 12, 11, 18, tzinfo=UTC))
    assert not any("Parked" in text for text in dm_texts(harness, BEN))
    await harness.travel_to(datetime(2026, 12, 14, 9, tzinfo=UTC))

    assert sum("Parked" in text for text in dm_texts(harness, BEN)) == 1
