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
    harness: BotHarness, ana: Lead, error: str, why: str
) -> None:
    await ana.starts()
    await ana.me.close()
    await ana.starts(channel_id=PLATFORM)
    harness.slack.faults.fail_next("chat.update", error=error)

    await harness.wait(days=1)  # the first edit is made after midnight

    async with harness.bot.db.reading() as reader:
        phases = (await reader.execute(select(schema.phases))).all()
    assert sorted(one.paused_because or "" for one in phases) == ["", why]
    assert sum("is paused" in text for text in told(harness)) == 1
    before = {one: calls(harness, "chat.update", channel=one) for one in (LAUNCH, PLATFORM)}
    await harness.wait(days=1)
    paused = next(one.channel_id for one in phases if one.paused_because)
    other = LAUNCH if paused == PLATFORM else PLATFORM
    assert calls(harness, "chat.update", channel=other) > before[other]
    if why == "restricted":  # of the others Slack says that they are open: it went on
        assert calls(harness, "chat.update", channel=paused) == before[paused]


async def test_where_posting_is_restricted_the_lead_lets_it_try_again(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    await ana.me.close()
    harness.slack.restrict(LAUNCH)
    await harness.wait(days=1)
    await harness.slack.team_answers()
    await harness.wait(days=4)
    assert ("results", "restricted_action") in await failed(harness)
    paused = said(harness, ANA, "is paused")
    assert "Slack does not let me post there" in shown(paused["blocks"])
    tried = calls(harness, "chat.postMessage")
    await harness.wait(days=2)
    assert calls(harness, "chat.postMessage") == tried

    await press(harness, ANA, "phases.try_again", paused)
    assert calls(harness, "chat.postMessage") == tried + 1
    again = [m for m in ana.me.dm_with_bot() if "is paused" in m["text"]]
    assert len(again) == 1  # the first one says that it went on, the second that it did not
    harness.slack.restrict(LAUNCH, "")
    await press(harness, ANA, "phases.try_again", again[0])

    assert (await phase(harness)).paused_at is None
    assert len([m for m in ana.me.visible(LAUNCH) if m.get("thread_ts")]) >= 1
    assert await failed(harness) == []


async def test_an_announcement_that_was_refused_stands_once_it_may(
    harness: BotHarness, ana: Lead
) -> None:
    harness.slack.restrict(LAUNCH)
    await ana.starts()
    await ana.me.close()
    assert in_channel(harness) == []
    harness.slack.restrict(LAUNCH, "")

    await press(harness, ANA, "phases.try_again", said(harness, ANA, "is paused"))

    assert len(in_channel(harness)) == 1
    channel = harness.slack.workspace.conversations[LAUNCH]
    assert len(channel.pins) == len(channel.bookmarks) == 1


async def test_a_deleted_announcement_is_not_fought(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    await ana.me.close()
    announcement = ana.me.visible(LAUNCH)[0]
    harness.slack.delete_message(LAUNCH, announcement["ts"])

    await harness.wait(days=1)
    tried = calls(harness, "chat.update")
    await harness.slack.team_answers()
    await harness.wait(days=4)

    assert calls(harness, "chat.update") == tried
    assert (await phase(harness)).paused_at is None
    assert harness.slack.workspace.bookmarks(LAUNCH) == []
    (results,) = ana.me.visible(LAUNCH)
    assert not results.get("thread_ts")
    missing = said(harness, ANA, "The announcement in")
    assert "If it was deleted by mistake, post it again" in shown(missing["blocks"])

    await press(harness, ANA, "phases.post_again", missing)

    posted = [m for m in ana.me.visible(LAUNCH) if "Results sprint until" in m["text"]]
    assert len(posted) == 1
    assert "9 days left" in shown(posted[0]["blocks"])
    assert harness.slack.workspace.pins(LAUNCH) == [posted[0]["ts"]]
    assert len(harness.slack.workspace.bookmarks(LAUNCH)) == 1
    await harness.wait(days=12)
    assert harness.slack.workspace.bookmarks(LAUNCH) == []
    assert harness.slack.problems == []


async def test_a_reply_to_a_deleted_announcement_is_posted_without_it(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    await harness.wait(days=1)
    await harness.slack.team_answers()
    await harness.wait(days=2, hours=5)
    for message in ana.me.visible(LAUNCH):
        harness.slack.delete_message(LAUNCH, message["ts"])
    harness.slack.faults.fail_next("chat.update", error="cant_update_message", times=3)

    await harness.wait(days=2)

    (results,) = ana.me.visible(LAUNCH)
    assert results["text"].startswith(f"Start in <#{LAUNCH}>: ")
    assert not results.get("thread_ts")
    assert await failed(harness) in ([], [("edit", "cant_update_message")])


@pytest.mark.parametrize("error", ["invalid_blocks", "msg_too_long"])
async def test_what_we_made_wrong_is_our_defect_and_its_lead_is_told(
    harness: BotHarness, ana: Lead, error: str
) -> None:
    await ana.starts()
    harness.slack.faults.fail_next("chat.update", error=error, times=2)

    with capture_logs() as logs:
        await harness.wait(days=2)

    found = [line for line in logs if line["event"] == "refused_as_malformed"]
    assert len(found) == 2
    assert {line["log_level"] for line in found} == {"error"}
    (text,) = [one for one in told(harness) if "could not be posted" in one]
    assert text == f"The announcement in <#{LAUNCH}> could not be posted."
    assert all(told(harness, member) for member in MEMBERS)
    await harness.wait(days=1)
    assert "11 days left" in shown(ana.me.visible(LAUNCH)[0]["blocks"])


async def test_results_that_slack_takes_no_replies_for_are_told_of(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    await harness.wait(days=1)
    await harness.slack.team_answers()
    await harness.wait(days=2, hours=5)
    harness.slack.restrict(LAUNCH, "restricted_action_thread_locked")

    await harness.wait(days=2)

    assert f"Results in <#{LAUNCH}> could not be posted." in told(harness)
    assert (await phase(harness)).paused_at is None


@pytest.mark.parametrize(
    ("error", "why"),
    [
        ("external_channel_migrating", "finds the reason in the log"),
        ("missing_scope", "Ask a workspace admin to install it again"),
    ],
)
async def test_an_announcement_refused_for_whatever_reason_is_told_of_and_posted_again(
    harness: BotHarness, ana: Lead, error: str, why: str
) -> None:
    harness.slack.faults.fail_next("chat.postMessage", error=error)
    await ana.starts()
    await ana.me.close()

    refused = said(harness, ANA, f"The announcement in <#{LAUNCH}> could not be posted.")
    assert why in shown(refused["blocks"])
    harness.slack.faults.fail_next("chat.postMessage", error=error)
    await press(harness, ANA, "phases.post_again", refused)
    assert in_channel(harness) == []
    refused = said(harness, ANA, "could not be posted")  # the same one, true again
    await press(harness, ANA, "phases.post_again", refused)

    assert len(in_channel(harness)) == 1
    assert f"The announcement in <#{LAUNCH}> is posted again." in told(harness)
    channel = harness.slack.workspace.conversations[LAUNCH]
    assert len(channel.pins) == len(channel.bookmarks) == 1


async def test_a_lead_need_not_hear_at_last_of_what_is_mended(
    harness: BotHarness, ana: Lead
) -> None:
    await harness.wait(hours=13)  # in the evening leads are not written to
    harness.slack.faults.fail_next("chat.postMessage", error="external_channel_migrating")
    await ana.starts()
    await ana.me.close()
    async with harness.bot.db.transaction() as tx:
        (refused,) = await admin_queries.list_messages(tx, (State.FAILED,), limit=9)
        await decide(tx, Decision.AGAIN, refused, actor=OPERATOR, now=harness.clock.now())
    await harness.settle()
    assert len(in_channel(harness)) == 1

    await harness.wait(days=1)

    assert not [one for one in told(harness) if "could not be posted" in one]


async def test_a_lost_message_of_an_earlier_phase_leaves_the_one_that_runs_alone(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    await ana.me.close()
    earlier = keys.announcement((await phase(harness)).phase_id)
    (announced,) = ana.me.visible(LAUNCH)
    await harness.wait(days=16)
    harness.slack.delete_message(LAUNCH, announced["ts"])
    await ana.starts("trust 2w")
    await ana.me.close()

    async with harness.bot.db.transaction() as tx:
        late = content("late", section("late"))
        await enqueue.edit(tx, WORKSPACE, of=earlier, content=late, now=harness.clock.now())
    await harness.settle()

    assert not [one for one in told(harness) if "was deleted" in one]
    assert len(harness.slack.workspace.bookmarks(LAUNCH)) == 1
    (runs,) = [m for m in ana.me.visible(LAUNCH) if "Trust-building until" in m["text"]]
    await harness.wait(days=1)
    (counted,) = [m for m in ana.me.visible(LAUNCH) if m["ts"] == runs["ts"]]
    assert "13 days left" in shown(counted["blocks"])


async def test_a_scope_that_is_missing_is_done_without(harness: BotHarness, ana: Lead) -> None:
    harness.slack.scopes.discard("pins:write")
    with capture_logs() as logs:
        await ana.starts()
        await ana.me.close()
        await ana.starts(channel_id=PLATFORM)

    noted = [line for line in logs if line["event"] == "not_granted"]
    assert [(line["needs"], line["reason"]) for line in noted] == [("pins:write", "missing_scope")]
    assert calls(harness, "pins.add", channel=LAUNCH) == 1
    assert len(harness.slack.workspace.bookmarks(LAUNCH)) == 1
    await harness.wait(days=1, hours=8)
    assert all(told(harness, member) for member in MEMBERS)
    assert calls(harness, "pins.add", channel=LAUNCH) == 1
