"""The reads of a channel's history, on both engines."""

from datetime import timedelta

from sqlalchemy import insert, update

from bot.db import schema
from bot.db.engine import Database
from bot.history.model import HistoryPage
from bot.history.rules import PAGE_SIZE
from bot.history.store import history_page
from tests.harness import GENERAL, LAUNCH, WORKSPACE
from tests.results.result_rows import a_closed_round
from tests.rounds.round_rows import NOW, a_phase

COUNT = PAGE_SIZE + 2


async def filled(db: Database) -> None:
    """Insert twelve phases in #launch, and one in another channel."""
    async with db.transaction() as tx:
        for number in range(COUNT):
            await a_phase(
                tx,
                phase_id=f"phase{number:02}",
                members=(),
                state="ended",
                started_at=NOW + timedelta(days=number // 2),  # two at the same time
                ended_at=NOW,
            )
        await a_phase(tx, phase_id="elsewhere", channel_id=GENERAL)


async def read(db: Database, newer: int = 0, workspace_id: str = WORKSPACE) -> HistoryPage:
    async with db.reading() as reader:
        return await history_page(reader, workspace_id, LAUNCH, newer, NOW)


def numbers(page: HistoryPage) -> list[int]:
    return [int(past.phase.phase_id.removeprefix("phase")) for past in page.phases]


async def test_pages_have_every_phase_of_the_channel_once_newest_first(db: Database) -> None:
    await filled(db)
    first, second, third = [await read(db, newer) for newer in (0, PAGE_SIZE, 2 * PAGE_SIZE)]

    assert numbers(first) + numbers(second) == list(reversed(range(COUNT)))
    assert [page.has_older for page in (first, second, third)] == [True, False, False]
    assert third.phases == ()
    assert (await read(db, workspace_id="T0OTHER")).phases == ()


async def test_only_rounds_that_the_team_was_shown_are_read(db: Database) -> None:
    await filled(db)
    async with db.transaction() as tx:
        for number, round_id in enumerate(("shown", "leads only", "open"), start=1):
            await a_closed_round(tx, round_id, number=number, phase_id="phase11")
            await tx.execute(
                insert(schema.question_levels).values(
                    workspace_id=WORKSPACE, round_id=round_id, key="trust", level=3.5
                )
            )
        rounds = schema.rounds
        await tx.execute(update(rounds).where(rounds.c.round_id == "shown").values(shown_at=NOW))
        await tx.execute(
            update(rounds).where(rounds.c.round_id == "open").values(state="open", shown_at=NOW)
        )

    (newest, *others) = (await read(db)).phases

    assert [(shown.round_id, shown.level("trust")) for shown in newest.rounds] == [("shown", 3.5)]
    assert all(past.rounds == () for past in others)


async def test_only_promises_that_the_team_has_read_are_counted(db: Database) -> None:
    await filled(db)
    async with db.transaction() as tx:
        for number, round_id in enumerate(("shown", "leads only"), start=1):
            await a_closed_round(tx, round_id, number=number, phase_id="phase11", note=round_id)
        rounds = schema.rounds
        await tx.execute(update(rounds).where(rounds.c.round_id == "shown").values(shown_at=NOW))

    (newest, *others) = (await read(db)).phases

    assert [promise.text for promise in newest.promises] == ["shown"]
    assert all(past.promises == () for past in others)
