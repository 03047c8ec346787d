"""Claiming, parking, releasing and rescheduling agenda items."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import insert, select, update

from bot.agenda import schedule
from bot.agenda.claims import CLAIM_DURATION, claim, due, park, release, reschedule_failed, unpark
from bot.agenda.schedule import PARKED, AgendaItem, NoLongerDue, complete_or_abort
from bot.agenda.ticker import FIRST_RETRY, LONGEST_RETRY, Ticker
from bot.clock import AdjustableClock, real_now
from bot.db import schema
from bot.db.engine import Database
from tests.agenda.test_ticker import completing_together
from tests.conftest import MONDAY

ONE, TWO = "T1", "T2"
MOMENT = timedelta(microseconds=1)
REAL = datetime.fromisoformat("2026-11-23T10:00:00+00:00")
LATER = MONDAY + timedelta(hours=1)
_agenda = schema.agenda


async def insert_item(db: Database, subject: str, workspace_id: str = ONE, **values: Any) -> None:
    row = {"workspace_id": workspace_id, "action": "act", "subject": subject, "due_at": MONDAY}
    async with db.transaction() as tx:
        await tx.execute(insert(_agenda).values({**row, **values}))


async def rows(db: Database, workspace_id: str = ONE) -> dict[str, Any]:
    async with db.reading() as reader:
        mine = select(_agenda).where(_agenda.c.workspace_id == workspace_id)
        return {f"{row.action} {row.subject}": row for row in await reader.execute(mine)}


def item(subject: str, **values: Any) -> AgendaItem:
    return AgendaItem(
        **{"workspace_id": ONE, "action": "act", "due_at": MONDAY, **values}, subject=subject
    )


async def claimed(db: Database, limit: int = 9, real: datetime = REAL) -> list[str]:
    async with db.transaction() as tx:
        return [one.subject for one in await claim(tx, MONDAY, real, limit)]


@pytest.mark.parametrize(
    ("values", "is_due"),
    [
        ({}, True),
        ({"due_at": MONDAY + MOMENT}, False),
        ({"retry_at": REAL}, True),
        ({"retry_at": REAL + MOMENT}, False),
        ({"retry_at": REAL, "due_at": MONDAY + MOMENT}, False),
        ({"retry_at": PARKED}, False),
    ],
)
async def test_item_is_claimed_exactly_when_due_by_both_clocks(
    db: Database, values: dict[str, Any], is_due: bool
) -> None:
    await insert_item(db, "one", **values, attempts=2)
    async with db.reading() as reader:
        found = await due(reader, MONDAY, REAL, 9)

    assert [one.attempts for one in found] == [2] * is_due
    assert await claimed(db) == ["one"] * is_due


async def test_claim_holds_for_twenty_seconds(db: Database) -> None:
    await insert_item(db, "one")

    assert await claimed(db) == ["one"]
    assert (await rows(db))["act one"].retry_at == REAL + timedelta(seconds=20)
    assert await claimed(db, real=REAL + CLAIM_DURATION - MOMENT) == []
    assert await claimed(db, real=REAL + CLAIM_DURATION) == ["one"]


async def test_oldest_item_comes_first_whether_new_or_failed(db: Database) -> None:
    """Ties are ordered by workspace, action and subject."""
    at = [MONDAY - timedelta(minutes=minutes) for minutes in range(6)]
    await insert_item(db, "failed 3", due_at=at[3], retry_at=REAL - timedelta(hours=2))
    await insert_item(db, "failed 5", due_at=at[5], retry_at=REAL)
    await insert_item(db, "new 4", due_at=at[4])
    await insert_item(db, "new 2", due_at=at[2])
    await insert_item(db, "new 2", due_at=at[2], action="aaa")
    await insert_item(db, "new 2", TWO, due_at=at[2], action="aaa")
    async with db.reading() as reader:
        found = await due(reader, MONDAY, REAL, 9)
        first = await due(reader, MONDAY, REAL, 2)

    assert [one.subject for one in found] == ["failed 5", "new 4", "failed 3", *["new 2"] * 3]
    assert [(one.workspace_id, one.action) for one in found[3:]] == [
        (ONE, "aaa"),
        (ONE, "act"),
        (TWO, "aaa"),
    ]
    assert first == found[:2]
    assert await claimed(db) == [one.subject for one in found]


async def test_batch_is_filled_with_new_items_then_with_failed_ones(db: Database) -> None:
    for number in range(3):
        await insert_item(db, f"new {number}", due_at=MONDAY - timedelta(minutes=number))
        await insert_item(db, f"failed {number}", retry_at=REAL - timedelta(minutes=number))

    assert await claimed(db, 4) == ["new 2", "new 1", "failed 2", "new 0"]
    assert await claimed(db, 4) == ["failed 0", "failed 1"]
    assert await claimed(db, 4) == []


async def test_item_parked_while_claimed_stays_parked_and_restarts_at_zero_attempts(
    db: Database,
) -> None:
    """Neither a failure nor a released claim unparks the item or counts as an attempt."""
    for subject in ("fails", "released"):
        await insert_item(db, subject, attempts=4)
    await claimed(db)
    async with db.transaction() as tx:
        await park(tx, ONE)
    async with db.transaction() as tx:
        await reschedule_failed(tx, item("fails"), REAL)
        await release(tx, [item("released")])

    parked = await rows(db)
    assert [(row.retry_at, row.attempts) for row in parked.values()] == [(PARKED, 4)] * 2
    assert await claimed(db, real=REAL + timedelta(days=400)) == []
    async with db.transaction() as tx:
        await unpark(tx, ONE)
    freed = await rows(db)
    assert [(row.retry_at, row.attempts) for row in freed.values()] == [(None, 0)] * 2


async def test_unpark_leaves_a_failed_item_unchanged(db: Database) -> None:
    await insert_item(db, "failed", attempts=4, retry_at=REAL)
    async with db.transaction() as tx:
        await unpark(tx, ONE)

    row = (await rows(db))["act failed"]
    assert (row.attempts, row.retry_at) == (4, REAL)


@pytest.mark.parametrize(
    ("changed", "counted"),
    [({}, True), ({"due_at": LATER}, False), ({"retry_at": PARKED}, False)],
    ids=["unchanged", "moved", "parked"],
)
async def test_failure_counts_only_if_the_item_is_unchanged(
    db: Database, changed: dict[str, Any], counted: bool
) -> None:
    await insert_item(db, "one", attempts=1)
    await insert_item(db, "one", action="another", attempts=1)
    async with db.transaction() as tx:
        await tx.execute(update(_agenda).values(**changed) if changed else select(1))
    before = await rows(db)
    async with db.transaction() as tx:
        await reschedule_failed(tx, item("one"), REAL)

    after = await rows(db)
    assert after["another one"] == before["another one"]
    assert (after["act one"].attempts, after["act one"].retry_at) == (
        (2, REAL) if counted else (1, changed.get("retry_at"))
    )


async def test_adding_an_item_again_moves_it_and_clears_its_failures(
    db: Database,
) -> None:
    await insert_item(db, "one", attempts=4, retry_at=REAL + timedelta(hours=1))
    async with db.transaction() as tx:
        await schedule.add_all_if_absent(tx, ONE, action="act", due={"one": LATER, "two": LATER})
    before = await rows(db)
    assert (before["act one"].due_at, before["act one"].attempts) == (MONDAY, 4)
    assert before["act two"].due_at == LATER
    async with db.transaction() as tx:
        await schedule.add(tx, ONE, action="act", subject="one", due_at=LATER)

    after = (await rows(db))["act one"]
    assert (after.due_at, after.attempts, after.retry_at) == (LATER, 0, None)


@pytest.mark.parametrize(
    "values",
    [
        {"workspace_id": TWO},
        {"action": "another"},
        {"due_at": LATER},
        {"subject": "two"},
    ],
)
async def test_complete_or_abort_removes_exactly_its_items_or_nothing(
    db: Database, values: dict[str, Any]
) -> None:
    await insert_item(db, "one")
    await insert_item(db, **{"subject": "other", **values})
    before = await rows(db), await rows(db, TWO)

    with pytest.raises(NoLongerDue):
        async with db.transaction() as tx:
            await complete_or_abort(tx, item("one"), item("other"))
    assert (await rows(db), await rows(db, TWO)) == before

    async with db.transaction() as tx:
        await complete_or_abort(tx, item("one"))
    assert "act one" not in await rows(db)


async def test_next_due_skips_parked_items_and_ignored_actions(db: Database) -> None:
    async with db.reading() as reader:
        assert await schedule.next_due(reader) is None
    at = [MONDAY + timedelta(minutes=minutes) for minutes in range(5)]
    await insert_item(db, "parked", due_at=at[0], retry_at=PARKED)
    await insert_item(db, "silent", action="scrub", due_at=at[1])
    await insert_item(db, "silent", action="tidy", due_at=at[1], retry_at=REAL)
    await insert_item(db, "failed", due_at=at[2], retry_at=REAL)
    await insert_item(db, "new", due_at=at[3])
    async with db.reading() as reader:
        assert await schedule.next_due(reader) == at[1]
        assert await schedule.next_due(reader, {"scrub"}) == at[1]
        assert await schedule.next_due(reader, {"scrub", "tidy"}) == at[2]
        assert await schedule.next_due(reader, {"act"}) == at[1]
        assert await schedule.next_due(reader, {"act", "scrub", "tidy"}) is None
        assert await schedule.next_due(reader, after=at[1]) == at[2]
        assert await schedule.next_due(reader, after=at[3]) is None


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(0, 2), (1, 4), (2, 8), (8, 512), (9, 600), (500, 600)]
)
async def test_retry_delay_doubles_up_to_ten_minutes(
    db: Database, clock: AdjustableClock, attempts: int, seconds: float
) -> None:
    async def fail(_: AgendaItem) -> None:
        raise RuntimeError("not now")

    await insert_item(db, "one", attempts=attempts)
    began = real_now()
    await Ticker(db, clock, {"act": fail}).tick()
    ended = real_now()

    row = (await rows(db))["act one"]
    wait = timedelta(seconds=seconds)
    assert began + wait <= row.retry_at <= ended + wait
    assert row.attempts == attempts + 1
    assert (timedelta(seconds=2), timedelta(minutes=10)) == (FIRST_RETRY, LONGEST_RETRY)


async def test_ticker_reports_scheduler_lag_and_counts_outcomes(
    db: Database, clock: AdjustableClock
) -> None:
    def counted(outcome: str) -> float:
        labels = {"action": "act", "outcome": outcome}
        return REGISTRY.get_sample_value("imbalance_agenda_actions_total", labels) or 0

    def lag() -> float | None:
        return REGISTRY.get_sample_value("imbalance_scheduler_lag_seconds")

    lags: list[float | None] = []
    act = completing_together(db, [])

    async def recording_lag(*items: AgendaItem) -> None:
        lags.append(lag())
        await act(*items)

    for subject in ("one:a", "one:b", "two:bad"):
        await insert_item(db, subject)
    clock.advance(timedelta(hours=1))
    before = counted("done"), counted("failed")
    await Ticker(db, clock, {"act": recording_lag}, ["act"]).tick()

    assert lags == [3600, 3600]
    assert lag() == 0
    assert (counted("done"), counted("failed")) == (before[0] + 2, before[1] + 1)
