"""One scenario: children work and die until enough of them have and all is done; then count."""

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
from bot.db.db_errors import TooSlow
from bot.db.engine import Database
from bot.db.upserts import put_all_if_new
from tests.chaos.faults import USUAL, Faults
from tests.chaos.fork_server import Zygote
from tests.chaos.oracle import Count, count, left
from tests.chaos.sink import Sink
from tests.chaos.steps import RARE, STEPS
from tests.chaos.worker_process import LINK, Orders

LOOK_SECONDS = 0.05
WORKSPACES = 3
#: A step is reached so often, at most, before its child dies there.
MOST_TIMES = 3
#: Who waits so long for a rare step is killed wherever it is: its successor finds what it left.
RARE_SECONDS = 3.0


@dataclass
class Stage:
    """A scenario while it runs: what its trouble-maker can touch."""

    scenario: "Scenario"
    zygote: Zygote
    sink: Sink
    orders: Orders
    rng: random.Random
    alive: dict[int, str] = field(default_factory=dict)  # and where each is to die
    born: dict[int, float] = field(default_factory=dict)
    over: bool = False
    hits: Counter[str] = field(default_factory=Counter)
    crashes: list[str] = field(default_factory=list)  # of children that nobody killed

    @property
    def is_enough(self) -> bool:
        return all(self.hits[step] >= self.scenario.hits for step in self.scenario.steps)

    def next_step(self) -> str:
        """The one that was hit least, counting those that are about to be."""
        planned = self.hits + Counter(self.alive.values())
        return min(self.scenario.steps, key=lambda step: planned[step])

    def random_child(self) -> int | None:
        return self.rng.choice(list(self.alive)) if self.alive else None

    def signal(self, pid: int, what: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, what)


Trouble = Callable[[Stage], Coroutine[Any, Any, int]]


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What is tried. `trouble` acts while children work and returns how often it struck."""

    name: str
    processes: int = 1
    steps: tuple[str, ...] = ()  # of STEPS: where children die
    hits: int = 0  # at each of them
    chains: int = 6
    links: int = 6
    backlog: int = 12  # new chains when no more messages are on their way: leases are given back
    mutation: str = ""
    faults: Mapping[str, float] = field(default_factory=lambda: dict(USUAL))
    trouble: Trouble | None = None
    call: float = 1.0
    settle: float = 0.8
    lease: float = 0.8
    begin_within: float = 0.5
    hang: float = 1.5
    longest: float = 2700.0  # then it counts as stuck


@dataclass(frozen=True, kw_only=True)
class Result:
    scenario: Scenario
    hits: Mapping[str, int]  # by step
    strikes: int  # of its trouble
    lookup_attempts: int
    count: Count
    seconds: float
    stuck: bool
    crashes: Sequence[str]
    faults: Faults

    @property
    def good(self) -> bool:
        survived = not self.stuck and not self.crashes and self.faults.all_fired
        return self.count.is_clean and not self.count.ends and survived

    @property
    def struck(self) -> int:
        """How often something died or was made to suffer."""
        return sum(self.hits.values()) + self.strikes


async def run(zygote: Zygote, scenario: Scenario, url: str, seed: int) -> Result:
    """Raises nothing for what it finds: the result says it."""
    began = monotonic()
    rng = random.Random(f"{seed}:{scenario.name}:{scenario.processes}")
    faults = Faults(rng.randrange(2**32), scenario.faults)
    sink = Sink(seed=rng.randrange(2**32), faults=faults, hang=scenario.hang)
    runner, slack_url = await sink.start()
    orders = Orders(
        database_url=url,
        slack_url=slack_url,
        mutation=scenario.mutation,
        call=scenario.call,
        settle=scenario.settle,
        lease=scenario.lease,
        begin_within=scenario.begin_within,
    )
    stage = Stage(scenario, zygote, sink, orders, rng)
    db = Database(url)
    try:
        strikes, decided, stuck = await _play(stage, db)
        found = await count(db, sink, decided)
    finally:
        stage.over = True
        for pid in stage.alive:
            stage.signal(pid, signal.SIGKILL)
        await db.close()
        await runner.cleanup()
    seconds = monotonic() - began
    return Result(
        scenario=scenario,
        hits=stage.hits,
        strikes=strikes,
        lookup_attempts=sink.lookup_attempts,
        count=found,
        seconds=seconds,
        stuck=stuck,
        crashes=stage.crashes,
        faults=faults,
    )


async def _play(stage: Stage, db: Database) -> tuple[int, int, bool]:
    """Returns strikes of trouble, links decided, and whether it never came to an end."""
    scenario = stage.scenario
    until = monotonic() + scenario.longest
    troubling = asyncio.create_task(scenario.trouble(stage)) if scenario.trouble else None
    decided = batches = 0
    while monotonic() < until and not stage.crashes:
        _hurry(stage)
        _reap(stage)
        reached_minimum = stage.is_enough and (troubling is None or troubling.done())
        due, open_ones = await _left(db)
        if reached_minimum and batches and not (due or open_ones):
            break
        if due == 0 and open_ones <= scenario.backlog and not (reached_minimum and batches):
            decided += await _decide(stage, db, batches)
            batches += 1
        _bear(stage)
        await asyncio.sleep(LOOK_SECONDS)
    stuck = monotonic() >= until
    if troubling is None:
        return 0, decided, stuck
    if stuck or stage.crashes:  # it may wait for what will never be
        troubling.cancel()
        return 0, decided, stuck
    return await troubling, decided, stuck


async def _left(db: Database) -> tuple[int, int]:
    """How much is due, and how many messages are on their way; (-1, -1) if nobody can tell."""
    try:
        return await left(db)
    except (DBAPIError, TooSlow):  # the database is what this scenario takes away
        return -1, -1


async def _decide(stage: Stage, db: Database, batch: int) -> int:
    """Put the first links of new chains on the agenda. Returns how many links will follow."""
    scenario, now = stage.scenario, real_now()
    first = [f"{'CU'[number % 2]}{batch}X{number}" for number in range(scenario.chains)]
    while not await _decided(db, first[0]):
        with suppress(DBAPIError, TooSlow):  # it may have been kept all the same: look again
            async with db.transaction() as tx:
                leases = [{"workspace_id": f"T{number}"} for number in range(WORKSPACES)]
                await put_all_if_new(tx, schema.sender_leases, leases)
                for number, to in enumerate(first):
                    workspace, subject = f"T{number % WORKSPACES}", f"{to}:1:{scenario.links}"
                    await schedule.add(tx, workspace, action=LINK, subject=subject, due_at=now)
    return scenario.chains * scenario.links


async def _decided(db: Database, to: str) -> bool:
    """Whether this chain was begun. Waits until the database can tell."""
    due, said = schema.agenda.c.subject, schema.messages.c.key
    while True:
        with suppress(DBAPIError, TooSlow):
            async with db.reading() as reader:
                begun = await reader.scalar(
                    select(exists().where(due.startswith(f"{to}:")))
                ) or await reader.scalar(select(exists().where(said.startswith(f"{to}:"))))
                return bool(begun)
        await asyncio.sleep(LOOK_SECONDS)


def _reap(stage: Stage) -> None:
    stage.zygote.listen()
    for pid in [pid for pid in stage.alive if pid in stage.zygote.dead]:
        step = stage.alive.pop(pid)
        stage.sink.kill.pop(pid, None)
        if words := stage.zygote.bury(pid):
            stage.crashes.append(words)
        elif step:
            stage.hits[step] += 1


def _hurry(stage: Stage) -> None:
    """This counts as no hit: it died elsewhere."""
    for pid, step in stage.alive.items():
        waits = STEPS.get(step) in RARE and monotonic() - stage.born[pid] > RARE_SECONDS
        if waits:
            stage.alive[pid] = ""
            stage.signal(pid, signal.SIGKILL)


def _bear(stage: Stage) -> None:
    while len(stage.alive) < stage.scenario.processes:
        step = "" if stage.is_enough else stage.next_step()
        place = STEPS.get(step, "")
        far = place.startswith("far ")
        times = 1 if place in RARE else stage.rng.randint(1, MOST_TIMES)
        own = {"step": "" if far else place, "times": times}
        pid = stage.zygote.spawn(Orders(**{**stage.orders.as_json(), **own}))
        stage.alive[pid], stage.born[pid] = step, monotonic()
        if far:
            stage.sink.kill[pid] = place
