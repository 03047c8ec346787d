"""Readiness of the bot, for `/readyz`; each check also updates the Prometheus metrics."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from math import nan

from bot.clock import Clock, real_now
from bot.db.engine import Database
from bot.db.request_deadline import leave_behind
from bot.metrics import (
    halted_workspaces,
    oldest_message_seconds,
    outbox_lag_seconds,
    ready,
    scheduler_lag_seconds,
)
from bot.operations import system_state
from bot.operations.durations import humanize
from bot.outbox.enqueue import State

#: Ticks come every second and a restart takes a few; a longer lag means that no bot does the work.
LONGEST_AGENDA_LAG = timedelta(minutes=2)
#: The promise that questions arrive within 15 minutes when all workspaces are asked at once. A dead
#: sender is replaced after 20 s, so with little load this is very late.
LONGEST_OUTBOX_LAG = timedelta(minutes=15)
#: Callers wait only a few seconds; a slower database counts as not responding.
LOOK_SECONDS = 3.0

_FROM_DATABASE = ("agenda", "outbox")
CHECKS = ("database", "socket", *_FROM_DATABASE)
DATABASE = "The database does not answer."
SOCKET = "No connection to Slack is open; it is being renewed."
AGENDA = "What is due is done {lag} late."
OUTBOX = "For {lag} a workspace has had something to send, and nobody sends it."
MEASURED_STATES = (State.PENDING, State.SENDING, State.UNKNOWN, State.HELD, State.FAILED)


async def not_ready(
    db: Database, clock: Clock, is_connected: Callable[[], Awaitable[bool]]
) -> Mapping[str, str]:
    """Return a sentence for each of CHECKS that fails; empty if none does."""
    late = await _late_in_time(db, clock)
    problems = {"database": DATABASE} if late is None else dict(late)
    if not await is_connected():
        problems["socket"] = SOCKET
    for check in CHECKS:
        ready.labels(check).set(check not in problems)
    if late is None:
        for check in _FROM_DATABASE:
            ready.labels(check).set(nan)
    return problems


async def _late_in_time(db: Database, clock: Clock) -> Mapping[str, str] | None:
    """Return what is late, or None if the database did not respond in time."""
    task = asyncio.create_task(_late(db, clock.now(), real_now()))
    await asyncio.wait({task}, timeout=LOOK_SECONDS)
    if not task.done():
        task.cancel()
        leave_behind(task)
        return None
    return None if task.exception() else task.result()  # any failure means not ready


async def _late(db: Database, now: datetime, real: datetime) -> Mapping[str, str]:
    async with db.reading() as reader:
        agenda = await system_state.agenda_lag(reader, now, real)
        outbox = await system_state.outbox_lag(reader, now, real)
        waiting = await system_state.waiting(reader, now)
        halted = await system_state.halted(reader)
    scheduler_lag_seconds.set(agenda.total_seconds())
    outbox_lag_seconds.set(outbox.total_seconds())
    for state in MEASURED_STATES:
        age = waiting[state].oldest if state in waiting else system_state.NOTHING
        oldest_message_seconds.labels(state).set(age.total_seconds())
    halted_workspaces.clear()
    for reason, count in halted.items():
        halted_workspaces.labels(reason).set(count)
    late = {}
    if agenda > LONGEST_AGENDA_LAG:
        late["agenda"] = AGENDA.format(lag=humanize(agenda))
    if outbox > LONGEST_OUTBOX_LAG:
        late["outbox"] = OUTBOX.format(lag=humanize(outbox))
    return late
