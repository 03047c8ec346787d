"""What becomes of a phase when its channel is closed, lost, opened again or deleted."""

import pytest

from bot.db import schema
from bot.playground.fake_slack.example_workspace import BOT_USER_ID
from tests.harness import ANA, BEN, LAUNCH, MEMBERS, OWNER, PLATFORM, SECRET, BotHarness
from tests.scenarios.lead import Lead, count, shown
from tests.scenarios.screen import calls, in_channel, phase, press, said, told


async def close(harness: BotHarness, how: str, channel_id: str = LAUNCH) -> None:
    if how == "archived":
        harness.slack.archive(channel_id)
    else:
        harness.slack.leave(channel_id, BOT_USER_ID)
    await harness.settle()


async def open_again(harness: BotHarness, how: str, channel_id: str = LAUNCH) -> None:
    if how == "archived":
        harness.slack.unarchive(channel_id)
    else:
        harness.slack.join(channel_id, BOT_USER_ID, inviter=ANA)
    await harness.settle()


@pytest.mark.parametrize(
    ("how", "why"),
    [("archived", "The channel is archived"), ("outside", "I was removed from the channel")],
)
async def test_a_closed_channel_pauses_its_phase_and_it_goes_on_by_itself(
    harness: BotHarness, ana: Lead, how: str, why: str
) -> None:
    await ana.starts()
    await close(harness, how)

    paused = said(harness, ANA, "is paused")
    assert why in shown(paused["blocks"])
    assert all(told(harness, member) == [] for member in MEMBERS)

    before = calls(harness, "chat.postMessage", "chat.update")
    await harness.wait(days=3)
    assert calls(harness, "chat.postMessage", "chat.update") == before
    assert all(told(harness, member) == [] for member in MEMBERS)  # no questions began
    assert len(told(harness)) == 1

    await open_again(harness, how)

    (goes_on,) = [message for message in ana.me.dm_with_bot() if "goes on" in message["text"]]
    assert goes_on["ts"] == paused["ts"]
    assert "11 days left" in shown(ana.me.visible(LAUNCH)[0]["blocks"])
    await harness.wait(days=5)
    assert any("questions" in text for text in told(harness, BEN))
    assert harness.slack.problems == []


@pytest.mark.parametrize(("how", "because"), [("archived", "archived"), ("outside", "unseen")])
async def test_a_private_channel_too(
    harness: BotHarness, ana: Lead, how: str, because: str
) -> None:
    harness.slack.join(SECRET, BOT_USER_ID, inviter=ANA)
    await ana.starts(channel_id=SECRET)
    await close(harness, how, SECRET)

    assert (await phase(harness)).paused_because == because
    assert len(told(harness)) == 1
    await open_again(harness, how, SECRET)

    assert (await phase(harness)).paused_at is None
    assert "goes on" in told(harness)[0]


@pytest.mark.parametrize("removed", [False, True])
async def test_archiving_may_empty_a_channel_of_apps(
    harness: BotHarness, ana: Lead, removed: bool
) -> None:
    await ana.starts()
    await close(harness, "outside" if removed else "archived")
    channel = harness.slack.workspace.conversations[LAUNCH]
    if not removed:
        channel.members.remove(BOT_USER_ID)  # unheard
    await open_again(harness, "archived")

    # Where we were sent away on purpose we do not come back by ourselves.
    assert (BOT_USER_ID in channel.members) is not removed
    assert ((await phase(harness)).paused_at is None) is not removed


async def test_results_that_waited_are_shown_once_it_goes_on(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    await harness.wait(days=1)
    await harness.slack.team_answers()
    await close(harness, "archived")
    await harness.wait(days=4)  # the questions closed meanwhile, by their rules
    assert await count(harness, schema.question_levels) > 0
    assert not any("stakes" in text for text in in_channel(harness))
    (results,) = [m for m in ana.me.dm_with_bot() if "for the leads first" in m["text"]]
    assert "once I can write in the channel again" in shown(results["blocks"])

    await open_again(harness, "archived")
    await harness.wait(days=2)

    shown_to_team = [m for m in ana.me.visible(LAUNCH) if m.get("thread_ts") not in (None, m["ts"])]
    assert len(shown_to_team) == 1
    assert await count(harness, schema.round_comments) == 0


async def test_a_paused_phase_ends_on_its_day_and_only_in_private(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    await close(harness, "archived")
    before = in_channel(harness)

    await harness.wait(days=15)

    assert (await phase(harness)).state == "ended"
    asked = said(harness, ANA, "What did it bring?")
    assert "I cannot write in the channel now" in shown(asked["blocks"])
    await press(harness, ANA, "phases.end", asked)
    await ana.sends(outcome="Beta is out.")
    assert "The channel cannot be written in" in shown(ana.blocks)
    await ana.me.close()
    await harness.wait(days=3)
    assert any("it's over" in text for text in told(harness, BEN))
    assert in_channel(harness) == before

    await open_again(harness, "archived")

    assert in_channel(harness) == ["🏁 Results sprint, ended Mon 7 Dec: ship the beta"]
    channel = harness.slack.workspace.conversations[LAUNCH]
    assert channel.pins == channel.bookmarks == []


async def test_a_paused_phase_can_be_extended_and_says_so_when_it_goes_on(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    await close(harness, "outside")
    await ana.me.command("/imbalance extend", LAUNCH)
    await ana.sends(**{"ends_on": "2026-12-10", "reason": "The audit came late."})
    assert "once I can write in it again" in shown(ana.blocks)
    await ana.me.close()

    await open_again(harness, "outside")

    announcement = shown(ana.me.visible(LAUNCH)[0]["blocks"])
    assert "until Thu 10 Dec" in announcement
    assert "The audit came late." in announcement


async def test_where_it_stands_is_said_in_words(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    await ana.me.close()
    await close(harness, "outside")

    card = await ana.me.command("/imbalance", LAUNCH)
    assert "paused: I am not in the channel any more" in shown(card.body["blocks"])
    assert "Try again" in shown(card.body["blocks"])
    home = await ana.me.open_home()
    await harness.settle()
    home = ana.me.home
    assert home is not None
    assert "paused: I am not in the channel any more" in shown(home["blocks"])
    assert "this phase is paused" in (await ana.me.command("/imbalance poll", LAUNCH)).text
    assert "one at a time" in (await ana.me.command("/imbalance start", LAUNCH)).text


async def test_another_channel_goes_on_meanwhile(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    await ana.me.close()
    await ana.starts(channel_id=PLATFORM)
    await ana.me.close()
    await close(harness, "archived")

    await harness.wait(days=3)

    assert "11 days left" in shown(ana.me.visible(PLATFORM)[0]["blocks"])
    assert any("questions" in text for text in told(harness, BEN))


@pytest.mark.parametrize("backwards", [False, True])
async def test_events_that_come_twice_or_in_disorder_change_nothing_twice(
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
    assert told(harness) == []


async def test_where_no_event_came_the_bot_looks_for_itself(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    channel = harness.slack.workspace.conversations[LAUNCH]
    channel.is_archived = True  # unheard
    await harness.wait(days=1)
    assert "is paused" in told(harness)[0]

    channel.is_archived = False
    await harness.wait(days=1)

    assert "goes on" in told(harness)[0]


async def test_a_deleted_channel_ends_its_phase_and_gives_back_what_waited(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    await ana.me.close()
    harness.slack.delete_channel(LAUNCH)
    await harness.settle()

    gone = said(harness, ANA, "its channel was deleted")
    assert "Dark mode: back with" in shown(gone["blocks"])
    assert (await phase(harness)).state == "ended"
    await press(harness, ANA, "phases.end", gone)
    await ana.sends(outcome="Nothing more.")
    await harness.wait(days=40)
    assert any("it's over" in text for text in told(harness, BEN))
    assert not any("questions" in text for text in told(harness, BEN))
    assert harness.slack.problems == []


async def test_only_leads_and_admins_let_it_try_again(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    await ana.me.close()
    await close(harness, "outside")
    await ana.me.command("/imbalance", LAUNCH)
    ben, olivia = harness.slack.as_user(BEN), harness.slack.as_user(OWNER)
    value = (await phase(harness)).phase_id
    pressed = {"type": "button", "action_id": "phases.try_again", "block_id": "b", "value": value}
    for person, then in ((ben, "outside"), (olivia, None)):
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
        assert (await phase(harness)).paused_because == then
