"""From when people may be written to, by what we remember of them."""

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
    ("default_zone", "nobody_knows"),
    [("UTC", datetime(2026, 11, 24, 8, tzinfo=UTC)), ("Asia/Tokyo", NIGHT)],
)
async def test_each_in_their_own_zone_and_strangers_in_the_workspaces(
    db: Database, default_zone: str, nobody_knows: datetime
) -> None:
    us = {"team_id": WORKSPACE, "user_id": "U0BOT", "team": "Play"}
    await install(db, us, NIGHT)
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
        CHIARA: nobody_knows,
        "U0NEW": nobody_knows,
    }
