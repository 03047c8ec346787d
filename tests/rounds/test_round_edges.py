"""Rounds nobody answered, people who were not asked, and a small team's questions day by day."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.agenda import schedule
from bot.clock import AdjustableClock, random_bytes
from bot.db.engine import Database
from bot.keys import KeyRing
from bot.rounds import answering, ballots
from bot.rounds.lifecycle import plan_rounds
from bot.rounds.messages import skipped
from bot.rounds.poll import poll
from bot.services import Services
from bot.slack.errors import Refused
from bot.slack.request import Request
from tests.harness import ANA, BEN, CHIARA, DEV, LAUNCH, OWNER, WORKSPACE
from tests.rounds.evidence import agenda_of, carry_out, said, the_round
from tests.rounds.round_rows import NOW, PHASE, ROUND, ZONES, a_person, a_phase, a_round, the_phase

CLOSES_AT = NOW + timedelta(days=2)
HERE = Request(workspace_id=WORKSPACE, channel_id=LAUNCH, user_id=ANA)


@pytest.fixture
async def open_round(db: Database, services: Services) -> Database:
    async with db.transaction() as tx:
        for user_id in ZONES:
            await a_person(tx, user_id)
        await a_phase(tx)
        await a_round(tx)
        await ballots.create_secret(tx, services.keys, WORKSPACE, ROUND)
        await schedule.add(tx, WORKSPACE, action="close_round", subject=ROUND, due_at=CLOSES_AT)
    return db


async def test_a_lost_key_delays_no_round_that_nobody_answered(
    open_round: Database, services: Services, clock: AdjustableClock
) -> None:
    clock.move_to(CLOSES_AT)

    await carry_out(replace(services, keys=KeyRing([random_bytes(32)])), "close_round")

    assert (await the_round(open_round)).state == "cancelled"


@pytest.mark.parametrize("user_id", [OWNER, "U0NOBODY"])
async def test_nothing_is_shown_to_a_person_who_was_not_asked(
    open_round: Database, services: Services, user_id: str
) -> None:
    request = Request(workspace_id=WORKSPACE, user_id=user_id, target_id=ROUND)

    await answering.show(services, request, skipped(ROUND, LAUNCH, CLOSES_AT))

    assert await said(open_round) == {}


async def test_a_small_team_is_polled_again_the_next_day(
    db: Database, services: Services, clock: AdjustableClock
) -> None:
    async with db.transaction() as tx:
        for user_id in ZONES:
            await a_person(tx, user_id)
        await a_phase(tx, members=(BEN, CHIARA, DEV))
        await plan_rounds(tx, WORKSPACE, await the_phase(tx), NOW)
    clock.move_to(datetime(2026, 11, 26, 12, tzinfo=UTC))
    for _ in range(2):
        assert "too small for answers without names" in await poll(services, HERE)
        await carry_out(services, "talk")
        with pytest.raises(Refused, match="stand in the channel already"):
            await poll(services, HERE)
        clock.advance(timedelta(days=1))

    talked = [key for key in await said(db) if key.startswith("talking_points:")]
    assert sorted(talked) == [f"talking_points:{PHASE}:2026-11-2{day}" for day in (6, 7)]
    assert await agenda_of(db, "talk") == {}
