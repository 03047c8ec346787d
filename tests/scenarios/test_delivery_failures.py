"""Slack refuses: each refusal has its consequence, none is tried for ever, none stops others."""

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from bot.db import schema
from bot.operations.message_decisions import OPERATOR, Decision, decide
from bot.outbox import admin_queries, enqueue, keys
from bot.outbox.enqueue import State
from bot.slack.content import content, section
from tests.harness import ANA, LAUNCH, MEMBERS, PLATFORM, WORKSPACE, BotHarness
from tests.scenarios.lead import Lead, shown
from tests.scenarios.screen import calls, failed, in_channel, phase, press, said, told


@pytest.mark.parametrize(
    ("error", "why"),
    [
        ("is_archived", "archived"),
        ("not_in_channel", "outside"),
        ("channel_not_found", "unseen"),
        ("restricted_action", "restricted"),
        ("restricted_action_read_only_channel", "restricted"),
        ("ekm_access_denied", "restricted"),
    ],
)
async def test_a_channel_that_refuses_pauses_its_phase_alone(
    house: BotHarness, ana: Lead, error: str, why: str
) -> None:
    await ana.starts()
    await ana.me.close()
    await ana.starts(channel_id=PLATFORM)
    house.slack.faults.fail_next("chat.update", error=error)

    await house.wait(days=1)  # the first edit is made after midnight

    async with house.bot.db.reading() as reader:
        phases = (await reader.execute(select(schema.phases))).all()
    assert sorted(one.paused_because or "" for one in phases) == ["", why]
    assert sum("is paused" in text for text in told(house)) == 1
    before = {one: calls(house, "chat.update", channel=one) for one in (LAUNCH, PLATFORM)}
    await house.wait(days=1)
    paused = next(one.channel_id for one in phases if one.paused_because)
    other = LAUNCH if paused == PLATFORM else PLATFORM
    assert calls(house, "chat.update", channel=other) > before[other]
    if why == "restricted":  # of the others Slack says that they are open: it went on
        assert calls(house, "chat.update", channel=paused) == before[paused]


async def test_where_posting_is_restricted_the_lead_lets_it_try_again(
    house: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    await ana.me.close()
    house.slack.restrict(LAUNCH)
    await house.wait(days=1)
    await house.slack.team_answers()
    await house.wait(days=4)
    assert ("results", "restricted_action") in await failed(house)
    paused = said(house, ANA, "is paused")
    assert "Slack does not let me post there" in shown(paused["blocks"])
    tried = calls(house, "chat.postMessage")
    await house.wait(days=2)
    assert calls(house, "chat.postMessage") == tried

    await press(house, ANA, "phases.try_again", paused)
    assert calls(house, "chat.postMessage") == tried + 1
    again = [m for m in ana.me.dm_with_bot() if "is paused" in m["text"]]
    assert len(again) == 1  # the first one says that it went on, the second that it did not
    house.slack.restrict(LAUNCH, "")
    await press(house, ANA, "phases.try_again", again[0])

    assert (await phase(house)).paused_at is None
    assert len([m for m in ana.me.visible(LAUNCH) if m.get("thread_ts")]) >= 1
    assert await failed(house) == []


async def test_an_announcement_that_was_refused_stands_once_it_may(
    house: BotHarness, ana: Lead
) -> None:
    house.slack.restrict(LAUNCH)
    await ana.starts()
    await ana.me.close()
    assert in_channel(house) == []
    house.slack.restrict(LAUNCH, "")

    await press(house, ANA, "phases.try_again", said(house, ANA, "is paused"))

    assert len(in_channel(house)) == 1
    channel = house.slack.workspace.conversations[LAUNCH]
    assert len(channel.pins) == len(channel.bookmarks) == 1


async def test_a_deleted_announcement_is_not_fought(house: BotHarness, ana: Lead) -> None:
    await ana.starts()
    await ana.me.close()
    announcement = ana.me.visible(LAUNCH)[0]
    house.slack.delete_message(LAUNCH, announcement["ts"])

    await house.wait(days=1)
    tried = calls(house, "chat.update")
    await house.slack.team_answers()
    await house.wait(days=4)

    assert calls(house, "chat.update") == tried
    assert (await phase(house)).paused_at is None
    assert house.slack.workspace.bookmarks(LAUNCH) == []
    (results,) = ana.me.visible(LAUNCH)
    assert not results.get("thread_ts")
    missing = said(house, ANA, "The announcement in")
    assert "If it was deleted by mistake, post it again" in shown(missing["blocks"])

    await press(house, ANA, "phases.post_again", missing)

    posted = [m for m in ana.me.visible(LAUNCH) if "Results sprint until" in m["text"]]
    assert len(posted) == 1
    assert "9 days left" in shown(posted[0]["blocks"])
    assert house.slack.workspace.pins(LAUNCH) == [posted[0]["ts"]]
    assert len(house.slack.workspace.bookmarks(LAUNCH)) == 1
    await house.wait(days=12)
    assert house.slack.workspace.bookmarks(LAUNCH) == []
    assert house.slack.problems == []


async def test_a_reply_to_a_deleted_announcement_is_posted_without_it(
    house: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    await house.wait(days=1)
    await house.slack.team_answers()
    await house.wait(days=2, hours=5)
    for message in ana.me.visible(LAUNCH):
        house.slack.delete_message(LAUNCH, message["ts"])
    house.slack.faults.fail_next("chat.update", error="cant_update_message", times=3)

    await house.wait(days=2)

    (results,) = ana.me.visible(LAUNCH)
    assert results["text"].startswith(f"Start in <#{LAUNCH}>: ")
    assert not results.get("thread_ts")
    assert await failed(house) in ([], [("edit", "cant_update_message")])


@pytest.mark.parametrize("error", ["invalid_blocks", "msg_too_long"])
async def test_what_we_made_wrong_is_our_defect_and_its_lead_is_told(
    house: BotHarness, ana: Lead, error: str
) -> None:
    await ana.starts()
    house.slack.faults.fail_next("chat.update", error=error, times=2)

    with capture_logs() as logs:
        await house.wait(days=2)

    found = [line for line in logs if line["event"] == "refused_as_malformed"]
    assert len(found) == 2
    assert {line["log_level"] for line in found} == {"error"}
    (text,) = [one for one in told(house) if "could not be posted" in one]
    assert text == f"The announcement in <#{LAUNCH}> could not be posted."
    assert all(told(house, member) for member in MEMBERS)
    await house.wait(days=1)
    assert "11 days left" in shown(ana.me.visible(LAUNCH)[0]["blocks"])


async def test_results_that_slack_takes_no_replies_for_are_told_of(
    house: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    await house.wait(days=1)
    await house.slack.team_answers()
    await house.wait(days=2, hours=5)
    house.slack.restrict(LAUNCH, "restricted_action_thread_locked")

    await house.wait(days=2)

    assert f"Results in <#{LAUNCH}> could not be posted." in told(house)
    assert (await phase(house)).paused_at is None


@pytest.mark.parametrize(
    ("error", "why"),
    [
        ("external_channel_migrating", "finds the reason in the log"),
        ("missing_scope", "Ask a workspace admin to install it again"),
    ],
)
async def test_an_announcement_refused_for_whatever_reason_is_told_of_and_posted_again(
    house: BotHarness, ana: Lead, error: str, why: str
) -> None:
    house.slack.faults.fail_next("chat.postMessage", error=error)
    await ana.starts()
    await ana.me.close()

    refused = said(house, ANA, f"The announcement in <#{LAUNCH}> could not be posted.")
    assert why in shown(refused["blocks"])
    house.slack.faults.fail_next("chat.postMessage", error=error)
    await press(house, ANA, "phases.post_again", refused)
    assert in_channel(house) == []
    refused = said(house, ANA, "could not be posted")  # the same one, true again
    await press(house, ANA, "phases.post_again", refused)

    assert len(in_channel(house)) == 1
    assert f"The announcement in <#{LAUNCH}> is posted again." in told(house)
    channel = house.slack.workspace.conversations[LAUNCH]
    assert len(channel.pins) == len(channel.bookmarks) == 1


async def test_a_lead_need_not_hear_at_last_of_what_is_mended(house: BotHarness, ana: Lead) -> None:
    await house.wait(hours=13)  # in the evening leads are not written to
    house.slack.faults.fail_next("chat.postMessage", error="external_channel_migrating")
    await ana.starts()
    await ana.me.close()
    async with house.bot.db.transaction() as tx:
        (refused,) = await admin_queries.list_messages(tx, (State.FAILED,), limit=9)
        await decide(tx, Decision.AGAIN, refused, actor=OPERATOR, now=house.clock.now())
    await house.settle()
    assert len(in_channel(house)) == 1

    await house.wait(days=1)

    assert not [one for one in told(house) if "could not be posted" in one]


async def test_a_lost_message_of_an_earlier_phase_leaves_the_one_that_runs_alone(
    house: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    await ana.me.close()
    earlier = keys.announcement((await phase(house)).phase_id)
    (announced,) = ana.me.visible(LAUNCH)
    await house.wait(days=16)
    house.slack.delete_message(LAUNCH, announced["ts"])
    await ana.starts("trust 2w")
    await ana.me.close()

    async with house.bot.db.transaction() as tx:
        late = content("late", section("late"))
        await enqueue.edit(tx, WORKSPACE, of=earlier, content=late, now=house.clock.now())
    await house.settle()

    assert not [one for one in told(house) if "was deleted" in one]
    assert len(house.slack.workspace.bookmarks(LAUNCH)) == 1
    (runs,) = [m for m in ana.me.visible(LAUNCH) if "Trust-building until" in m["text"]]
    await house.wait(days=1)
    (counted,) = [m for m in ana.me.visible(LAUNCH) if m["ts"] == runs["ts"]]
    assert "13 days left" in shown(counted["blocks"])


async def test_a_scope_that_is_missing_is_done_without(house: BotHarness, ana: Lead) -> None:
    house.slack.scopes.discard("pins:write")
    with capture_logs() as logs:
        await ana.starts()
        await ana.me.close()
        await ana.starts(channel_id=PLATFORM)

    noted = [line for line in logs if line["event"] == "not_granted"]
    assert [(line["needs"], line["reason"]) for line in noted] == [("pins:write", "missing_scope")]
    assert calls(house, "pins.add", channel=LAUNCH) == 1
    assert len(house.slack.workspace.bookmarks(LAUNCH)) == 1
    await house.wait(days=1, hours=8)
    assert all(told(house, member) for member in MEMBERS)
    assert calls(house, "pins.add", channel=LAUNCH) == 1
