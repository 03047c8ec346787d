"""Runs one scenario: children work and are killed until all steps are hit; then count."""

import asyncio
import random  # noqa: TID251  a seed repeats it
import signal
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
from tests.chaos.fork_server import Children, ForkServer
from tests.chaos.mutations import MUTATIONS, has_detected
from tests.chaos.oracle import Count, count, counts_in_slack, remaining_work
from tests.chaos.sink import Sink
from tests.chaos.steps import RARE, STEPS
from tests.chaos.worker_process import LINK, Orders
from tests.harness import KEY_RING
from tests.stub_slack.faults import USUAL_SHARES, Faults

LOOK_SECONDS = 0.05
WORKSPACES = 3
#: A child is killed at the first to the third time that it reaches its step.
MAX_TIMES = 3
#: A child that waits longer for a rare step is killed anyway: its successor may reach the step.
RARE_SECONDS = 3.0


@dataclass(kw_only=True)
class ScenarioRun(Children):
    """A scenario while it runs, as its disruption sees it."""

    scenario: "Scenario"
    sink: Sink
    orders: Orders
    rng: random.Random
    spawned_at: dict[int, float] = field(default_factory=dict)

    def random_child(self) -> int | None:
        return self.rng.choice(list(self.alive)) if self.alive else None


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
    sink = Sink(rng.randrange(2**32), faults, scenario.hang_seconds)
    db = Database(url, KEY_RING)
    async with sink.serving() as slack_url:
        orders = Orders(
            database_url=url,
            slack_url=slack_url,
            mutation=scenario.mutation,
            call_seconds=scenario.call_seconds,
            settle_seconds=scenario.settle_seconds,
            lease_seconds=scenario.lease_seconds,
            begin_within_seconds=scenario.begin_within_seconds,
        )
        current = ScenarioRun(
            fork_server=fork_server,
            steps=scenario.steps,
            hits_each=scenario.hits,
            scenario=scenario,
            sink=sink,
            orders=orders,
            rng=rng,
        )
        try:
            disruptions, links, stuck = await _run(current, db)
            found = await count(db, sink, links)
        finally:
            current.kill_all()
            await db.close()
    seconds = monotonic() - began
    return Result(
        scenario=scenario,
        hits=current.hits,
        disruptions=disruptions,
        lookup_attempts=sink.workspace.lookups,
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
        if _is_mutation_detected(current):
            break
        _kill_waiting_for_rare_steps(current)
        for pid in current.collect_ended():
            current.sink.kill_at.pop(pid, None)
        can_end = not current.steps_left and (disrupting is None or disrupting.done())
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
    if not disrupting.done():  # it may wait for something that will never happen
        disrupting.cancel()
        return 0, links, stuck
    return disrupting.result(), links, stuck


def _is_mutation_detected(current: ScenarioRun) -> bool:
    """Whether Slack already shows what this scenario's mutation does: more need not happen."""
    mutation = current.scenario.mutation
    return bool(mutation) and has_detected(MUTATIONS[mutation], counts_in_slack(current.sink))


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
        step = current.next_step()
        step_name = STEPS.get(step, "")
        is_in_sink = step_name.startswith("far ")
        times = 1 if step_name in RARE else current.rng.randint(1, MAX_TIMES)
        own_orders = {"step": "" if is_in_sink else step_name, "times": times}
        pid = current.fork_server.spawn(Orders(**{**current.orders.as_json(), **own_orders}))
        current.alive[pid], current.spawned_at[pid] = step, monotonic()
        if is_in_sink:
            current.sink.kill_at[pid] = step_name
