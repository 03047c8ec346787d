"""Polls outside the weekly schedule, and the planned rounds skipped because of them."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from bot.clock import AdjustableClock
from bot.db import schema
from bot.db.engine import Database
from bot.rounds.poll import poll
from bot.services import Services
from bot.slack.errors import Refused
from bot.slack.request import Request
from tests.harness import ANA, BEN, EMI, LAUNCH, OWNER, WORKSPACE
from tests.rounds.evidence import agenda_of, carry_out, the_round
from tests.rounds.round_rows import PHASE

WEEKLY = f"{PHASE}:weekly:2026-12-01"
CLOSING = f"{PHASE}:closing:2026-12-15"


def by(user_id: str, channel_id: str = LAUNCH) -> Request:
    return Request(workspace_id=WORKSPACE, channel_id=channel_id, user_id=user_id)


async def test_lead_poll_opens_a_round_at_once(
    phase: Database, services: Services, clock: AdjustableClock
) -> None:
    clock.move_to(datetime(2026, 11, 27, 12, tzinfo=UTC))  # Friday noon

    reply = await poll(services, by(ANA))

    opened = await the_round(phase)
    assert reply.startswith("7 people are asked")
    assert opened.kind == "poll"
    asks = await agenda_of(phase, "ask")
    assert asks[f"{opened.round_id}:{BEN}"] == clock.now()
    # 21:00 in Tokyo: Emi is asked on Monday morning.
    assert asks[f"{opened.round_id}:{EMI}"] == datetime(2026, 11, 29, 23, tzinfo=UTC)
    assert opened.closes_at == datetime(2026, 12, 1, 23, tzinfo=UTC)


async def test_weekly_round_soon_after_a_poll_is_skipped(
    phase: Database, services: Services, clock: AdjustableClock
) -> None:
    clock.move_to(datetime(2026, 11, 27, 12, tzinfo=UTC))
    await poll(services, by(ANA))

    clock.move_to((await agenda_of(phase, "open_round"))[WEEKLY])
    await carry_out(services, "open_round", WEEKLY)

    assert (await the_round(phase)).kind == "poll"


async def test_closing_round_soon_after_a_poll_is_skipped(
    phase: Database, services: Services, clock: AdjustableClock
) -> None:
    clock.move_to(datetime(2026, 12, 11, 12, tzinfo=UTC))
    await poll(services, by(ANA))

    clock.move_to((await agenda_of(phase, "open_round"))[CLOSING])
    await carry_out(services, "open_round", CLOSING)

    assert (await the_round(phase)).kind == "poll"


@pytest.mark.parametrize("user_id", [ANA, OWNER])
@pytest.mark.parametrize("changed", [{"is_guest": True}, {"is_deleted": True}])
async def test_lead_or_admin_without_full_membership_cannot_poll(
    phase: Database, services: Services, user_id: str, changed: dict[str, bool]
) -> None:
    async with phase.transaction() as tx:
        is_person = schema.people.c.user_id == user_id
        await tx.execute(update(schema.people).where(is_person).values(**changed))

    with pytest.raises(Refused, match="Guests"):
        await poll(services, by(user_id))


async def test_refused_polls_give_a_reason(
    phase: Database, services: Services, clock: AdjustableClock
) -> None:
    with pytest.raises(Refused, match="No phase is running"):
        await poll(services, by(ANA, "C0PLATF"))
    with pytest.raises(Refused, match="Only this phase's leads"):
        await poll(services, by(BEN))
    await poll(services, by(OWNER))
    clock.advance(timedelta(days=4, hours=23))
    with pytest.raises(Refused, match="You can ask again from"):
        await poll(services, by(ANA))
    clock.advance(timedelta(hours=1))
    assert "are asked" in await poll(services, by(ANA))
