"""Readiness of the bot, for `/readyz`; each check also updates the Prometheus metrics."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from math import nan

from sqlalchemy.exc import SQLAlchemyError

from bot.clock import Clock, real_now
from bot.db.db_errors import FailureKind, TransactionTimeout
from bot.db.engine import Database
from bot.db.request_deadline import finish_in_background
from bot.metrics import (
    halted_workspaces,
    oldest_message_seconds,
    outbox_lag_seconds,
    ready,
    scheduler_lag_seconds,
)
from bot.operations import system_state
from bot.operations.durations import humanize_duration
from bot.outbox.enqueue import State

#: Ticks come every second and a restart takes a few; a longer lag means that no bot does the work.
MAX_AGENDA_LAG = timedelta(minutes=2)
#: The promise that questions arrive within 15 minutes when all workspaces are asked at once. A dead
#: sender is replaced after 20 s, so with little load this is very late.
MAX_OUTBOX_LAG = timedelta(minutes=15)
#: Callers wait only a few seconds; a slower database counts as not responding.
DATABASE_TIMEOUT_SECONDS = 3.0

_FROM_DATABASE = ("agenda", "outbox")
CHECKS = ("database", "socket", *_FROM_DATABASE)
DATABASE_UNREACHABLE = "The database does not answer."
DATABASE_UNWRITABLE = {
    FailureKind.FULL: "The database has no space left, so nothing can be saved. Free some space.",
    FailureKind.READ_ONLY: "The database can be read, but not written to.",
}
SOCKET_DISCONNECTED = "No connection to Slack is open; it is being renewed."
AGENDA_LATE = "What is due is done {lag} late."
OUTBOX_LATE = "For {lag} a workspace has had something to send, and nobody sends it."
MEASURED_STATES = (State.PENDING, State.SENDING, State.UNKNOWN, State.HELD, State.FAILED)


async def readiness_problems(
    db: Database, clock: Clock, is_connected: Callable[[], Awaitable[bool]]
) -> Mapping[str, str]:
    """Return a sentence for each of CHECKS that fails; empty if none does."""
    late = await _late_or_timeout(db, clock)
    problems = {"database": DATABASE_UNREACHABLE} if late is None else dict(late)
    if db.health.unwritable is not None and late is not None:
        problems["database"] = DATABASE_UNWRITABLE[db.health.unwritable]
    if not await is_connected():
        problems["socket"] = SOCKET_DISCONNECTED
    for check in CHECKS:
        ready.labels(check).set(check not in problems)
    if late is None:
        for check in _FROM_DATABASE:
            ready.labels(check).set(nan)
    return problems


async def _late_or_timeout(db: Database, clock: Clock) -> Mapping[str, str] | None:
    """Return what is late, or None if the database did not respond in time."""
    task = asyncio.create_task(_late(db, clock.now(), real_now()))
    await asyncio.wait({task}, timeout=DATABASE_TIMEOUT_SECONDS)
    if not task.done():
        task.cancel()
        finish_in_background(task)
        return None
    return None if task.exception() else task.result()  # any failure means not ready


async def _late(db: Database, now: datetime, real: datetime) -> Mapping[str, str]:
    if db.health.unwritable is not None:
        with suppress(SQLAlchemyError, TransactionTimeout):  # counted and logged there
            await db.check_writable()
    async with db.reading() as reader:
        agenda = await system_state.agenda_lag(reader, now, real)
        outbox = await system_state.outbox_lag(reader, now, real)
        waiting = await system_state.waiting_messages(reader, now)
        halted = await system_state.halted_workspaces(reader)
    scheduler_lag_seconds.set(agenda.total_seconds())
    outbox_lag_seconds.set(outbox.total_seconds())
    for state in MEASURED_STATES:
        age = waiting[state].oldest if state in waiting else system_state.ZERO
        oldest_message_seconds.labels(state).set(age.total_seconds())
    halted_workspaces.clear()
    for reason, count in halted.items():
        halted_workspaces.labels(reason).set(count)
    late = {}
    if agenda > MAX_AGENDA_LAG:
        late["agenda"] = AGENDA_LATE.format(lag=humanize_duration(agenda))
    if outbox > MAX_OUTBOX_LAG:
        late["outbox"] = OUTBOX_LATE.format(lag=humanize_duration(outbox))
    return late
