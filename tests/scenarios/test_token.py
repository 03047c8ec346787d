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


def said_and_read(house: BotHarness) -> int:
    """The calls to Slack, but those that only ask whether our token is good."""
    return sum(call.method != "auth.test" for call in house.slack.calls)


@pytest.mark.parametrize(
    "how", ["token_revoked", "account_inactive", "invalid_auth", "uninstalled"]
)
async def test_without_a_token_everything_waits_and_goes_on_after(
    house: BotHarness, ana: Lead, settings: Settings, how: str
) -> None:
    await ana.starts()
    if how == "uninstalled":
        house.slack.uninstall()
        await house.settle()
    else:
        house.slack.core.install.revoked = how  # unheard

    await house.wait(days=3)

    workspaces = schema.workspaces
    async with house.bot.db.reading() as reader:
        assert await reader.scalar(select(workspaces.c.state)) == "uninstalled"
    tried = said_and_read(house)
    await house.wait(days=4)
    assert said_and_read(house) == tried
    assert all(told(house, member) == [] for member in MEMBERS)

    house.slack.reinstall()
    await house.bot.stop()
    again = Imbalance(settings, house.clock, pace=RateLimits(limited=False))
    await again.start()
    try:
        await again.catch_up()
        later = BotHarness(bot=again, slack=house.slack, clock=house.clock)
        assert "7 days left" in shown(ana.me.visible(LAUNCH)[0]["blocks"])
        await later.wait(days=2)
        assert any("questions" in text for text in told(house, DEV))
    finally:
        await again.stop()


@pytest.mark.parametrize("error", ["invalid_auth", "account_inactive"])
async def test_a_token_that_slack_refused_on_a_bad_day_heals_by_itself(
    house: BotHarness, ana: Lead, error: str
) -> None:
    await ana.starts()
    house.slack.core.install.revoked = error
    await house.wait(days=1)
    assert told(house, BEN) == []
    asked = sum(call.method == "auth.test" for call in house.slack.calls)
    assert 4 <= asked <= 10  # ever more seldom

    house.slack.reinstall()
    await house.wait(hours=10)

    assert all(told(house, member) for member in MEMBERS)
    assert "13 days left" in shown(ana.me.visible(LAUNCH)[0]["blocks"])


async def test_an_old_removal_does_not_undo_a_new_installation(
    house: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    house.slack.core.events.hold()
    house.slack.uninstall()
    house.slack.reinstall()
    await house.wait(hours=1)
    us = (await house.bot.client.auth_test()).data
    assert isinstance(us, dict)
    await install(house.bot.db, us, house.clock.now())
    await house.slack.core.events.release(backwards=True)
    await house.settle()

    await house.wait(days=1, hours=8)

    assert all(told(house, member) for member in MEMBERS)
