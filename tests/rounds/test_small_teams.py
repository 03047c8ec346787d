"""Teams too small for anonymous answers get talking points in their channel instead."""

from datetime import UTC, datetime

import pytest

from bot.clock import AdjustableClock
from bot.db.engine import Database
from bot.rounds.lifecycle import plan_rounds
from bot.rounds.poll import poll
from bot.services import Services
from bot.slack.errors import Refused
from bot.slack.request import Request
from bot.workspaces.rules import WorkspaceSettings
from tests.harness import ANA, BEN, CHIARA, DEV, EMI, LAUNCH, WORKSPACE
from tests.rounds.evidence import agenda_of, carry_out, said, the_round
from tests.rounds.round_rows import NOW, PHASE, ZONES, a_person, a_phase, a_workspace, the_phase
from tests.rounds.test_opening import open_first


async def start_small_team(db: Database, *members: str, settings: WorkspaceSettings) -> None:
    async with db.transaction() as tx:
        for user_id in ZONES:
            await a_person(tx, user_id)
        await a_workspace(tx, settings)
        await a_phase(tx, members=members)
        await plan_rounds(tx, WORKSPACE, await the_phase(tx), NOW)


async def test_team_under_four_gets_talking_points_and_no_round(
    db: Database, services: Services, clock: AdjustableClock
) -> None:
    await start_small_team(db, BEN, CHIARA, DEV, settings=WorkspaceSettings())

    await open_first(services, clock)
    assert await the_round(db) is None
    clock.move_to((await agenda_of(db, "post_talking_points"))[f"{PHASE}:2026-11-24"])
    await carry_out(services, "post_talking_points")

    assert list(await said(db)) == [f"talking_points:{PHASE}:2026-11-24"]
    assert await agenda_of(db, "ask") == {}
    assert await agenda_of(db, "close_round") == {}


async def test_team_smaller_than_the_minimum_gets_no_round(
    db: Database, services: Services, clock: AdjustableClock
) -> None:
    settings = WorkspaceSettings(minimum_small=5)
    await start_small_team(db, BEN, CHIARA, DEV, EMI, settings=settings)

    await open_first(services, clock)

    assert await the_round(db) is None
    assert list(await agenda_of(db, "post_talking_points")) == [f"{PHASE}:2026-11-24"]


async def test_small_team_poll_posts_talking_points_once_a_day(
    db: Database, services: Services, clock: AdjustableClock
) -> None:
    await start_small_team(db, BEN, CHIARA, DEV, settings=WorkspaceSettings())
    clock.move_to(datetime(2026, 11, 27, 12, tzinfo=UTC))
    request = Request(workspace_id=WORKSPACE, channel_id=LAUNCH, user_id=ANA)
    assert "too small for anonymous answers" in await poll(services, request)
    await carry_out(services, "post_talking_points")

    with pytest.raises(Refused, match="already in the channel"):
        await poll(services, request)

    assert await agenda_of(db, "post_talking_points") == {}
