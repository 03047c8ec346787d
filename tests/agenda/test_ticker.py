"""Due items run once across replicas, and a failing item holds up no other."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import Mock

import pytest
from sqlalchemy import insert, select, update

import bot.agenda.ticker
from bot.agenda import schedule
from bot.agenda.claims import CLAIM_DURATION, claim, park, unpark
from bot.agenda.schedule import AgendaItem, NoLongerDue, run_item
from bot.agenda.ticker import BATCH, Ticker
from bot.clock import AdjustableClock, real_now
from bot.db import schema
from bot.db.engine import Database
from tests.conftest import MONDAY
from tests.harness import WORKSPACE

Handler = Callable[[AgendaItem], Awaitable[None]]
BatchHandler = Callable[..., Awaitable[None]]
MANY = BATCH + 20


@pytest.fixture
async def other(database_url: str) -> AsyncIterator[Database]:
    """The database as a second process opens it."""
    database = Database(database_url)
    yield database
    await database.close()


async def insert_items(
    db: Database, *subjects: str, action: str = "act", at: datetime = MONDAY
) -> None:
    rows = [
        {"workspace_id": WORKSPACE, "action": action, "subject": subject, "due_at": at}
        for subject in subjects
    ]
    async with db.transaction() as tx:
        await tx.execute(insert(schema.agenda), rows)


async def remaining(db: Database) -> dict[str, Any]:
    async with db.reading() as reader:
        rows = (await reader.execute(select(schema.agenda).order_by(schema.agenda.c.subject))).all()
        return {row.subject: row for row in rows}


async def make_retries_due(db: Database) -> None:
    """Make every retry due, and let every claim expire."""
    async with db.transaction() as tx:
        await tx.execute(
            update(schema.agenda)
            .where(schema.agenda.c.retry_at.is_not(None))
            .values(retry_at=real_now() - timedelta(seconds=1))
        )


def completing(db: Database, done: list[str]) -> Handler:
    async def act(item: AgendaItem) -> None:
        async with run_item(db, item):
            done.append(item.subject)

    return act


def completing_together(db: Database, done: list[list[str]]) -> BatchHandler:
    async def act(*items: AgendaItem) -> None:
        subjects = sorted(item.subject for item in items)
        async with run_item(db, *items):
            if "bad" in "".join(subjects):
                raise RuntimeError("not with this one")
            done.append(subjects)

    return act


async def fail(_: AgendaItem) -> None:
    raise RuntimeError("Slack is away")


async def test_concurrent_tickers_carry_out_each_item_once(
    db: Database, other: Database, clock: AdjustableClock
) -> None:
    subjects = [f"{number:03}" for number in range(MANY)]
    await insert_items(db, *subjects)
    one: list[str] = []
    two: list[str] = []

    counts = await asyncio.gather(
        Ticker(db, clock, {"act": completing(db, one)}).tick(),
        Ticker(other, clock, {"act": completing(other, two)}).tick(),
    )

    assert sorted(one + two) == subjects
    assert list(counts) == [len(one), len(two)]
    assert await remaining(db) == {}


async def test_items_claimed_by_one_replica_are_skipped_by_another(
    db: Database, other: Database, clock: AdjustableClock
) -> None:
    await insert_items(db, *(f"{number:03}" for number in range(MANY)))

    async with db.transaction() as tx:
        first = await claim(tx, MONDAY, real_now(), BATCH)
    async with other.transaction() as tx:
        second = await claim(tx, MONDAY, real_now(), BATCH)

    assert [item.subject for item in first] == [f"{number:03}" for number in range(BATCH)]
    assert [item.subject for item in second] == [f"{number}" for number in range(BATCH, MANY)]


async def test_items_of_a_dead_ticker_are_claimed_again(
    db: Database, clock: AdjustableClock
) -> None:
    await insert_items(db, "lost")
    async with db.transaction() as tx:
        await claim(tx, MONDAY, real_now(), BATCH)
    done: list[str] = []
    ticker = Ticker(db, clock, {"act": completing(db, done)})

    assert await ticker.tick() == 0
    assert (await remaining(db))["lost"].retry_at <= real_now() + CLAIM_DURATION
    await make_retries_due(db)

    assert await ticker.tick() == 1
    assert done == ["lost"]


async def test_failing_items_back_off_and_do_not_hold_up_others(
    db: Database, clock: AdjustableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More failing items than fit in a batch do not keep a later item from running."""
    log = Mock()  # printing so many errors would take seconds
    monkeypatch.setattr(bot.agenda.ticker, "log", log)
    await insert_items(db, *(f"bad {number:03}" for number in range(MANY)), action="fail")
    await insert_items(db, "good", at=MONDAY)
    clock.advance(timedelta(hours=1))
    done: list[str] = []
    ticker = Ticker(db, clock, {"act": completing(db, done), "fail": fail})

    waits = []
    for _ in range(3):
        await ticker.tick()
        rows = await remaining(db)
        waits.append(max(row.retry_at for row in rows.values()) - real_now())
        await make_retries_due(db)

    assert done == ["good"]
    assert log.error.call_count == 3 * MANY
    assert {row.attempts for row in rows.values()} == {3}
    assert timedelta(0) < waits[0] <= timedelta(seconds=2) < waits[1] <= timedelta(seconds=4)
    assert waits[1] < waits[2] <= timedelta(seconds=8)


async def test_item_removed_or_moved_while_claimed_is_not_carried_out(
    db: Database, clock: AdjustableClock
) -> None:
    await insert_items(db, "dropped", "moved")
    async with db.transaction() as tx:
        items = await claim(tx, MONDAY, real_now(), BATCH)
        await schedule.remove(tx, WORKSPACE, action="act", subject="dropped")
        later = MONDAY + timedelta(hours=1)
        await schedule.add(tx, WORKSPACE, action="act", subject="moved", due_at=later)

    for item in items:
        with pytest.raises(NoLongerDue):
            async with run_item(db, item):
                pass

    done: list[str] = []
    ticker = Ticker(db, clock, {"act": completing(db, done)})
    assert await ticker.tick() == 0
    clock.advance(timedelta(hours=1))
    assert await ticker.tick() == 1
    assert done == ["moved"]


async def test_item_moved_while_failing_runs_at_its_new_time(
    db: Database, clock: AdjustableClock
) -> None:
    await insert_items(db, "moved")
    done: list[str] = []

    async def moved_then_fails(item: AgendaItem) -> None:
        if clock.now() > MONDAY:
            return await completing(db, done)(item)
        later = MONDAY + timedelta(seconds=1)
        async with db.transaction() as tx:
            await schedule.add(tx, WORKSPACE, action="act", subject="moved", due_at=later)
        raise RuntimeError("too late")

    ticker = Ticker(db, clock, {"act": moved_then_fails})
    assert await ticker.tick() == 0
    clock.advance(timedelta(seconds=1))

    assert await ticker.tick() == 1
    assert (await remaining(db)) == {}


async def test_items_of_one_subject_run_in_order(db: Database, clock: AdjustableClock) -> None:
    for minute, action in enumerate(("warn", "end", "after")):
        await insert_items(db, "phase", action=action, at=MONDAY - timedelta(minutes=10 - minute))
    began: list[str] = []

    async def slow(item: AgendaItem) -> None:
        began.append(item.action)
        await asyncio.sleep(0.01)
        async with run_item(db, item):
            pass

    await Ticker(db, clock, {"warn": slow, "end": slow, "after": slow}).tick()

    assert began == ["warn", "end", "after"]


async def test_items_with_the_same_leading_id_share_a_transaction(
    db: Database, clock: AdjustableClock
) -> None:
    """Two actions on one subject run in order, each in a transaction of its own."""
    await insert_items(db, "one:a", "one:b", "one:c", "other:a")
    await insert_items(db, "one:c", action="alone")
    done: list[list[str]] = []
    act = completing_together(db, done)

    assert await Ticker(db, clock, {"act": act, "alone": act}, ["act"]).tick() == 5
    assert sorted(done) == [["one:a", "one:b"], ["one:c"], ["one:c"], ["other:a"]]
    assert await remaining(db) == {}


async def test_failing_item_of_a_batch_fails_alone(db: Database, clock: AdjustableClock) -> None:
    await insert_items(db, "one:a", "one:bad", "one:c")
    done: list[list[str]] = []

    count = await Ticker(db, clock, {"act": completing_together(db, done)}, ["act"]).tick()

    assert count == 2
    assert sorted(done) == [["one:a"], ["one:c"]]
    rows = await remaining(db)
    assert {subject: row.attempts for subject, row in rows.items()} == {"one:bad": 1}


async def test_item_taken_by_another_process_is_left_out_of_the_batch(
    db: Database, clock: AdjustableClock
) -> None:
    await insert_items(db, "one:a", "one:b", "one:c")
    done: list[list[str]] = []
    act = completing_together(db, done)

    async def meanwhile(*items: AgendaItem) -> None:
        async with db.transaction() as tx:
            await schedule.remove(tx, WORKSPACE, action="act", subject="one:b")
        await act(*items)

    count = await Ticker(db, clock, {"act": meanwhile}, ["act"]).tick()

    assert count == 2
    assert sorted(done) == [["one:a"], ["one:c"]]
    assert await remaining(db) == {}


async def test_stop_finishes_running_items_and_releases_the_rest(
    db: Database, clock: AdjustableClock
) -> None:
    await insert_items(db, *(f"{number:03}" for number in range(BATCH)))
    done: list[str] = []
    began = asyncio.Event()

    async def slow(item: AgendaItem) -> None:
        began.set()
        await asyncio.sleep(0.05)
        await completing(db, done)(item)

    ticker = Ticker(db, clock, {"act": slow})
    ticking = asyncio.create_task(ticker.tick())
    await began.wait()
    await ticker.stop()

    assert await ticking == len(done)
    assert 0 < len(done) <= 8
    rows = await remaining(db)
    assert len(rows) == BATCH - len(done)
    assert all(row.retry_at is None for row in rows.values())


async def test_parked_workspace_runs_nothing_until_unparked(
    db: Database, clock: AdjustableClock
) -> None:
    await insert_items(db, "tidy")
    async with db.transaction() as tx:
        await park(tx, WORKSPACE)
    done: list[str] = []
    ticker = Ticker(db, clock, {"act": completing(db, done)})
    clock.advance(timedelta(days=40))

    assert await ticker.tick() == 0
    async with db.reading() as reader:
        assert await schedule.next_due(reader) is None
    async with db.transaction() as tx:
        await unpark(tx, WORKSPACE)

    assert await ticker.tick() == 1
