"""Agenda reads and writes stay within one workspace, even if both have the same subjects."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda import schedule
from bot.agenda.claims import CLAIM_DURATION, park, release, reschedule_failed, unpark
from bot.agenda.schedule import PARKED, complete_or_abort
from bot.agenda.ticker import Ticker
from bot.clock import AdjustableClock, real_now
from bot.db.engine import Database
from tests.agenda.test_claims import LATER, ONE, REAL, TWO, insert_item, item, rows
from tests.agenda.test_ticker import completing_together
from tests.conftest import MONDAY

Work: TypeAlias = Callable[[AsyncConnection], Awaitable[Any]]
A = {"action": "act", "subject": "p1:a"}

#: Each write to the agenda of the first workspace, and the subjects of `act` it leaves there.
SEED = ("p1:a", "p1:b", "p2:a", "xp1:a")
WRITES: dict[str, tuple[Work, tuple[str, ...]]] = {
    "add": (lambda tx: schedule.add(tx, ONE, **A, due_at=LATER), SEED),
    "add or lock": (lambda tx: schedule.add_or_lock(tx, ONE, **A, due_at=LATER), SEED),
    "remove": (lambda tx: schedule.remove(tx, ONE, **A), SEED[1:]),
    "remove about": (
        lambda tx: schedule.remove_about(tx, ONE, actions=("act",), about="p1"),
        SEED[2:],
    ),
    "complete or abort": (lambda tx: complete_or_abort(tx, item("p1:a")), SEED[1:]),
    "reschedule failed": (lambda tx: reschedule_failed(tx, item("p1:a"), REAL), SEED),
    "release": (lambda tx: release(tx, [item("p1:a")]), SEED),
    "park": (lambda tx: park(tx, ONE), SEED),
}


async def fill_both_workspaces(db: Database) -> None:
    """Give both workspaces the same items, and claim the same ones."""
    for workspace_id in (ONE, TWO):
        for subject in SEED:
            for action in ("act", "other"):
                claimed_until = real_now() + CLAIM_DURATION if subject == "p1:a" else None
                await insert_item(db, subject, workspace_id, action=action, retry_at=claimed_until)


@pytest.mark.parametrize(("work", "left"), WRITES.values(), ids=WRITES)
async def test_write_in_one_workspace_leaves_the_other_agenda_unchanged(
    db: Database, work: Work, left: tuple[str, ...]
) -> None:
    await fill_both_workspaces(db)
    before, others = await rows(db), await rows(db, TWO)
    async with db.transaction() as tx:
        await work(tx)

    after = await rows(db)
    assert after != before
    assert await rows(db, TWO) == others
    assert set(after) == {*(f"act {one}" for one in left), *(f"other {one}" for one in SEED)}
    if work is not WRITES["park"][0]:  # parking covers every action
        assert all(after[key] == before[key] for key in after if key.startswith("other"))


async def test_unpark_affects_only_its_workspace(db: Database) -> None:
    await fill_both_workspaces(db)
    async with db.transaction() as tx:
        for workspace_id in (ONE, TWO):
            await park(tx, workspace_id)
        await unpark(tx, ONE)

    assert {row.retry_at for row in (await rows(db)).values()} == {None}
    assert {row.retry_at for row in (await rows(db, TWO)).values()} == {PARKED}


@pytest.mark.parametrize("elsewhere", [{"workspace_id": TWO}, {"action": "other"}])
async def test_reads_ignore_items_of_other_workspaces_and_actions(
    db: Database, elsewhere: dict[str, Any]
) -> None:
    await insert_item(db, **{"subject": "p1:a", **elsewhere})
    async with db.reading() as reader:
        assert await schedule.due_time(reader, ONE, **A) is None
        assert not await schedule.is_scheduled(reader, ONE, action="act", about="p1")
        here = {"action": "act", "workspace_id": ONE, **elsewhere}
        assert await schedule.due_time(reader, **here, subject="p1:a") == MONDAY
        assert await schedule.due_time(reader, **here, subject="p1") is None
        assert await schedule.is_scheduled(reader, **here, about="p1")
        for part in ("1", "p"):
            assert not await schedule.is_scheduled(reader, **here, about=part)


async def test_items_of_different_workspaces_or_actions_never_share_a_transaction(
    db: Database, clock: AdjustableClock
) -> None:
    for workspace_id in (ONE, TWO):
        await insert_item(db, "p1:a", workspace_id)
    await insert_item(db, "p1:b", action="other")
    done: list[list[str]] = []
    act = completing_together(db, done)

    ticker = Ticker(db, clock, {"act": act, "other": act}, ["act", "other"])
    assert await ticker.tick() == 3
    assert sorted(done) == [["p1:a"], ["p1:a"], ["p1:b"]]
