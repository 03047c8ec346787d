"""While the app is uninstalled, the agenda of the workspace waits."""

from datetime import timedelta

from bot.agenda.claims import claim, due, reschedule_failed
from bot.agenda.schedule import AgendaItem, next_due
from bot.clock import AdjustableClock, real_now
from bot.db.engine import Database
from bot.workspaces.lifecycle import install, uninstall
from bot.workspaces.retention import PURGED_AFTER
from tests.harness import WORKSPACE

INSTALLATION = {"team_id": WORKSPACE, "user_id": "U0BOT", "team": "Play"}


async def due_items(db: Database, clock: AdjustableClock) -> list[AgendaItem]:
    async with db.reading() as reader:
        return await due(reader, clock.now(), real_now(), 100)


async def test_agenda_of_an_uninstalled_workspace_waits_for_reinstallation(
    db: Database, clock: AdjustableClock
) -> None:
    await install(db, INSTALLATION, clock.now())
    clock.advance(timedelta(days=2))
    async with db.transaction() as tx:
        _, tidy = await claim(tx, clock.now(), real_now(), 10)
        assert await uninstall(tx, WORKSPACE, "token_revoked", clock.now())
    async with db.transaction() as tx:  # was running when Slack refused the token
        await reschedule_failed(tx, tidy, real_now() - timedelta(seconds=1))

    assert await due_items(db, clock) == []
    async with db.reading() as reader:
        assert await next_due(reader) == clock.now() + PURGED_AFTER

    await install(db, INSTALLATION, clock.now())
    assert [item.action for item in await due_items(db, clock)] == ["tidy", "catch_up"]
