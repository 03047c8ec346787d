"""`/readyz` says what is wrong, `/healthz` only that the process lives, `/metrics` measures."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from math import isnan
from typing import Any

import pytest
from aiohttp import ClientSession
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY
from sqlalchemy import update

from bot.agenda import schedule
from bot.clock import Clock, real_now
from bot.db import schema
from bot.db.engine import Database
from bot.metrics import oldest_message_seconds, ready, scheduler_lag_seconds
from bot.operations import readiness, system_state
from bot.outbox.enqueue import State
from bot.web import Site, health_and_metrics
from tests.harness import WORKSPACE
from tests.operations.stuck_messages import a_message, held

LONG_AGO = timedelta(minutes=20)


async def connected() -> bool:
    return True


async def wrong(db: Database) -> dict[str, str]:
    return dict(await readiness.not_ready(db, Clock(), connected))


async def due(db: Database, at: datetime, **values: Any) -> None:
    async with db.transaction() as tx:
        await schedule.add(tx, WORKSPACE, action="tidy", subject="it", due_at=at)
        if values:
            await tx.execute(update(schema.agenda).values(**values))


async def lease(db: Database, **values: Any) -> None:
    async with db.transaction() as tx:
        await tx.execute(update(schema.sender_leases).values(**values))


async def lag(db: Database) -> timedelta:
    async with db.reading() as reader:
        return await system_state.outbox_lag(reader, real_now(), real_now())


async def test_an_idle_house_is_ready(db: Database) -> None:
    assert await wrong(db) == {}


async def test_what_is_due_and_not_done_is_named(db: Database) -> None:
    await due(db, real_now() - LONG_AGO)

    assert await wrong(db) == {"agenda": "What is due is done 20 min late."}
    assert REGISTRY.get_sample_value("imbalance_ready", {"check": "agenda"}) == 0
    assert REGISTRY.get_sample_value("imbalance_ready", {"check": "outbox"}) == 1


@pytest.mark.parametrize(
    "values",
    [
        {"retry_at": real_now() + timedelta(hours=1), "attempts": 3},
        {"retry_at": schedule.PARKED},
    ],
    ids=["fails and waits", "its workspace is gone"],
)
async def test_what_cannot_be_done_now_is_not_late(db: Database, values: Any) -> None:
    await due(db, real_now() - LONG_AGO, **values)

    assert await wrong(db) == {}


async def test_messages_that_nobody_sends_are_named(db: Database) -> None:
    await a_message(db)

    assert await wrong(db) == {
        "outbox": "For 60 min a workspace has had something to send, and nobody sends it."
    }


async def test_the_outbox_lags_since_the_moment_somebody_could_have_sent(db: Database) -> None:
    now = real_now()
    message_id = await a_message(db)
    assert await lag(db) == pytest.approx(timedelta(hours=1), abs=timedelta(seconds=5))

    await lease(db, owner="dead", lease_until=now - timedelta(seconds=30))
    assert await lag(db) == pytest.approx(timedelta(seconds=30), abs=timedelta(seconds=5))

    await lease(db, owner="alive", lease_until=now + timedelta(seconds=15))
    assert await lag(db) == timedelta(0)

    await lease(db, owner=None, lease_until=None, resume_at=now + timedelta(seconds=5))
    assert await lag(db) == timedelta(0)

    await lease(db, resume_at=None, halted="token_revoked")
    assert await lag(db) == timedelta(0)

    await lease(db, halted=None)
    async with db.transaction() as tx:
        mine = schema.messages.c.message_id == message_id
        await tx.execute(update(schema.messages).where(mine).values(retry_at=now))
    assert await lag(db) < timedelta(seconds=5)


async def test_what_waits_behind_a_message_that_waits_is_not_late(db: Database) -> None:
    await a_message(db, "first", state="unknown", retry_at=real_now() + timedelta(minutes=2))
    await a_message(db, "second")

    assert await lag(db) == timedelta(0)


async def test_held_messages_age_and_do_not_make_it_unready(db: Database) -> None:
    await held(db)

    assert await wrong(db) == {}
    labels = {"state": State.HELD.value}
    age = REGISTRY.get_sample_value("imbalance_oldest_message_age_seconds", labels)
    assert age == pytest.approx(3600, abs=5)


async def test_halted_workspaces_are_counted_by_reason(db: Database) -> None:
    await a_message(db)
    await lease(db, halted="token_revoked")

    assert await wrong(db) == {}
    labels = {"reason": "token_revoked"}
    assert REGISTRY.get_sample_value("imbalance_halted_workspaces", labels) == 1
    assert (
        REGISTRY.get_sample_value(
            "imbalance_oldest_message_age_seconds", {"state": State.PENDING.value}
        )
        == 0
    )


async def test_a_database_that_is_gone_and_a_closed_socket(db: Database) -> None:
    async def cut_off() -> bool:
        return False

    gone = Database("postgresql://nobody@127.0.0.1:9/none")
    found = await readiness.not_ready(gone, Clock(), cut_off)
    await gone.close()

    assert list(found) == ["database", "socket"]


async def test_the_answer_says_nothing_of_what_the_database_said() -> None:
    gone = Database("postgresql://nobody:secret@127.0.0.1:9/none")

    async def ready() -> Mapping[str, str]:
        return await readiness.not_ready(gone, Clock(), connected)

    served = Site(health_and_metrics(ready), "127.0.0.1", 0)
    async with ClientSession(f"http://127.0.0.1:{await served.start()}") as http:
        async with http.get("/readyz") as answer:
            said = await answer.json()
        async with http.get("/metrics") as answer:
            assert answer.status == 200
            assert 'imbalance_ready{check="database"} 0.0' in await answer.text()
    await served.stop()
    await gone.close()

    assert said == {"ok": False, "wrong": {"database": "The database does not answer."}}


@pytest.fixture
async def site(db: Database) -> AsyncIterator[str]:
    async def ready() -> dict[str, str]:
        return await wrong(db)

    served = Site(health_and_metrics(ready), "127.0.0.1", 0)
    yield f"http://127.0.0.1:{await served.start()}"
    await served.stop()


async def test_over_http(site: str, db: Database) -> None:
    async with ClientSession(site) as http:
        async with http.get("/readyz") as answer:
            assert (answer.status, await answer.json()) == (200, {"ok": True, "wrong": {}})
        await due(db, real_now() - LONG_AGO)
        async with http.get("/readyz") as answer:
            assert answer.status == 503
            assert (await answer.json())["wrong"] == {"agenda": "What is due is done 20 min late."}
        async with http.get("/healthz") as answer:
            assert answer.status == 200
        async with http.get("/metrics") as answer:
            assert 'imbalance_ready{check="agenda"} 0.0' in await answer.text()


async def test_metrics_measure_though_nobody_asked_whether_it_is_ready(
    site: str, db: Database
) -> None:
    await due(db, real_now() - LONG_AGO)
    await held(db)
    scheduler_lag_seconds.set(0)
    ready.labels("agenda").set(1)
    oldest_message_seconds.labels(State.HELD).set(0)

    async with ClientSession(site) as http, http.get("/metrics") as answer:
        said = await answer.text()
        assert answer.headers["Content-Type"] == CONTENT_TYPE_LATEST

    measured = dict(line.rsplit(" ", 1) for line in said.splitlines() if line[0] != "#")
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
async def test_what_is_late_by_how_much(
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

    assert set(await wrong(db)) == named
    for name, lag in (("scheduler", agenda_late), ("outbox", outbox_late)):
        assert REGISTRY.get_sample_value(f"imbalance_{name}_lag_seconds") == lag.total_seconds()


async def test_what_the_database_does_not_tell_is_not_known(db: Database) -> None:
    """And what was halted, or waited, once is forgotten when it is so no more."""
    await a_message(db, state="failed", error="why")
    await lease(db, halted="invalid_auth")
    await wrong(db)
    await lease(db, halted=None)
    await wrong(db)
    assert halted("invalid_auth") is None
    labels = {"state": State.FAILED.value}
    age = REGISTRY.get_sample_value("imbalance_oldest_message_age_seconds", labels)
    assert age == pytest.approx(3600, abs=60)

    gone = Database("postgresql://nobody@127.0.0.1:9/none")
    await readiness.not_ready(gone, Clock(), connected)
    await gone.close()
    checks = {
        check: REGISTRY.get_sample_value("imbalance_ready", {"check": check})
        for check in readiness.CHECKS
    }
    assert (checks["database"], checks["socket"]) == (0, 1)
    assert isnan(checks["agenda"] or 0)
    assert isnan(checks["outbox"] or 0)


def halted(reason: str) -> float | None:
    return REGISTRY.get_sample_value("imbalance_halted_workspaces", {"reason": reason})


async def test_a_database_that_hangs_is_said_to_after_some_seconds(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(*_: object) -> timedelta:
        await asyncio.Event().wait()
        return LONG_AGO

    assert readiness.LOOK_SECONDS == 3
    monkeypatch.setattr(readiness, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(system_state, "agenda_lag", hang)

    assert set(await wrong(db)) == {"database"}


async def test_one_workspaces_messages_are_not_late_for_another(db: Database) -> None:
    """The other has a free lease and nothing to send."""
    await a_message(db, workspace_id="T1")
    await a_message(db, workspace_id="T2", state="sent")
    alive = real_now() + timedelta(seconds=15)
    async with db.transaction() as tx:
        mine = schema.sender_leases.c.workspace_id == "T1"
        await tx.execute(
            update(schema.sender_leases).where(mine).values(owner="a", lease_until=alive)
        )
    assert await lag(db) == timedelta(0)

    await a_message(db, workspace_id="T3", now=real_now() - timedelta(hours=1))
    await a_message(db, workspace_id="T4")
    assert await lag(db) == pytest.approx(timedelta(hours=2), abs=timedelta(seconds=30))
