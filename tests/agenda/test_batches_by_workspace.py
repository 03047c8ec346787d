"""Items of two workspaces with the same ids are neither batched nor run in order together."""

import asyncio
from collections.abc import Sequence

import pytest

from bot.agenda.schedule import AgendaItem, run_item
from bot.agenda.ticker import Ticker
from bot.clock import AdjustableClock
from bot.db.engine import Database
from tests.agenda.test_claims import ONE, TWO, insert_item

Batch = list[tuple[str, str, str]]


def described(items: Sequence[AgendaItem]) -> Batch:
    return sorted((item.workspace_id, item.action, item.subject) for item in items)


async def batches_of(db: Database, clock: AdjustableClock) -> list[Batch]:
    """Tick with two batched actions; return the batches as they were handed to the actions."""
    batches: list[Batch] = []

    async def act(*items: AgendaItem) -> None:
        batches.append(described(items))
        async with run_item(db, *items):
            pass

    await Ticker(db, clock, {"act": act, "other": act}, ["act", "other"]).tick()
    return sorted(batches)


async def test_a_batch_holds_the_items_of_one_workspace_and_one_action(
    db: Database, clock: AdjustableClock
) -> None:
    for workspace_id in (ONE, TWO):
        for subject in ("p1:a", "p1:b", "p2:a"):
            await insert_item(db, subject, workspace_id)
        await insert_item(db, "p1:c", workspace_id, action="other")

    assert await batches_of(db, clock) == [
        [(ONE, "act", "p1:a"), (ONE, "act", "p1:b")],
        [(ONE, "act", "p2:a")],
        [(ONE, "other", "p1:c")],
        [(TWO, "act", "p1:a"), (TWO, "act", "p1:b")],
        [(TWO, "act", "p2:a")],
        [(TWO, "other", "p1:c")],
    ]


async def test_only_items_of_the_same_workspace_wait_for_each_other(
    db: Database, clock: AdjustableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An item that hangs holds up its own subject, and no other workspace."""
    for workspace_id in (ONE, TWO):
        await insert_item(db, "p1", workspace_id)
        await insert_item(db, "p1", workspace_id, action="other")
    began: set[tuple[str, str]] = set()
    both_began = asyncio.Event()

    async def act(item: AgendaItem) -> None:
        began.add((item.workspace_id, item.action))
        if len(began) == 2:
            both_began.set()
        async with asyncio.timeout(5):
            await both_began.wait()
        first = set(began)
        async with run_item(db, item):
            pass
        assert first == {(ONE, "act"), (TWO, "act")} or item.action == "other"

    ticker = Ticker(db, clock, {"act": act, "other": act})
    monkeypatch.setattr(ticker, "_concurrency", asyncio.Semaphore(2))

    assert await ticker.tick() == 4
