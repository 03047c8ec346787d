"""Channels that are renamed, or get another id when shared with another organisation."""

from sqlalchemy import select

from bot.db import schema
from tests.harness import BEN, CHIARA, LAUNCH, BotHarness
from tests.scenarios.lead import Lead, shown
from tests.scenarios.screen import channel_texts, dm_texts, phase

NEW_CHANNEL_ID = "C0MOVED"


async def test_channel_is_stored_by_id_so_a_rename_needs_no_update(
    harness: BotHarness, ana: Lead
) -> None:
    """Slack shows the current name of a channel mentioned by its id."""
    await ana.starts()
    await harness.wait(days=1)
    harness.slack.rename(LAUNCH, "lunch")
    await harness.settle()

    assert f"<#{LAUNCH}>" in str(harness.slack.as_user(BEN).dm_with_bot())
    for table in (schema.phases, schema.messages, schema.agenda, schema.rounds):
        async with harness.bot.db.reading() as reader:
            rows = (await reader.execute(select(table))).all()
        assert "#launch" not in str(rows)


async def test_channel_id_change_migrates_phase_messages_and_opt_outs(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    await ana.me.close()
    await harness.slack.as_user(CHIARA).open_home()
    await harness.settle()
    await harness.slack.as_user(CHIARA).click("home.opt_out")
    harness.slack.faults.duplicate_events()
    harness.slack.change_channel_id(LAUNCH, NEW_CHANNEL_ID)
    await harness.settle()

    assert (await phase(harness)).channel_id == NEW_CHANNEL_ID
    async with harness.bot.db.reading() as reader:
        for column in (schema.messages.c.conversation, schema.messages.c.channel):
            assert LAUNCH not in set(await reader.scalars(select(column)))
        optouts = (await reader.execute(select(schema.channel_optouts))).all()
    assert [(row.channel_id, row.user_id) for row in optouts] == [(NEW_CHANNEL_ID, CHIARA)]
    await harness.wait(days=1)
    assert dm_texts(harness, CHIARA) == []
    assert any("questions" in text for text in dm_texts(harness, BEN))
    assert "13 days left" in shown(ana.me.visible(NEW_CHANNEL_ID)[0]["blocks"])
    await harness.slack.let_team_answer()
    await harness.wait(days=14)
    assert harness.slack.workspace.pins(NEW_CHANNEL_ID) == []
    assert any("has wrapped up" in text for text in channel_texts(harness, NEW_CHANNEL_ID))
    assert harness.slack.problems == []


async def test_phase_paused_before_the_channel_id_change_event_resumes_after_it(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    harness.slack.core.events.hold()
    harness.slack.change_channel_id(LAUNCH, NEW_CHANNEL_ID)
    await harness.wait(days=1)
    assert (await phase(harness)).pause_reason == "unseen"

    await harness.slack.core.events.release()
    await harness.settle()

    assert (await phase(harness)).paused_at is None
    assert "13 days left" in shown(ana.me.visible(NEW_CHANNEL_ID)[0]["blocks"])


async def test_phase_started_under_the_new_channel_id_survives_the_change_event(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    await ana.me.close()
    harness.slack.core.events.hold()
    harness.slack.change_channel_id(LAUNCH, NEW_CHANNEL_ID)
    await ana.starts(channel_id=NEW_CHANNEL_ID)
    await harness.slack.core.events.release()
    await harness.settle()

    async with harness.bot.db.reading() as reader:
        phases = (await reader.execute(select(schema.phases))).all()
    assert [one.channel_id for one in phases] == [NEW_CHANNEL_ID, NEW_CHANNEL_ID]
    assert sorted(one.state for one in phases) == ["active", "ended"]
