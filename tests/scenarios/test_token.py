"""An invalid bot token: all work waits until the token is valid again."""

import pytest
from sqlalchemy import select

from bot.app import Imbalance
from bot.db import schema
from bot.outbox.rate_limits import RateLimits
from bot.settings import Settings
from bot.workspaces.lifecycle import install
from tests.harness import BEN, DEV, LAUNCH, MEMBERS, BotHarness
from tests.scenarios.lead import Lead, shown
from tests.scenarios.screen import dm_texts


def calls_besides_auth_test(harness: BotHarness) -> int:
    """Return the number of calls to Slack, without the checks of the token."""
    return sum(call.method != "auth.test" for call in harness.slack.calls)


@pytest.mark.parametrize(
    "revocation", ["token_revoked", "account_inactive", "invalid_auth", "uninstalled"]
)
async def test_work_stops_without_a_valid_token_and_resumes_after_reinstalling(
    harness: BotHarness, ana: Lead, settings: Settings, revocation: str
) -> None:
    await ana.starts()
    if revocation == "uninstalled":
        harness.slack.uninstall()
        await harness.settle()
    else:
        harness.slack.core.install.revoked = revocation  # without an event

    await harness.wait(days=3)

    workspaces = schema.workspaces
    async with harness.bot.db.reading() as reader:
        assert await reader.scalar(select(workspaces.c.state)) == "uninstalled"
    calls_before = calls_besides_auth_test(harness)
    await harness.wait(days=4)
    assert calls_besides_auth_test(harness) == calls_before
    assert all(dm_texts(harness, member) == [] for member in MEMBERS)

    harness.slack.reinstall()
    await harness.bot.stop()
    restarted = Imbalance(settings, harness.clock, rate_limits=RateLimits(limited=False))
    await restarted.start()
    try:
        await restarted.catch_up()
        later = BotHarness(bot=restarted, slack=harness.slack, clock=harness.clock)
        assert "7 days left" in shown(ana.me.visible(LAUNCH)[0]["blocks"])
        await later.wait(days=2)
        assert any("questions" in text for text in dm_texts(harness, DEV))
    finally:
        await restarted.stop()


@pytest.mark.parametrize("error", ["invalid_auth", "account_inactive"])
async def test_temporarily_refused_token_recovers_without_a_restart(
    harness: BotHarness, ana: Lead, error: str
) -> None:
    await ana.starts()
    harness.slack.core.install.revoked = error
    await harness.wait(days=1)
    assert dm_texts(harness, BEN) == []
    auth_tests = sum(call.method == "auth.test" for call in harness.slack.calls)
    assert 4 <= auth_tests <= 10  # at growing intervals

    harness.slack.reinstall()
    await harness.wait(hours=10)

    assert all(dm_texts(harness, member) for member in MEMBERS)
    assert "13 days left" in shown(ana.me.visible(LAUNCH)[0]["blocks"])


async def test_late_uninstall_event_does_not_undo_a_reinstallation(
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

    assert all(dm_texts(harness, member) for member in MEMBERS)
