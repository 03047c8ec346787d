"""A removal counts from the very moment of the installation on; an older one is Slack's delay."""

from datetime import timedelta

import pytest

from bot.clock import AdjustableClock
from bot.db.engine import Database
from bot.outbox.admin_queries import halt_reason
from bot.workspaces import store
from bot.workspaces.lifecycle import install, uninstall
from tests.conftest import MONDAY
from tests.harness import WORKSPACE

US = {"team_id": WORKSPACE, "user_id": "U0BOT", "team": "Play"}
MOMENT = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("after", "counts"), [(-MOMENT, False), (timedelta(0), True), (MOMENT, True)]
)
async def test_a_removal_counts_from_the_moment_of_the_installation_on(
    db: Database, clock: AdjustableClock, after: timedelta, counts: bool
) -> None:
    await install(db, US, clock.now())
    async with db.transaction() as tx:
        assert await uninstall(tx, WORKSPACE, "app_uninstalled", MONDAY + after) is counts

    async with db.reading() as reader:
        assert await store.installed_workspaces(reader) == (() if counts else (WORKSPACE,))
        assert await halt_reason(reader, WORKSPACE) == ("app_uninstalled" if counts else None)


async def test_a_new_installation_makes_an_earlier_removal_old(
    db: Database, clock: AdjustableClock
) -> None:
    await install(db, US, clock.now())
    clock.advance(timedelta(days=1))
    await install(db, US, clock.now())
    async with db.transaction() as tx:
        removed_at = clock.now() - MOMENT
        assert not await uninstall(tx, WORKSPACE, "app_uninstalled", removed_at)
        assert await store.installed_workspaces(tx) == (WORKSPACE,)
