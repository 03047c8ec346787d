"""Whether it can work, and works: asked by `/readyz`, told to Prometheus with each look."""

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

#: Ticks come every second and a restart takes a few: what is later than this is not worked off.
LONGEST_AGENDA_LAG = timedelta(minutes=2)
#: What we promise: questions come within 15 minutes when all workspaces are asked at once. A
#: sender that died is replaced after 20 s, so in a quiet hour this is late by far.
LONGEST_OUTBOX_LAG = timedelta(minutes=15)
#: Who asks waits for some seconds only; a database that takes longer is the answer.
LOOK_SECONDS = 3.0

_TOLD_BY_DATABASE = ("agenda", "outbox")
CHECKS = ("database", "socket", *_TOLD_BY_DATABASE)
DATABASE = "The database does not answer."
SOCKET = "No connection to Slack is open; it is being renewed."
AGENDA = "What is due is done {lag} late."
OUTBOX = "For {lag} a workspace has had something to send, and nobody sends it."
_MEASURED = (State.PENDING, State.SENDING, State.UNKNOWN, State.HELD, State.FAILED)


async def not_ready(
    db: Database, clock: Clock, is_connected: Callable[[], Awaitable[bool]]
) -> Mapping[str, str]:
    """What is wrong, a sentence for each of CHECKS that is; empty: nothing."""
    late = await _looked(db, clock)
    found = {"database": DATABASE} if late is None else dict(late)
    if not await is_connected():
        found["socket"] = SOCKET
    for check in CHECKS:
        ready.labels(check).set(check not in found)
    if late is None:
        for check in _TOLD_BY_DATABASE:
            ready.labels(check).set(nan)
    return found


async def _looked(db: Database, clock: Clock) -> Mapping[str, str] | None:
    """What is late; None where the database did not answer in time."""
    look = asyncio.create_task(_late(db, clock.now(), real_now()))
    await asyncio.wait({look}, timeout=LOOK_SECONDS)
    if not look.done():
        look.cancel()
        leave_behind(look)
        return None
    return None if look.exception() else look.result()  # whatever it says, the answer is the same


async def _late(db: Database, now: datetime, real: datetime) -> Mapping[str, str]:
    async with db.reading() as reader:
        agenda = await system_state.agenda_lag(reader, now, real)
        outbox = await system_state.outbox_lag(reader, now, real)
        waiting = await system_state.waiting(reader, now)
        halted = await system_state.halted(reader)
    scheduler_lag_seconds.set(agenda.total_seconds())
    outbox_lag_seconds.set(outbox.total_seconds())
    for each in _MEASURED:
        age = waiting[each].oldest if each in waiting else system_state.NOTHING
        oldest_message_seconds.labels(each).set(age.total_seconds())
    halted_workspaces.clear()
    for reason, count in halted.items():
        halted_workspaces.labels(reason).set(count)
    found = {}
    if agenda > LONGEST_AGENDA_LAG:
        found["agenda"] = AGENDA.format(lag=humanize(agenda))
    if outbox > LONGEST_OUTBOX_LAG:
        found["outbox"] = OUTBOX.format(lag=humanize(outbox))
    return found
