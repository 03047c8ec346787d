"""A channel is renamed, or gets another id, as when it is shared with another organisation."""

from sqlalchemy import select

from bot.db import schema
from tests.harness import BEN, CHIARA, LAUNCH, BotHarness
from tests.scenarios.lead import Lead, shown
from tests.scenarios.screen import in_channel, phase, told

MOVED = "C0MOVED"


async def test_a_renamed_channel_is_called_by_its_new_name(harness: BotHarness, ana: Lead) -> None:
    """Whatever we write names it by its id; Slack shows the name it has now."""
    await ana.starts()
    await harness.wait(days=1)
    harness.slack.rename(LAUNCH, "lunch")
    await harness.settle()

    assert f"<#{LAUNCH}>" in str(harness.slack.as_user(BEN).dm_with_bot())
    for table in (schema.phases, schema.messages, schema.agenda, schema.rounds):
        async with harness.bot.db.reading() as reader:
            rows = (await reader.execute(select(table))).all()
        assert "#launch" not in str(rows)


async def test_a_channel_with_a_new_id_takes_everything_along(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    await ana.me.close()
    await harness.slack.as_user(CHIARA).open_home()
    await harness.settle()
    await harness.slack.as_user(CHIARA).click("home.opt_out")
    harness.slack.faults.duplicate_events()
    harness.slack.change_channel_id(LAUNCH, MOVED)
    await harness.settle()

    assert (await phase(harness)).channel_id == MOVED
    async with harness.bot.db.reading() as reader:
        for column in (schema.messages.c.conversation, schema.messages.c.channel):
            assert LAUNCH not in set(await reader.scalars(select(column)))
        optouts = (await reader.execute(select(schema.channel_optouts))).all()
    assert [(row.channel_id, row.user_id) for row in optouts] == [(MOVED, CHIARA)]
    await harness.wait(days=1)
    assert told(harness, CHIARA) == []
    assert any("questions" in text for text in told(harness, BEN))
    assert "13 days left" in shown(ana.me.visible(MOVED)[0]["blocks"])
    await harness.slack.team_answers()
    await harness.wait(days=14)
    assert harness.slack.workspace.pins(MOVED) == []
    assert any("it's over" in text for text in in_channel(harness, MOVED))
    assert harness.slack.problems == []


async def test_a_refusal_before_the_new_id_was_heard_of_is_made_up_for(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    harness.slack.core.events.hold()
    harness.slack.change_channel_id(LAUNCH, MOVED)
    await harness.wait(days=1)
    assert (await phase(harness)).paused_because == "unseen"

    await harness.slack.core.events.release()
    await harness.settle()

    assert (await phase(harness)).paused_at is None
    assert "13 days left" in shown(ana.me.visible(MOVED)[0]["blocks"])


async def test_a_phase_begun_under_the_new_id_stays(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    await ana.me.close()
    harness.slack.core.events.hold()
    harness.slack.change_channel_id(LAUNCH, MOVED)
    await ana.starts(channel_id=MOVED)
    await harness.slack.core.events.release()
    await harness.settle()

    async with harness.bot.db.reading() as reader:
        phases = (await reader.execute(select(schema.phases))).all()
    assert [one.channel_id for one in phases] == [MOVED, MOVED]
    assert sorted(one.state for one in phases) == ["active", "ended"]
