"""Expiry of questions, reminders and talking points that could not be sent in time."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from bot.agenda import schedule
from bot.clock import AdjustableClock
from bot.db import schema
from bot.db.engine import Database
from bot.outbox import sender_leases
from bot.outbox.delivery import Delivery
from bot.outbox.rate_limits import RateLimits
from bot.playground.server import FakeSlack
from bot.rounds import ballots, questions, store
from bot.services import Services
from bot.workspaces.rules import WorkspaceSettings
from tests.harness import ANA, BEN, CHIARA, DEV, LAUNCH, MEMBERS, TINY_PNG, WORKSPACE
from tests.rounds.evidence import agenda_of, carry_out, delivered
from tests.rounds.round_rows import NOW, PHASE, ROUND, a_person, a_phase, a_round
from tests.rounds.test_opening import open_first
from tests.rounds.test_small_teams import start_small_team

CLOSES = NOW + timedelta(days=2)
ASK, REMIND = f"ask:{ROUND}:{BEN}", f"remind:{ROUND}:{BEN}"


async def deliver(services: Services) -> None:
    async def draw_chart(_: object) -> bytes:
        return TINY_PNG

    async with services.db.transaction() as tx:
        await sender_leases.resume(tx, WORKSPACE)  # as an installation does
    pace = RateLimits(limited=False)
    await Delivery(
        services.db,
        services.clock,
        services.client_for,
        draw_chart,
        services.keys,
        rate_limits=pace,
    ).deliver_due()


async def state_and_expiry(db: Database, key: str) -> tuple[str, datetime]:
    messages = schema.messages
    async with db.reading() as reader:
        query = select(messages.c.state, messages.c.expires_at).where(messages.c.key == key)
        row = (await reader.execute(query)).one()
        return row.state, row.expires_at


async def ask_ben(db: Database, services: Services) -> None:
    async with db.transaction() as tx:
        for user_id in (ANA, *MEMBERS):
            await a_person(tx, user_id)
        await a_phase(tx)
        await a_round(tx, questions=store.as_json(questions.about_leads(["Ana"])))
        await ballots.create_secret(tx, services.keys, WORKSPACE, ROUND, CLOSES)
        subject = f"{ROUND}:{BEN}"
        await schedule.add(tx, WORKSPACE, action="ask", subject=subject, due_at=NOW)
    await carry_out(services, "ask")


@pytest.mark.parametrize("early", [timedelta(seconds=1), timedelta(0)])
@pytest.mark.parametrize("key", [ASK, REMIND])
async def test_questions_and_reminders_expire_when_the_round_closes(
    db: Database,
    services: Services,
    clock: AdjustableClock,
    fake_slack: FakeSlack,
    early: timedelta,
    key: str,
) -> None:
    await ask_ben(db, services)
    if key == REMIND:
        await delivered(db, ASK, ("D0BEN", "1.1"))
        clock.advance(timedelta(days=1))
        await carry_out(services, "remind")
    clock.move_to(CLOSES - early)
    await deliver(services)

    assert await state_and_expiry(db, key) == ("sent" if early else "expired", CLOSES)
    assert len(fake_slack.as_user(BEN).dm_with_bot()) == (1 if early else 0)


@pytest.mark.parametrize("early", [timedelta(seconds=1), timedelta(0)])
async def test_talking_points_expire_after_two_days(
    db: Database,
    services: Services,
    clock: AdjustableClock,
    fake_slack: FakeSlack,
    early: timedelta,
) -> None:
    await start_small_team(db, BEN, CHIARA, DEV, settings=WorkspaceSettings())
    await open_first(services, clock)
    due_at = (await agenda_of(db, "post_talking_points"))[f"{PHASE}:2026-11-24"]
    clock.move_to(due_at)
    await carry_out(services, "post_talking_points")
    clock.move_to(due_at + timedelta(days=2) - early)
    await deliver(services)

    expected = "sent" if early else "expired", due_at + timedelta(days=2)
    assert await state_and_expiry(db, f"talking_points:{PHASE}:2026-11-24") == expected
    assert bool(
        [post for post in fake_slack.as_user(BEN).visible(LAUNCH) if post.get("bot_id")]
    ) == bool(early)
