"""Our token is no good any more: everything waits, and goes on when it is."""

import pytest
from sqlalchemy import select

from bot.app import Imbalance
from bot.db import schema
from bot.outbox.rate_limits import RateLimits
from bot.settings import Settings
from bot.workspaces.lifecycle import install
from tests.harness import BEN, DEV, LAUNCH, MEMBERS, BotHarness
from tests.scenarios.lead import Lead, shown
from tests.scenarios.screen import told


def said_and_read(harness: BotHarness) -> int:
    """The calls to Slack, but those that only ask whether our token is good."""
    return sum(call.method != "auth.test" for call in harness.slack.calls)


@pytest.mark.parametrize(
    "how", ["token_revoked", "account_inactive", "invalid_auth", "uninstalled"]
)
async def test_without_a_token_everything_waits_and_goes_on_after(
    harness: BotHarness, ana: Lead, settings: Settings, how: str
) -> None:
    await ana.starts()
    if how == "uninstalled":
        harness.slack.uninstall()
        await harness.settle()
    else:
        harness.slack.core.install.revoked = how  # unheard

    await harness.wait(days=3)

    workspaces = schema.workspaces
    async with harness.bot.db.reading() as reader:
        assert await reader.scalar(select(workspaces.c.state)) == "uninstalled"
    tried = said_and_read(harness)
    await harness.wait(days=4)
    assert said_and_read(harness) == tried
    assert all(told(harness, member) == [] for member in MEMBERS)

    harness.slack.reinstall()
    await harness.bot.stop()
    again = Imbalance(settings, harness.clock, pace=RateLimits(limited=False))
    await again.start()
    try:
        await again.catch_up()
        later = BotHarness(bot=again, slack=harness.slack, clock=harness.clock)
        assert "7 days left" in shown(ana.me.visible(LAUNCH)[0]["blocks"])
        await later.wait(days=2)
        assert any("questions" in text for text in told(harness, DEV))
    finally:
        await again.stop()


@pytest.mark.parametrize("error", ["invalid_auth", "account_inactive"])
async def test_a_token_that_slack_refused_on_a_bad_day_heals_by_itself(
    harness: BotHarness, ana: Lead, error: str
) -> None:
    await ana.starts()
    harness.slack.core.install.revoked = error
    await harness.wait(days=1)
    assert told(harness, BEN) == []
    asked = sum(call.method == "auth.test" for call in harness.slack.calls)
    assert 4 <= asked <= 10  # ever more seldom

    harness.slack.reinstall()
    await harness.wait(hours=10)

    assert all(told(harness, member) for member in MEMBERS)
    assert "13 days left" in shown(ana.me.visible(LAUNCH)[0]["blocks"])


async def test_an_old_removal_does_not_undo_a_new_installation(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    harness.slack.core.events.hold()
    harness.slack.uninstall()
    harness.slack.reinstall()
    await harness.wait(hours=1)
    us = (await harness.bot.client.auth_test()).data
    assert isinstance(us, dict)
    await install(harness.bot.db, us, harness.clock.now())
    await harness.slack.core.events.release(backwards=True)
    await harness.settle()

    await harness.wait(days=1, hours=8)

    assert all(told(harness, member) for member in MEMBERS)
