"""Messages that Slack refuses: each error has its consequence, and none blocks other messages."""

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from bot.db import schema
from bot.operations.message_decisions import Decision, decide
from bot.outbox import admin_queries, enqueue, keys
from bot.outbox.enqueue import State
from bot.slack.content import content, section
from bot.workspaces.store import OPERATOR
from tests.harness import ANA, LAUNCH, MEMBERS, PLATFORM, WORKSPACE, BotHarness
from tests.scenarios.lead import Lead, shown
from tests.scenarios.screen import (
    call_count,
    channel_texts,
    dm_containing,
    dm_texts,
    failed_messages,
    phase,
    press,
)


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
async def test_channel_error_pauses_only_the_phase_of_that_channel(
    harness: BotHarness, ana: Lead, error: str, why: str
) -> None:
    await ana.starts()
    await ana.me.close()
    await ana.starts(channel_id=PLATFORM)
    harness.slack.faults.fail_next("chat.update", error=error)

    await harness.wait(days=1)  # the first edit is made after midnight

    async with harness.bot.db.reading() as reader:
        phases = (await reader.execute(select(schema.phases))).all()
    assert sorted(one.pause_reason or "" for one in phases) == ["", why]
    assert sum("is paused" in text for text in dm_texts(harness)) == 1
    before = {one: call_count(harness, "chat.update", channel=one) for one in (LAUNCH, PLATFORM)}
    await harness.wait(days=1)
    paused = next(one.channel_id for one in phases if one.pause_reason)
    other = LAUNCH if paused == PLATFORM else PLATFORM
    assert call_count(harness, "chat.update", channel=other) > before[other]
    if why == "restricted":  # the others resume, since the fake Slack reports the channel as open
        assert call_count(harness, "chat.update", channel=paused) == before[paused]


async def test_lead_retries_delivery_after_a_posting_restriction_is_lifted(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    await ana.me.close()
    harness.slack.restrict(LAUNCH)
    await harness.wait(days=1)
    await harness.slack.let_team_answer()
    await harness.wait(days=4)
    assert ("results", "restricted_action") in await failed_messages(harness)
    paused = dm_containing(harness, ANA, "is paused")
    assert "Slack doesn't let me post there" in shown(paused["blocks"])
    posts_before = call_count(harness, "chat.postMessage")
    await harness.wait(days=2)
    assert call_count(harness, "chat.postMessage") == posts_before

    await press(harness, ANA, "phases.try_again", paused)
    assert call_count(harness, "chat.postMessage") == posts_before + 1
    again = [m for m in ana.me.dm_with_bot() if "is paused" in m["text"]]
    assert (
        len(again) == 1
    )  # the first was edited to "is running again"; this one reports the new failure
    harness.slack.restrict(LAUNCH, "")
    await press(harness, ANA, "phases.try_again", again[0])

    assert (await phase(harness)).paused_at is None
    assert len([m for m in ana.me.visible(LAUNCH) if m.get("thread_ts")]) >= 1
    assert await failed_messages(harness) == []


async def test_refused_announcement_is_posted_pinned_and_bookmarked_on_retry(
    harness: BotHarness, ana: Lead
) -> None:
    harness.slack.restrict(LAUNCH)
    await ana.starts()
    await ana.me.close()
    assert channel_texts(harness) == []
    harness.slack.restrict(LAUNCH, "")

    await press(harness, ANA, "phases.try_again", dm_containing(harness, ANA, "is paused"))

    assert len(channel_texts(harness)) == 1
    channel = harness.slack.workspace.conversations[LAUNCH]
    assert len(channel.pins) == len(channel.bookmarks) == 1


async def test_deleted_announcement_is_reposted_only_on_request(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    await ana.me.close()
    announcement = ana.me.visible(LAUNCH)[0]
    harness.slack.delete_message(LAUNCH, announcement["ts"])

    await harness.wait(days=1)
    edits_before = call_count(harness, "chat.update")
    await harness.slack.let_team_answer()
    await harness.wait(days=4)

    assert call_count(harness, "chat.update") == edits_before
    assert (await phase(harness)).paused_at is None
    assert harness.slack.workspace.bookmarks(LAUNCH) == []
    (results,) = ana.me.visible(LAUNCH)
    assert not results.get("thread_ts")
    missing = dm_containing(harness, ANA, "The announcement in")
    assert "If the announcement was deleted by mistake, post it again" in shown(missing["blocks"])

    await press(harness, ANA, "phases.post_again", missing)

    posted = [m for m in ana.me.visible(LAUNCH) if "Results sprint until" in m["text"]]
    assert len(posted) == 1
    assert "9 days left" in shown(posted[0]["blocks"])
    assert harness.slack.workspace.pins(LAUNCH) == [posted[0]["ts"]]
    assert len(harness.slack.workspace.bookmarks(LAUNCH)) == 1
    await harness.wait(days=12)
    assert harness.slack.workspace.bookmarks(LAUNCH) == []
    assert harness.slack.problems == []


async def test_results_are_posted_unthreaded_if_the_announcement_was_deleted(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    await harness.wait(days=1)
    await harness.slack.let_team_answer()
    await harness.wait(days=2, hours=5)
    for message in ana.me.visible(LAUNCH):
        harness.slack.delete_message(LAUNCH, message["ts"])
    harness.slack.faults.fail_next("chat.update", error="cant_update_message", times=3)

    await harness.wait(days=2)

    (results,) = ana.me.visible(LAUNCH)
    assert results["text"].startswith(f"First results in <#{LAUNCH}>")
    assert not results.get("thread_ts")
    assert await failed_messages(harness) in ([], [("edit", "cant_update_message")])


@pytest.mark.parametrize("error", ["invalid_blocks", "msg_too_long"])
async def test_malformed_message_is_logged_as_an_error_and_reported_to_the_lead(
    harness: BotHarness, ana: Lead, error: str
) -> None:
    await ana.starts()
    harness.slack.faults.fail_next("chat.update", error=error, times=2)

    with capture_logs() as logs:
        await harness.wait(days=2)

    found = [line for line in logs if line["event"] == "refused_as_malformed"]
    assert len(found) == 2
    assert {line["log_level"] for line in found} == {"error"}
    (text,) = [one for one in dm_texts(harness) if "couldn't be posted" in one]
    assert text == f"The announcement in <#{LAUNCH}> couldn't be posted."
    assert all(dm_texts(harness, member) for member in MEMBERS)
    await harness.wait(days=1)
    assert "11 days left" in shown(ana.me.visible(LAUNCH)[0]["blocks"])


async def test_lead_is_told_when_results_cannot_be_posted_in_a_locked_thread(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    await harness.wait(days=1)
    await harness.slack.let_team_answer()
    await harness.wait(days=2, hours=5)
    harness.slack.restrict(LAUNCH, "restricted_action_thread_locked")

    await harness.wait(days=2)

    assert f"Results in <#{LAUNCH}> couldn't be posted." in dm_texts(harness)
    assert (await phase(harness)).paused_at is None


@pytest.mark.parametrize(
    ("error", "why"),
    [
        ("external_channel_migrating", "can see why in the log"),
        ("missing_scope", "Ask a workspace admin to install it again"),
    ],
)
async def test_lead_is_told_of_a_refused_announcement_and_can_repost_it(
    harness: BotHarness, ana: Lead, error: str, why: str
) -> None:
    harness.slack.faults.fail_next("chat.postMessage", error=error)
    await ana.starts()
    await ana.me.close()

    refused = dm_containing(harness, ANA, f"The announcement in <#{LAUNCH}> couldn't be posted.")
    assert why in shown(refused["blocks"])
    harness.slack.faults.fail_next("chat.postMessage", error=error)
    await press(harness, ANA, "phases.post_again", refused)
    assert channel_texts(harness) == []
    refused = dm_containing(harness, ANA, "couldn't be posted")  # the same notice, updated
    await press(harness, ANA, "phases.post_again", refused)

    assert len(channel_texts(harness)) == 1
    assert f"The announcement in <#{LAUNCH}> is posted again." in dm_texts(harness)
    channel = harness.slack.workspace.conversations[LAUNCH]
    assert len(channel.pins) == len(channel.bookmarks) == 1


async def test_lead_gets_no_failure_notice_after_an_operator_retry_succeeds(
    harness: BotHarness, ana: Lead
) -> None:
    await harness.wait(hours=13)  # in the evening leads get no messages
    harness.slack.faults.fail_next("chat.postMessage", error="external_channel_migrating")
    await ana.starts()
    await ana.me.close()
    async with harness.bot.db.transaction() as tx:
        (refused,) = await admin_queries.list_messages(tx, (State.FAILED,), limit=9)
        await decide(tx, Decision.AGAIN, refused, actor=OPERATOR, now=harness.clock.now())
    await harness.settle()
    assert len(channel_texts(harness)) == 1

    await harness.wait(days=1)

    assert not [one for one in dm_texts(harness) if "couldn't be posted" in one]


async def test_deleted_announcement_of_an_ended_phase_does_not_affect_the_active_phase(
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

    assert not [one for one in dm_texts(harness) if "was deleted" in one]
    assert len(harness.slack.workspace.bookmarks(LAUNCH)) == 1
    (active,) = [m for m in ana.me.visible(LAUNCH) if "Trust-building until" in m["text"]]
    await harness.wait(days=1)
    (counted,) = [m for m in ana.me.visible(LAUNCH) if m["ts"] == active["ts"]]
    assert "13 days left" in shown(counted["blocks"])


async def test_missing_pin_scope_is_logged_once_and_tolerated(
    harness: BotHarness, ana: Lead
) -> None:
    harness.slack.scopes.discard("pins:write")
    with capture_logs() as logs:
        await ana.starts()
        await ana.me.close()
        await ana.starts(channel_id=PLATFORM)

    noted = [line for line in logs if line["event"] == "missing_permission"]
    assert [(line["needs"], line["reason"]) for line in noted] == [("pins:write", "missing_scope")]
    assert call_count(harness, "pins.add", channel=LAUNCH) == 1
    assert len(harness.slack.workspace.bookmarks(LAUNCH)) == 1
    await harness.wait(days=1, hours=8)
    assert all(dm_texts(harness, member) for member in MEMBERS)
    assert call_count(harness, "pins.add", channel=LAUNCH) == 1
