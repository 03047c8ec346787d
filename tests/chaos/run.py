"""Runs one scenario: children work and are killed until all steps are hit; then count."""

import asyncio
import os
import random  # noqa: TID251  a seed repeats it
import signal
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.exc import DBAPIError

from bot.agenda import schedule
from bot.clock import monotonic, real_now
from bot.db import schema
from bot.db.db_errors import TransactionTimeout
from bot.db.engine import Database
from bot.db.upserts import insert_all_if_new
from tests.chaos.faults import USUAL_SHARES, Faults
from tests.chaos.fork_server import ForkServer
from tests.chaos.oracle import Count, count, remaining_work
from tests.chaos.sink import Sink
from tests.chaos.steps import RARE, STEPS
from tests.chaos.worker_process import LINK, Orders

LOOK_SECONDS = 0.05
WORKSPACES = 3
#: A child is killed at the first to the third time that it reaches its step.
MAX_TIMES = 3
#: A child that waits longer for a rare step is killed anyway: its successor may reach the step.
RARE_SECONDS = 3.0


@dataclass
class ScenarioRun:
    """A scenario while it runs, as its disruption sees it."""

    scenario: "Scenario"
    fork_server: ForkServer
    sink: Sink
    orders: Orders
    rng: random.Random
    alive: dict[int, str] = field(
        default_factory=dict
    )  # the step at which each pid is to be killed
    spawned_at: dict[int, float] = field(default_factory=dict)
    is_over: bool = False
    hits: Counter[str] = field(default_factory=Counter)
    crashes: list[str] = field(
        default_factory=list
    )  # tracebacks of children that ended by themselves

    @property
    def has_enough_hits(self) -> bool:
        return all(self.hits[step] >= self.scenario.hits for step in self.scenario.steps)

    def next_step(self) -> str:
        """The step with the fewest hits, planned ones included."""
        planned = self.hits + Counter(self.alive.values())
        return min(self.scenario.steps, key=lambda step: planned[step])

    def random_child(self) -> int | None:
        return self.rng.choice(list(self.alive)) if self.alive else None

    def signal(self, pid: int, signal_number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal_number)


Disruption = Callable[[ScenarioRun], Coroutine[Any, Any, int]]


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A scenario. `disruption` acts while children work and returns how often it did."""

    name: str
    processes: int = 1
    steps: tuple[str, ...] = ()  # of STEPS: where children are killed
    hits: int = 0  # at each step
    chains: int = 6
    links: int = 6
    backlog: int = (
        12  # new chains when no more messages than this are open, so that leases are released
    )
    mutation: str = ""
    faults: Mapping[str, float] = field(default_factory=lambda: dict(USUAL_SHARES))
    disruption: Disruption | None = None
    call_seconds: float = 1.0
    settle_seconds: float = 0.8
    lease_seconds: float = 0.8
    begin_within_seconds: float = 0.5
    hang_seconds: float = 1.5
    max_seconds: float = 2700.0  # a longer run counts as stuck


@dataclass(frozen=True, kw_only=True)
class Result:
    scenario: Scenario
    hits: Mapping[str, int]  # by step
    disruptions: int  # by the scenario's disruption
    lookup_attempts: int
    count: Count
    seconds: float
    stuck: bool
    crashes: Sequence[str]
    faults: Faults

    @property
    def passed(self) -> bool:
        survived = not self.stuck and not self.crashes and self.faults.all_fired
        return self.count.is_clean and not self.count.final_states and survived

    @property
    def total_hits(self) -> int:
        """The number of kills and disruptions."""
        return sum(self.hits.values()) + self.disruptions


async def run(fork_server: ForkServer, scenario: Scenario, url: str, seed: int) -> Result:
    """Run a scenario. Problems are part of the result, not exceptions."""
    began = monotonic()
    rng = random.Random(f"{seed}:{scenario.name}:{scenario.processes}")
    faults = Faults(rng.randrange(2**32), scenario.faults)
    sink = Sink(seed=rng.randrange(2**32), faults=faults, hang_seconds=scenario.hang_seconds)
    runner, slack_url = await sink.start()
    orders = Orders(
        database_url=url,
        slack_url=slack_url,
        mutation=scenario.mutation,
        call_seconds=scenario.call_seconds,
        settle_seconds=scenario.settle_seconds,
        lease_seconds=scenario.lease_seconds,
        begin_within_seconds=scenario.begin_within_seconds,
    )
    current = ScenarioRun(scenario, fork_server, sink, orders, rng)
    db = Database(url)
    try:
        disruptions, links, stuck = await _run(current, db)
        found = await count(db, sink, links)
    finally:
        current.is_over = True
        for pid in current.alive:
            current.signal(pid, signal.SIGKILL)
        await db.close()
        await runner.cleanup()
    seconds = monotonic() - began
    return Result(
        scenario=scenario,
        hits=current.hits,
        disruptions=disruptions,
        lookup_attempts=sink.lookup_attempts,
        count=found,
        seconds=seconds,
        stuck=stuck,
        crashes=current.crashes,
        faults=faults,
    )


async def _run(current: ScenarioRun, db: Database) -> tuple[int, int, bool]:
    """Returns the numbers of disruptions and of links, and whether the run got stuck."""
    scenario = current.scenario
    until = monotonic() + scenario.max_seconds
    disrupting = asyncio.create_task(scenario.disruption(current)) if scenario.disruption else None
    links = batches = 0
    while monotonic() < until and not current.crashes:
        _kill_waiting_for_rare_steps(current)
        _collect_ended(current)
        can_end = current.has_enough_hits and (disrupting is None or disrupting.done())
        due_items, open_messages = await _remaining_work(db)
        if can_end and batches and not (due_items or open_messages):
            break
        if due_items == 0 and open_messages <= scenario.backlog and not (can_end and batches):
            links += await _add_chains(current, db, batches)
            batches += 1
        _spawn_missing(current)
        await asyncio.sleep(LOOK_SECONDS)
    stuck = monotonic() >= until
    if disrupting is None:
        return 0, links, stuck
    if stuck or current.crashes:  # it may wait for something that will never happen
        disrupting.cancel()
        return 0, links, stuck
    return await disrupting, links, stuck


async def _remaining_work(db: Database) -> tuple[int, int]:
    """The numbers of due items and open messages; (-1, -1) while the database is away."""
    try:
        return await remaining_work(db)
    except (DBAPIError, TransactionTimeout):  # this scenario takes the database away
        return -1, -1


async def _add_chains(current: ScenarioRun, db: Database, batch: int) -> int:
    """Put the first links of new chains on the agenda. Returns the number of all their links."""
    scenario, now = current.scenario, real_now()
    first = [f"{'CU'[number % 2]}{batch}X{number}" for number in range(scenario.chains)]
    while not await _is_chain_known(db, first[0]):
        with suppress(
            DBAPIError, TransactionTimeout
        ):  # it may have been committed anyway: check again
            async with db.transaction() as tx:
                leases = [{"workspace_id": f"T{number}"} for number in range(WORKSPACES)]
                await insert_all_if_new(tx, schema.sender_leases, leases)
                for number, to in enumerate(first):
                    workspace, subject = f"T{number % WORKSPACES}", f"{to}:1:{scenario.links}"
                    await schedule.add(tx, workspace, action=LINK, subject=subject, due_at=now)
    return scenario.chains * scenario.links


async def _is_chain_known(db: Database, to: str) -> bool:
    """Whether this chain is in the database. Waits until the database answers."""
    due_subject, message_key = schema.agenda.c.subject, schema.messages.c.key
    while True:
        with suppress(DBAPIError, TransactionTimeout):
            async with db.reading() as reader:
                known = await reader.scalar(
                    select(exists().where(due_subject.startswith(f"{to}:")))
                ) or await reader.scalar(select(exists().where(message_key.startswith(f"{to}:"))))
                return bool(known)
        await asyncio.sleep(LOOK_SECONDS)


def _collect_ended(current: ScenarioRun) -> None:
    current.fork_server.receive()
    for pid in [pid for pid in current.alive if pid in current.fork_server.dead]:
        step = current.alive.pop(pid)
        current.sink.kill_at.pop(pid, None)
        if traceback := current.fork_server.exit_report(pid):
            current.crashes.append(traceback)
        elif step:
            current.hits[step] += 1


def _kill_waiting_for_rare_steps(current: ScenarioRun) -> None:
    """Kill children that wait too long for a rare step. This is not a hit."""
    for pid, step in current.alive.items():
        is_waiting = (
            STEPS.get(step) in RARE and monotonic() - current.spawned_at[pid] > RARE_SECONDS
        )
        if is_waiting:
            current.alive[pid] = ""
            current.signal(pid, signal.SIGKILL)


def _spawn_missing(current: ScenarioRun) -> None:
    while len(current.alive) < current.scenario.processes:
        step = "" if current.has_enough_hits else current.next_step()
        step_name = STEPS.get(step, "")
        is_in_sink = step_name.startswith("far ")
        times = 1 if step_name in RARE else current.rng.randint(1, MAX_TIMES)
        own_orders = {"step": "" if is_in_sink else step_name, "times": times}
        pid = current.fork_server.spawn(Orders(**{**current.orders.as_json(), **own_orders}))
        current.alive[pid], current.spawned_at[pid] = step, monotonic()
        if is_in_sink:
            current.sink.kill_at[pid] = step_name
