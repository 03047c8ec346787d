"""Phases whose channel is archived, left by the bot, reopened or deleted."""

import pytest

from bot.db import schema
from bot.playground.fake_slack.example_workspace import BOT_USER_ID
from tests.harness import ANA, BEN, LAUNCH, MEMBERS, OWNER, PLATFORM, SECRET, BotHarness
from tests.scenarios.lead import Lead, count, shown
from tests.scenarios.screen import call_count, channel_texts, dm_containing, dm_texts, phase, press


async def close(harness: BotHarness, how: str, channel_id: str = LAUNCH) -> None:
    if how == "archived":
        harness.slack.archive(channel_id)
    else:
        harness.slack.leave(channel_id, BOT_USER_ID)
    await harness.settle()


async def reopen(harness: BotHarness, how: str, channel_id: str = LAUNCH) -> None:
    if how == "archived":
        harness.slack.unarchive(channel_id)
    else:
        harness.slack.join(channel_id, BOT_USER_ID, inviter=ANA)
    await harness.settle()


@pytest.mark.parametrize(
    ("how", "why"),
    [("archived", "The channel is archived"), ("outside", "I was removed from the channel")],
)
async def test_closed_channel_pauses_the_phase_until_it_reopens(
    harness: BotHarness, ana: Lead, how: str, why: str
) -> None:
    await ana.starts()
    await close(harness, how)

    paused = dm_containing(harness, ANA, "is paused")
    assert why in shown(paused["blocks"])
    assert all(dm_texts(harness, member) == [] for member in MEMBERS)

    before = call_count(harness, "chat.postMessage", "chat.update")
    await harness.wait(days=3)
    assert call_count(harness, "chat.postMessage", "chat.update") == before
    assert all(dm_texts(harness, member) == [] for member in MEMBERS)  # no round opened
    assert len(dm_texts(harness)) == 1

    await reopen(harness, how)

    (resumed,) = [
        message for message in ana.me.dm_with_bot() if "is running again" in message["text"]
    ]
    assert resumed["ts"] == paused["ts"]
    assert "11 days left" in shown(ana.me.visible(LAUNCH)[0]["blocks"])
    await harness.wait(days=5)
    assert any("questions" in text for text in dm_texts(harness, BEN))
    assert harness.slack.problems == []


@pytest.mark.parametrize(("how", "because"), [("archived", "archived"), ("outside", "unseen")])
async def test_closed_private_channel_pauses_the_phase_until_it_reopens(
    harness: BotHarness, ana: Lead, how: str, because: str
) -> None:
    harness.slack.join(SECRET, BOT_USER_ID, inviter=ANA)
    await ana.starts(channel_id=SECRET)
    await close(harness, how, SECRET)

    assert (await phase(harness)).pause_reason == because
    assert len(dm_texts(harness)) == 1
    await reopen(harness, how, SECRET)

    assert (await phase(harness)).paused_at is None
    assert "is running again" in dm_texts(harness)[0]


@pytest.mark.parametrize("removed", [False, True])
async def test_bot_rejoins_after_unarchiving_unless_it_was_removed_on_purpose(
    harness: BotHarness, ana: Lead, removed: bool
) -> None:
    await ana.starts()
    await close(harness, "outside" if removed else "archived")
    channel = harness.slack.workspace.conversations[LAUNCH]
    if not removed:
        channel.members.remove(BOT_USER_ID)  # without an event
    await reopen(harness, "archived")

    # Removed on purpose, the bot must not come back uninvited.
    assert (BOT_USER_ID in channel.members) is not removed
    assert ((await phase(harness)).paused_at is None) is not removed


async def test_results_held_back_by_a_pause_are_posted_when_it_ends(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    await harness.wait(days=1)
    await harness.slack.let_team_answer()
    await close(harness, "archived")
    await harness.wait(days=4)  # the round closed on schedule meanwhile
    assert await count(harness, schema.question_levels) > 0
    assert not any("stakes" in text for text in channel_texts(harness))
    (results,) = [m for m in ana.me.dm_with_bot() if "for the leads first" in m["text"]]
    assert "once I can post in the channel again" in shown(results["blocks"])

    await reopen(harness, "archived")
    await harness.wait(days=2)

    shown_to_team = [m for m in ana.me.visible(LAUNCH) if m.get("thread_ts") not in (None, m["ts"])]
    assert len(shown_to_team) == 1
    assert await count(harness, schema.round_comments) == 0


async def test_paused_phase_ends_on_schedule_with_direct_messages_only(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    await close(harness, "archived")
    before = channel_texts(harness)

    await harness.wait(days=15)

    assert (await phase(harness)).state == "ended"
    asked = dm_containing(harness, ANA, "What came of it?")
    assert "I can't post in the channel right now" in shown(asked["blocks"])
    await press(harness, ANA, "phases.end", asked)
    await ana.sends(milestone_outcome="hit", outcome="Beta is out.")
    assert "I can't post in the channel" in shown(ana.blocks)
    await ana.me.close()
    await harness.wait(days=3)
    assert any("has wrapped up" in text for text in dm_texts(harness, BEN))
    assert channel_texts(harness) == before

    await reopen(harness, "archived")

    assert channel_texts(harness) == ["🏁 Results sprint, ended Mon 7 Dec: ship the beta"]
    channel = harness.slack.workspace.conversations[LAUNCH]
    assert channel.pins == channel.bookmarks == []


async def test_extension_of_a_paused_phase_is_announced_when_it_resumes(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    await close(harness, "outside")
    await ana.me.command("/imbalance extend", LAUNCH)
    await ana.sends(**{"ends_on": "2026-12-10", "reason": "The audit came late."})
    assert "once I can post there again" in shown(ana.blocks)
    await ana.me.close()

    await reopen(harness, "outside")

    announcement = shown(ana.me.visible(LAUNCH)[0]["blocks"])
    assert "until Thu 10 Dec" in announcement
    assert "The audit came late." in announcement


async def test_pause_is_explained_by_commands_and_app_home(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    await ana.me.close()
    await close(harness, "outside")

    card = await ana.me.command("/imbalance", LAUNCH)
    assert "paused: I'm no longer in the channel" in shown(card.body["blocks"])
    assert "Try Again" in shown(card.body["blocks"])
    home = await ana.me.open_home()
    await harness.settle()
    home = ana.me.home
    assert home is not None
    assert "paused: I'm no longer in the channel" in shown(home["blocks"])
    assert "This phase is paused" in (await ana.me.command("/imbalance poll", LAUNCH)).text
    assert "One at a time" in (await ana.me.command("/imbalance start", LAUNCH)).text


async def test_pause_does_not_affect_other_channels(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    await ana.me.close()
    await ana.starts(channel_id=PLATFORM)
    await ana.me.close()
    await close(harness, "archived")

    await harness.wait(days=3)

    assert "11 days left" in shown(ana.me.visible(PLATFORM)[0]["blocks"])
    assert any("questions" in text for text in dm_texts(harness, BEN))


@pytest.mark.parametrize("backwards", [False, True])
async def test_duplicated_or_reordered_channel_events_leave_the_phase_running(
    harness: BotHarness, ana: Lead, backwards: bool
) -> None:
    await ana.starts()
    harness.slack.core.events.hold()
    harness.slack.archive(LAUNCH)
    harness.slack.unarchive(LAUNCH)
    harness.slack.faults.duplicate_events(2)
    await harness.slack.core.events.release(backwards=backwards)
    await harness.settle()

    assert (await phase(harness)).paused_at is None
    assert dm_texts(harness) == []


async def test_missed_archive_and_unarchive_events_are_noticed_within_a_day(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    channel = harness.slack.workspace.conversations[LAUNCH]
    channel.is_archived = True  # without an event
    await harness.wait(days=1)
    assert "is paused" in dm_texts(harness)[0]

    channel.is_archived = False
    await harness.wait(days=1)

    assert "is running again" in dm_texts(harness)[0]


async def test_deleted_channel_ends_the_phase_and_returns_set_aside_work(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    await ana.me.close()
    harness.slack.delete_channel(LAUNCH)
    await harness.settle()

    gone = dm_containing(harness, ANA, "its channel was deleted")
    assert "Dark mode: back with" in shown(gone["blocks"])
    assert (await phase(harness)).state == "ended"
    await press(harness, ANA, "phases.end", gone)
    await ana.sends(milestone_outcome="hit", outcome="Nothing more.")
    await harness.wait(days=40)
    assert any("has wrapped up" in text for text in dm_texts(harness, BEN))
    assert not any("questions" in text for text in dm_texts(harness, BEN))
    assert harness.slack.problems == []


async def test_admin_may_retry_a_paused_phase_and_a_member_may_not(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    await ana.me.close()
    await close(harness, "outside")
    await ana.me.command("/imbalance", LAUNCH)
    ben, olivia = harness.slack.as_user(BEN), harness.slack.as_user(OWNER)
    value = (await phase(harness)).phase_id
    pressed = {"type": "button", "action_id": "phases.try_again", "block_id": "b", "value": value}
    for person, expected in ((ben, "outside"), (olivia, None)):
        await harness.slack.interact(
            {
                "type": "block_actions",
                "team": {"id": "T0PLAY", "domain": "northwind"},
                "user": {"id": person.user_id, "team_id": "T0PLAY"},
                "container": {"type": "message", "channel_id": LAUNCH, "message_ts": "1.1"},
                "channel": {"id": LAUNCH},
                "trigger_id": "1.1.a",
                "actions": [pressed],
            }
        )
        assert (await phase(harness)).pause_reason == expected
