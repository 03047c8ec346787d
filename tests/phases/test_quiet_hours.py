"""Next allowed time to message people, from their stored profiles."""

from datetime import UTC, datetime

import pytest

from bot.db.engine import Database
from bot.phases.quiet_hours import next_allowed_at
from bot.workspaces.lifecycle import install
from bot.workspaces.rules import WorkspaceSettings
from bot.workspaces.store import save_settings
from tests.harness import BEN, CHIARA, DEV, OWNER, WORKSPACE
from tests.rounds.round_rows import a_person

NIGHT = datetime(2026, 11, 24, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("default_zone", "by_default"),
    [("UTC", datetime(2026, 11, 24, 8, tzinfo=UTC)), ("Asia/Tokyo", NIGHT)],
)
async def test_next_allowed_time_uses_each_persons_zone_or_the_workspace_default(
    db: Database, default_zone: str, by_default: datetime
) -> None:
    auth = {"team_id": WORKSPACE, "user_id": "U0BOT", "team": "Play"}
    await install(db, auth, NIGHT)
    async with db.transaction() as tx:
        await a_person(tx, BEN)  # in Lagos
        await a_person(tx, DEV)  # in Kolkata
        await a_person(tx, CHIARA, zone=None)
        settings = WorkspaceSettings(default_zone=default_zone)
        await save_settings(tx, WORKSPACE, settings, actor=OWNER, now=NIGHT)

    async with db.reading() as reader:
        found = await next_allowed_at(reader, WORKSPACE, {BEN, CHIARA, DEV, "U0NEW"}, NIGHT)

    assert found == {
        BEN: datetime(2026, 11, 24, 7, tzinfo=UTC),
        DEV: NIGHT,  # 08:30
        CHIARA: by_default,
        "U0NEW": by_default,
    }
