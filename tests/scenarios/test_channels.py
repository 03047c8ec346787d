"""What becomes of a phase when its channel is closed, lost, renamed, moved or deleted."""

from typing import Any

import pytest
from sqlalchemy import select

from bot.db import schema
from bot.playground.cast import BOT_USER_ID
from tests.scenarios.lead import Lead, count, shown
from tests.vocabulary import ANA, BEN, CHIARA, LAUNCH, MEMBERS, OWNER, PLATFORM, House

MOVED = "C0MOVED"


def told(house: House, user_id: str = ANA) -> list[str]:
    """The first lines of what this person was told in private, oldest first."""
    return [message["text"] for message in house.slack.as_user(user_id).dm_with_bot()]


def said(house: House, user_id: str, starts: str) -> dict[str, Any]:
    """The one direct message to this person whose first line has these words."""
    (found,) = [m for m in house.slack.as_user(user_id).dm_with_bot() if starts in m["text"]]
    return found


def calls(house: House, *methods: str, channel: str = LAUNCH) -> int:
    """How often Slack was asked to do something in a channel."""
    return sum(
        call.method in methods
        and channel in (call.args.get("channel"), call.args.get("channel_id"))
        for call in house.slack.calls
    )


async def phase(house: House) -> Any:
    async with house.bot.db.reading() as reader:
        return (await reader.execute(select(schema.phases))).one()


def in_channel(house: House, channel_id: str = LAUNCH) -> list[str]:
    return [message["text"] for message in house.slack.as_user(ANA).visible(channel_id)]


async def press(house: House, user_id: str, button: str, message: dict[str, Any]) -> None:
    """Press a button in a direct message."""
    me = house.slack.as_user(user_id)
    assert me.direct_message is not None
    await me.click(button, channel=me.direct_message.id, ts=message["ts"])
    await house.settle()


async def close(house: House, how: str) -> None:
    if how == "archived":
        house.slack.archive(LAUNCH)
    else:
        house.slack.leave(LAUNCH, BOT_USER_ID)
    await house.settle()


async def open_again(house: House, how: str) -> None:
    if how == "archived":
        house.slack.unarchive(LAUNCH)
    else:
        house.slack.join(LAUNCH, BOT_USER_ID, inviter=ANA)
    await house.settle()


@pytest.mark.parametrize(
    ("how", "why"),
    [("archived", "The channel is archived"), ("outside", "I was removed from the channel")],
)
async def test_a_closed_channel_pauses_its_phase_and_it_goes_on_by_itself(
    house: House, ana: Lead, how: str, why: str
) -> None:
    await ana.starts()
    await close(house, how)

    paused = said(house, ANA, "is paused")
    assert why in shown(paused["blocks"])
    assert all(told(house, member) == [] for member in MEMBERS)

    before = calls(house, "chat.postMessage", "chat.update")
    await house.wait(days=3)
    assert calls(house, "chat.postMessage", "chat.update") == before
    assert all(told(house, member) == [] for member in MEMBERS)  # no questions began
    assert len(told(house)) == 1

    await open_again(house, how)

    (goes_on,) = [message for message in ana.me.dm_with_bot() if "goes on" in message["text"]]
    assert goes_on["ts"] == paused["ts"]
    assert "11 days left" in shown(ana.me.visible(LAUNCH)[0]["blocks"])
    await house.wait(days=5)
    assert any("questions" in text for text in told(house, BEN))
    assert house.slack.problems == []


async def test_results_that_waited_are_shown_once_it_goes_on(house: House, ana: Lead) -> None:
    await ana.starts()
    await house.wait(days=1)
    await house.slack.team_answers()
    await close(house, "archived")
    await house.wait(days=4)  # the questions closed meanwhile, by their rules
    assert await count(house, schema.figures) > 0
    assert not any("stakes" in text for text in in_channel(house))
    (results,) = [m for m in ana.me.dm_with_bot() if "for the leads first" in m["text"]]
    assert "once I can write in the channel again" in shown(results["blocks"])

    await open_again(house, "archived")
    await house.wait(days=2)

    shown_to_team = [m for m in ana.me.visible(LAUNCH) if m.get("thread_ts") not in (None, m["ts"])]
    assert len(shown_to_team) == 1
    assert await count(house, schema.round_comments) == 0


async def test_a_paused_phase_ends_on_its_day_and_only_in_private(house: House, ana: Lead) -> None:
    await ana.starts()
    await close(house, "archived")
    before = in_channel(house)

    await house.wait(days=15)

    assert (await phase(house)).state == "ended"
    asked = said(house, ANA, "What did it bring?")
    assert "I cannot write in the channel now" in shown(asked["blocks"])
    await press(house, ANA, "phases.end", asked)
    await ana.sends(outcome="Beta is out.")
    assert "The channel cannot be written in" in shown(ana.blocks)
    await ana.me.close()
    await house.wait(days=3)
    assert any("it's over" in text for text in told(house, BEN))
    assert in_channel(house) == before

    await open_again(house, "archived")

    assert in_channel(house) == ["🏁 Results sprint, ended Mon 7 Dec: ship the beta"]
    channel = house.slack.workspace.conversations[LAUNCH]
    assert channel.pins == channel.bookmarks == []


async def test_a_paused_phase_can_be_extended_and_says_so_when_it_goes_on(
    house: House, ana: Lead
) -> None:
    await ana.starts()
    await close(house, "outside")
    await ana.me.command("/imbalance extend", LAUNCH)
    await ana.sends(**{"ends_on": "2026-12-10", "reason": "The audit came late."})
    assert "once I can write in it again" in shown(ana.blocks)
    await ana.me.close()

    await open_again(house, "outside")

    announcement = shown(ana.me.visible(LAUNCH)[0]["blocks"])
    assert "until Thu 10 Dec" in announcement
    assert "The audit came late." in announcement


async def test_where_it_stands_is_said_in_words(house: House, ana: Lead) -> None:
    await ana.starts()
    await ana.me.close()
    await close(house, "outside")

    card = await ana.me.command("/imbalance", LAUNCH)
    assert "paused: I am not in the channel any more" in shown(card.body["blocks"])
    assert "Try again" in shown(card.body["blocks"])
    home = await ana.me.open_home()
    await house.settle()
    home = ana.me.home
    assert home is not None
    assert "paused: I am not in the channel any more" in shown(home["blocks"])
    assert "this phase is paused" in (await ana.me.command("/imbalance poll", LAUNCH)).text
    assert "one at a time" in (await ana.me.command("/imbalance start", LAUNCH)).text


async def test_another_channel_goes_on_meanwhile(house: House, ana: Lead) -> None:
    await ana.starts()
    await ana.me.close()
    await ana.starts(channel_id=PLATFORM)
    await ana.me.close()
    await close(house, "archived")

    await house.wait(days=3)

    assert "11 days left" in shown(ana.me.visible(PLATFORM)[0]["blocks"])
    assert any("questions" in text for text in told(house, BEN))


@pytest.mark.parametrize("backwards", [False, True])
async def test_events_that_come_twice_or_in_disorder_change_nothing_twice(
    house: House, ana: Lead, backwards: bool
) -> None:
    await ana.starts()
    house.slack.core.events.hold()
    house.slack.archive(LAUNCH)
    house.slack.unarchive(LAUNCH)
    house.slack.faults.duplicate_events(2)
    await house.slack.core.events.release(backwards=backwards)
    await house.settle()

    assert (await phase(house)).paused_at is None
    assert told(house) == []


async def test_where_no_event_came_the_bot_looks_for_itself(house: House, ana: Lead) -> None:
    await ana.starts()
    channel = house.slack.workspace.conversations[LAUNCH]
    channel.is_archived = True  # unheard
    await house.wait(days=1)
    assert "is paused" in told(house)[0]

    channel.is_archived = False
    await house.wait(days=1)

    assert "goes on" in told(house)[0]


async def test_a_deleted_channel_ends_its_phase_and_gives_back_what_waited(
    house: House, ana: Lead
) -> None:
    await ana.starts()
    await ana.me.close()
    house.slack.delete_channel(LAUNCH)
    await house.settle()

    gone = said(house, ANA, "its channel was deleted")
    assert "Dark mode: back with" in shown(gone["blocks"])
    assert (await phase(house)).state == "ended"
    await press(house, ANA, "phases.end", gone)
    await ana.sends(outcome="Nothing more.")
    await house.wait(days=40)
    assert any("it's over" in text for text in told(house, BEN))
    assert not any("questions" in text for text in told(house, BEN))
    assert house.slack.problems == []


async def test_a_renamed_channel_is_called_by_its_new_name(house: House, ana: Lead) -> None:
    """Whatever we write names it by its id; Slack shows the name it has now."""
    await ana.starts()
    await house.wait(days=1)
    house.slack.rename(LAUNCH, "lunch")
    await house.settle()

    assert f"<#{LAUNCH}>" in str(house.slack.as_user(BEN).dm_with_bot())
    for table in (schema.phases, schema.messages, schema.agenda, schema.rounds):
        async with house.bot.db.reading() as reader:
            rows = (await reader.execute(select(table))).all()
        assert "#launch" not in str(rows)


async def test_a_channel_with_a_new_id_takes_everything_along(house: House, ana: Lead) -> None:
    await ana.starts()
    await ana.me.close()
    await house.slack.as_user(CHIARA).open_home()
    await house.settle()
    await house.slack.as_user(CHIARA).click("home.opt_out")
    house.slack.faults.duplicate_events()
    house.slack.change_channel_id(LAUNCH, MOVED)
    await house.settle()

    assert (await phase(house)).channel_id == MOVED
    async with house.bot.db.reading() as reader:
        for column in (schema.messages.c.conversation, schema.messages.c.channel):
            assert LAUNCH not in set(await reader.scalars(select(column)))
        optouts = (await reader.execute(select(schema.channel_optouts))).all()
    assert [(row.channel_id, row.user_id) for row in optouts] == [(MOVED, CHIARA)]
    await house.wait(days=1)
    assert told(house, CHIARA) == []
    assert any("questions" in text for text in told(house, BEN))
    assert "13 days left" in shown(ana.me.visible(MOVED)[0]["blocks"])
    await house.slack.team_answers()
    await house.wait(days=14)
    assert house.slack.workspace.pins(MOVED) == []
    assert any("it's over" in text for text in in_channel(house, MOVED))
    assert house.slack.problems == []


async def test_a_refusal_before_the_new_id_was_heard_of_is_made_up_for(
    house: House, ana: Lead
) -> None:
    await ana.starts()
    house.slack.core.events.hold()
    house.slack.change_channel_id(LAUNCH, MOVED)
    await house.wait(days=1)
    assert (await phase(house)).paused_because == "unseen"

    await house.slack.core.events.release()
    await house.settle()

    assert (await phase(house)).paused_at is None
    assert "13 days left" in shown(ana.me.visible(MOVED)[0]["blocks"])


async def test_a_phase_begun_under_the_new_id_stays(house: House, ana: Lead) -> None:
    await ana.starts()
    await ana.me.close()
    house.slack.core.events.hold()
    house.slack.change_channel_id(LAUNCH, MOVED)
    await ana.starts(channel_id=MOVED)
    await house.slack.core.events.release()
    await house.settle()

    async with house.bot.db.reading() as reader:
        phases = (await reader.execute(select(schema.phases))).all()
    assert [one.channel_id for one in phases] == [MOVED, MOVED]
    assert sorted(one.state for one in phases) == ["active", "ended"]


async def test_only_leads_and_admins_let_it_try_again(house: House, ana: Lead) -> None:
    await ana.starts()
    await ana.me.close()
    await close(house, "outside")
    await ana.me.command("/imbalance", LAUNCH)
    ben, olivia = house.slack.as_user(BEN), house.slack.as_user(OWNER)
    value = (await phase(house)).phase_id
    pressed = {"type": "button", "action_id": "phases.try_again", "block_id": "b", "value": value}
    for person, then in ((ben, "outside"), (olivia, None)):
        await house.slack.interact(
            {
                "type": "block_actions",
                "team": {"id": "T0PLAY", "domain": "northwind"},
                "user": {"id": person.user_id, "team_id": "T0PLAY"},
                "trigger_id": "1.1.a",
                "actions": [pressed],
            }
        )
        assert (await phase(house)).paused_because == then
