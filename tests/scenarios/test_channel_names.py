"""A channel is renamed, or gets another id, as when it is shared with another organisation."""

from sqlalchemy import select

from bot.db import schema
from tests.harness import BEN, CHIARA, LAUNCH, BotHarness
from tests.scenarios.lead import Lead, shown
from tests.scenarios.screen import in_channel, phase, told

MOVED = "C0MOVED"


async def test_a_renamed_channel_is_called_by_its_new_name(house: BotHarness, ana: Lead) -> None:
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


async def test_a_channel_with_a_new_id_takes_everything_along(house: BotHarness, ana: Lead) -> None:
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
    house: BotHarness, ana: Lead
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


async def test_a_phase_begun_under_the_new_id_stays(house: BotHarness, ana: Lead) -> None:
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
