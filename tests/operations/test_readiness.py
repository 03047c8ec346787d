"""`/readyz` reports problems, `/healthz` only liveness, `/metrics` the current values."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from math import isnan
from typing import Any

import pytest
from aiohttp import ClientSession
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY
from sqlalchemy import event, select, update
from sqlalchemy.exc import DBAPIError

from bot.agenda import schedule
from bot.clock import Clock, real_now
from bot.db import schema
from bot.db.engine import Database
from bot.metrics import oldest_message_seconds, ready, scheduler_lag_seconds
from bot.operations import readiness, system_state
from bot.outbox.enqueue import State
from bot.web import Site, health_and_metrics
from tests.harness import WORKSPACE
from tests.operations.stuck_messages import add_message, held

TWENTY_MINUTES = timedelta(minutes=20)


async def connected() -> bool:
    return True


async def problems(db: Database) -> dict[str, str]:
    return dict(await readiness.readiness_problems(db, Clock(), connected))


async def add_due_item(db: Database, at: datetime, **values: Any) -> None:
    async with db.transaction() as tx:
        await schedule.add(tx, WORKSPACE, action="tidy", subject="it", due_at=at)
        if values:
            await tx.execute(update(schema.agenda).values(**values))


async def set_lease(db: Database, **values: Any) -> None:
    async with db.transaction() as tx:
        await tx.execute(update(schema.sender_leases).values(**values))


async def lag(db: Database) -> timedelta:
    async with db.reading() as reader:
        return await system_state.outbox_lag(reader, real_now(), real_now())


async def test_idle_bot_is_ready(db: Database) -> None:
    assert await problems(db) == {}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("pragma", "repair", "sentence"),
    [
        ("max_page_count = 1", "max_page_count = 1000000", "no space left"),
        ("query_only = ON", "query_only = OFF", "can be read, but not written to"),
    ],
    ids=["full", "read-only"],
)
async def test_reads_do_not_make_an_unwritable_database_ready(
    db: Database, pragma: str, repair: str, sentence: str
) -> None:
    current = [pragma]

    @event.listens_for(db.engine.sync_engine, "checkout")
    def apply(connection: Any, *_: Any) -> None:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA {current[0]}")
        cursor.close()

    with pytest.raises(DBAPIError):
        await db.check_writable()
    db.health._failed_at -= 10  # long ago
    async with db.reading() as reader:
        await reader.scalar(select(schema.agenda.c.action))
    for _ in range(2):
        assert sentence in (await problems(db))["database"]
        db.health._failed_at -= 10

    current[0] = repair
    assert await problems(db) == {}
    async with db.reading() as reader:  # what was written to try is gone
        assert (await reader.execute(select(schema.workspaces))).all() == []


async def test_overdue_agenda_item_makes_the_bot_unready(db: Database) -> None:
    await add_due_item(db, real_now() - TWENTY_MINUTES)

    assert await problems(db) == {"agenda": "What is due is done 20 min late."}
    assert REGISTRY.get_sample_value("imbalance_ready", {"check": "agenda"}) == 0
    assert REGISTRY.get_sample_value("imbalance_ready", {"check": "outbox"}) == 1


@pytest.mark.parametrize(
    "values",
    [
        {"retry_at": real_now() + timedelta(hours=1), "attempts": 3},
        {"retry_at": schedule.PARKED},
    ],
    ids=["waiting for a retry", "parked"],
)
async def test_waiting_or_parked_agenda_items_are_not_late(db: Database, values: Any) -> None:
    await add_due_item(db, real_now() - TWENTY_MINUTES, **values)

    assert await problems(db) == {}


async def test_messages_without_a_sender_make_the_bot_unready(db: Database) -> None:
    await add_message(db)

    assert await problems(db) == {
        "outbox": "For 60 min a workspace has had something to send, and nobody sends it."
    }


async def test_outbox_lag_starts_when_a_message_could_have_been_sent(db: Database) -> None:
    now = real_now()
    message_id = await add_message(db)
    assert await lag(db) == pytest.approx(timedelta(hours=1), abs=timedelta(seconds=5))

    await set_lease(db, owner="dead", lease_until=now - timedelta(seconds=30))
    assert await lag(db) == pytest.approx(timedelta(seconds=30), abs=timedelta(seconds=5))

    await set_lease(db, owner="alive", lease_until=now + timedelta(seconds=15))
    assert await lag(db) == timedelta(0)

    await set_lease(db, owner=None, lease_until=None, resume_at=now + timedelta(seconds=5))
    assert await lag(db) == timedelta(0)

    await set_lease(db, resume_at=None, halted="token_revoked")
    assert await lag(db) == timedelta(0)

    await set_lease(db, halted=None)
    async with db.transaction() as tx:
        selected = schema.messages.c.message_id == message_id
        await tx.execute(update(schema.messages).where(selected).values(retry_at=now))
    assert await lag(db) < timedelta(seconds=5)


async def test_message_behind_an_unknown_outcome_is_not_late(db: Database) -> None:
    await add_message(db, "first", state="unknown", retry_at=real_now() + timedelta(minutes=2))
    await add_message(db, "second")

    assert await lag(db) == timedelta(0)


async def test_held_messages_are_measured_and_leave_the_bot_ready(db: Database) -> None:
    await held(db)

    assert await problems(db) == {}
    labels = {"state": State.HELD.value}
    age = REGISTRY.get_sample_value("imbalance_oldest_message_age_seconds", labels)
    assert age == pytest.approx(3600, abs=5)


async def test_halted_workspaces_are_counted_by_reason(db: Database) -> None:
    await add_message(db)
    await set_lease(db, halted="token_revoked")

    assert await problems(db) == {}
    labels = {"reason": "token_revoked"}
    assert REGISTRY.get_sample_value("imbalance_halted_workspaces", labels) == 1
    assert (
        REGISTRY.get_sample_value(
            "imbalance_oldest_message_age_seconds", {"state": State.PENDING.value}
        )
        == 0
    )


async def test_unreachable_database_and_closed_socket_are_reported(db: Database) -> None:
    async def disconnected() -> bool:
        return False

    unreachable = Database("postgresql://nobody@127.0.0.1:9/none")
    found = await readiness.readiness_problems(unreachable, Clock(), disconnected)
    await unreachable.close()

    assert list(found) == ["database", "socket"]


async def test_readyz_hides_details_of_database_errors() -> None:
    unreachable = Database("postgresql://nobody:secret@127.0.0.1:9/none")

    async def ready() -> Mapping[str, str]:
        return await readiness.readiness_problems(unreachable, Clock(), connected)

    endpoints = Site(health_and_metrics(ready), "127.0.0.1", 0)
    async with ClientSession(f"http://127.0.0.1:{await endpoints.start()}") as http:
        async with http.get("/readyz") as answer:
            body = await answer.json()
        async with http.get("/metrics") as answer:
            assert answer.status == 200
            assert 'imbalance_ready{check="database"} 0.0' in await answer.text()
    await endpoints.stop()
    await unreachable.close()

    assert body == {"ok": False, "wrong": {"database": "The database does not answer."}}


@pytest.fixture
async def site(db: Database) -> AsyncIterator[str]:
    async def ready() -> dict[str, str]:
        return await problems(db)

    endpoints = Site(health_and_metrics(ready), "127.0.0.1", 0)
    yield f"http://127.0.0.1:{await endpoints.start()}"
    await endpoints.stop()


async def test_health_endpoints_over_http(site: str, db: Database) -> None:
    async with ClientSession(site) as http:
        async with http.get("/readyz") as answer:
            assert (answer.status, await answer.json()) == (200, {"ok": True, "wrong": {}})
        await add_due_item(db, real_now() - TWENTY_MINUTES)
        async with http.get("/readyz") as answer:
            assert answer.status == 503
            assert (await answer.json())["wrong"] == {"agenda": "What is due is done 20 min late."}
        async with http.get("/healthz") as answer:
            assert answer.status == 200
        async with http.get("/metrics") as answer:
            assert 'imbalance_ready{check="agenda"} 0.0' in await answer.text()


async def test_metrics_request_refreshes_the_gauges(site: str, db: Database) -> None:
    await add_due_item(db, real_now() - TWENTY_MINUTES)
    await held(db)
    scheduler_lag_seconds.set(0)
    ready.labels("agenda").set(1)
    oldest_message_seconds.labels(State.HELD).set(0)

    async with ClientSession(site) as http, http.get("/metrics") as answer:
        body = await answer.text()
        assert answer.headers["Content-Type"] == CONTENT_TYPE_LATEST

    measured = dict(line.rsplit(" ", 1) for line in body.splitlines() if line[0] != "#")
    assert float(measured["imbalance_scheduler_lag_seconds"]) == pytest.approx(1200, abs=60)
    assert float(measured['imbalance_ready{check="agenda"}']) == 0
    oldest = 'imbalance_oldest_message_age_seconds{state="held"}'
    assert float(measured[oldest]) == pytest.approx(3600, abs=60)


@pytest.mark.parametrize(
    ("agenda_late", "outbox_late", "named"),
    [
        (timedelta(minutes=2), timedelta(minutes=15), set()),
        (timedelta(minutes=2, seconds=1), timedelta(0), {"agenda"}),
        (timedelta(0), timedelta(minutes=15, seconds=1), {"outbox"}),
    ],
)
async def test_lag_thresholds(
    db: Database,
    monkeypatch: pytest.MonkeyPatch,
    agenda_late: timedelta,
    outbox_late: timedelta,
    named: set[str],
) -> None:
    async def agenda_lag(*_: object) -> timedelta:
        return agenda_late

    async def outbox_lag(*_: object) -> timedelta:
        return outbox_late

    monkeypatch.setattr(system_state, "agenda_lag", agenda_lag)
    monkeypatch.setattr(system_state, "outbox_lag", outbox_lag)

    assert set(await problems(db)) == named
    for name, lag in (("scheduler", agenda_late), ("outbox", outbox_late)):
        assert REGISTRY.get_sample_value(f"imbalance_{name}_lag_seconds") == lag.total_seconds()


async def test_gauges_drop_old_reasons_and_are_nan_without_a_database(db: Database) -> None:
    """A reason disappears with its last workspace; without a database the checks are NaN."""
    await add_message(db, state="failed", error="why")
    await set_lease(db, halted="invalid_auth")
    await problems(db)
    await set_lease(db, halted=None)
    await problems(db)
    assert halted_workspaces("invalid_auth") is None
    labels = {"state": State.FAILED.value}
    age = REGISTRY.get_sample_value("imbalance_oldest_message_age_seconds", labels)
    assert age == pytest.approx(3600, abs=60)

    unreachable = Database("postgresql://nobody@127.0.0.1:9/none")
    await readiness.readiness_problems(unreachable, Clock(), connected)
    await unreachable.close()
    checks = {
        check: REGISTRY.get_sample_value("imbalance_ready", {"check": check})
        for check in readiness.CHECKS
    }
    assert (checks["database"], checks["socket"]) == (0, 1)
    assert isnan(checks["agenda"] or 0)
    assert isnan(checks["outbox"] or 0)


def halted_workspaces(reason: str) -> float | None:
    return REGISTRY.get_sample_value("imbalance_halted_workspaces", {"reason": reason})


async def test_hanging_database_is_reported_after_a_timeout(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(*_: object) -> timedelta:
        await asyncio.Event().wait()
        return TWENTY_MINUTES

    assert readiness.DATABASE_TIMEOUT_SECONDS == 3
    monkeypatch.setattr(readiness, "DATABASE_TIMEOUT_SECONDS", 0.01)
    monkeypatch.setattr(system_state, "agenda_lag", hang)

    assert set(await problems(db)) == {"database"}


async def test_outbox_lag_is_measured_per_workspace(db: Database) -> None:
    """T2 has a free lease, but nothing to send."""
    await add_message(db, workspace_id="T1")
    await add_message(db, workspace_id="T2", state="sent")
    alive = real_now() + timedelta(seconds=15)
    async with db.transaction() as tx:
        selected = schema.sender_leases.c.workspace_id == "T1"
        await tx.execute(
            update(schema.sender_leases).where(selected).values(owner="a", lease_until=alive)
        )
    assert await lag(db) == timedelta(0)

    await add_message(db, workspace_id="T3", now=real_now() - timedelta(hours=1))
    await add_message(db, workspace_id="T4")
    assert await lag(db) == pytest.approx(timedelta(hours=2), abs=timedelta(seconds=30))
