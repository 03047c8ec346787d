"""Results that also stand in the channel: rows left by rounds shown shortly after one another."""

from datetime import timedelta

from sqlalchemy import select, update

from bot.clock import AdjustableClock
from bot.db import schema
from bot.db.engine import Database
from bot.services import Services
from tests.results.steps import CLOSED, FRIDAY, close, show
from tests.rounds.evidence import agenda_of, carry_out, said


async def in_channel(db: Database) -> list[str]:
    rounds = schema.rounds
    async with db.reading() as reader:
        query = select(rounds.c.round_id).where(rounds.c.is_broadcast.is_(True))
        return list(await reader.scalars(query.order_by(rounds.c.number)))


async def test_second_round_within_a_week_stays_in_the_thread(
    phase: Database, services: Services, clock: AdjustableClock
) -> None:
    """A poll five days after the last questions, then the next weekly round."""
    for number, days in ((1, 0), (2, 5), (3, 7)):
        await close(phase, f"r{number}", number=number, now=CLOSED + timedelta(days=days))
        due_at = (await agenda_of(phase, "show_results"))[f"r{number}"]
        clock.move_to(due_at)
        await show(services, f"r{number}", due_at)

    assert await in_channel(phase) == ["r1", "r3"]
    queued = await said(phase)
    assert queued["results:r1"]["is_broadcast"] is True
    assert "is_broadcast" not in queued["results:r2"]


async def test_only_the_newest_of_the_results_missed_in_a_pause_reach_the_channel(
    phase: Database, services: Services, clock: AdjustableClock
) -> None:
    for number in (1, 2, 3):
        await close(phase, f"r{number}", number=number)
    clock.move_to(FRIDAY)
    for number in (1, 2, 3):
        await show(services, f"r{number}")

    assert await in_channel(phase) == ["r3"]


async def test_results_without_levels_do_not_reach_the_channel(
    phase: Database, services: Services, clock: AdjustableClock
) -> None:
    await close(phase, counts=None)
    clock.move_to(FRIDAY)
    await show(services)

    assert await in_channel(phase) == []
    assert await agenda_of(phase, "link_results") == {"r1": FRIDAY + timedelta(minutes=2)}


async def test_links_wait_while_the_results_may_still_reach_slack(
    phase: Database, services: Services, clock: AdjustableClock
) -> None:
    await close(phase)
    clock.move_to(FRIDAY)
    await show(services)
    ten_minutes = timedelta(minutes=10)

    clock.move_to(FRIDAY + ten_minutes)
    assert await carry_out(services, "link_results") == ["r1"]
    assert await agenda_of(phase, "link_results") == {"r1": FRIDAY + 2 * ten_minutes}

    async with phase.transaction() as tx:
        of_results = update(schema.messages).where(schema.messages.c.key == "results:r1")
        await tx.execute(of_results.values(state="failed"))
    clock.move_to(FRIDAY + 2 * ten_minutes)
    await carry_out(services, "link_results")
    assert await agenda_of(phase, "link_results") == {}
