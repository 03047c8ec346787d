"""The whole bot: people use it while its processes are killed and its connections cut.

People who get no response try again, as they would. In the end every acknowledged answer must be
saved, every phase started once, and every message sent once and in order.
"""

import asyncio
import random  # noqa: TID251  a seed repeats it
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from bot.clock import Clock, monotonic, real_now
from bot.db.engine import Database
from bot.playground.server import FakeSlack
from tests.chaos.fork_server import ForkServer
from tests.chaos.mutations import has_detected
from tests.chaos.oracle import Count, count_posts
from tests.chaos.whole_bot_oracle import count, ids_in_slack
from tests.chaos.whole_bot_people import ANSWERERS, LEADS, LOOK_SECONDS, People, inject_faults
from tests.chaos.whole_bot_process import CALLED, CALLING, MUTATIONS, STEPS, WholeBotOrders
from tests.chaos.whole_bot_run import WholeBotRun, WholeBotScenario
from tests.conftest import MANIFEST
from tests.harness import KEY_RING, unfinished
from tests.outages.bot_process import open_round
from tests.outages.outage import add_members

#: The seconds after which the fake Slack redelivers events, instead of minutes.
RETRY_AFTER = (0.1, 0.5, 1.0, 2.0, 4.0)
#: The limit from a sender's death to the next message in Slack, with the lease of production.
TAKEOVER_SECONDS = 20.0
#: A scenario that takes longer counts as stuck. An idle machine needs far less.
QUICK_SECONDS, FULL_SECONDS = 240.0, 1800.0


@dataclass(frozen=True, kw_only=True)
class WholeBotResult:
    """The result of a scenario."""

    scenario: WholeBotScenario
    hits: Counter[str]
    lookup_attempts: int
    count: Count
    takeover_seconds: float
    seconds: float
    stuck: bool
    crashes: Sequence[str]

    @property
    def passed(self) -> bool:
        slow_takeover = not self.scenario.lease and self.takeover_seconds > TAKEOVER_SECONDS
        survived = not self.stuck and not self.crashes and not slow_takeover
        return self.count.is_clean and not self.count.final_states and survived

    @property
    def total_hits(self) -> int:
        """The number of processes killed."""
        return self.hits.total()


def scenarios(processes: int, hits: int, *, quick: bool) -> Iterator[WholeBotScenario]:
    """Kills at every step; and, at full size, with a lease as in production."""
    max_seconds = QUICK_SECONDS if quick else FULL_SECONDS
    yield WholeBotScenario(
        name="the whole bot is killed",
        processes=processes,
        steps=tuple(STEPS),
        hits=hits,
        max_seconds=max_seconds,
    )
    if not quick:
        name = f"taken over within {TAKEOVER_SECONDS:.0f} s, as in production"
        yield WholeBotScenario(
            name=name, processes=processes, steps=(CALLING,), hits=3, faults=False, lease=0
        )


def mutation_scenarios() -> dict[str, WholeBotScenario]:
    """The scenario that reveals each mutation."""
    steps = (CALLED, "a phase started, not acknowledged")
    scenario = WholeBotScenario(name="the whole bot is killed", steps=steps, hits=4)
    return {name: replace(scenario, mutation=name) for name in MUTATIONS}


async def run(
    fork_server: ForkServer, scenario: WholeBotScenario, url: str, seed: int
) -> WholeBotResult:
    """Run a scenario. Problems are part of the result, not exceptions."""
    began, slack = monotonic(), FakeSlack(clock=Clock().now, manifest=MANIFEST)
    db = Database(url, KEY_RING)
    slack.core.dispatch.retry_after = RETRY_AFTER
    await slack.start()
    orders = WholeBotOrders(
        database_url=url,
        slack_url=slack.api_url,
        lease_seconds=scenario.lease,
        mutation=scenario.mutation,
    )
    rng = random.Random(f"{seed}:{scenario.name}:{scenario.processes}")
    current = WholeBotRun(
        fork_server=fork_server,
        steps=scenario.steps,
        hits_each=scenario.hits,
        scenario=scenario,
        slack=slack,
        db=db,
        orders=orders,
        rng=rng,
    )
    people = People(current)
    try:
        await open_round(db, ANSWERERS)
        add_members(slack, ANSWERERS)
        stuck = await _run(current, people)
        counted = await count(current, people)
    finally:
        current.kill_all()
        await slack.stop()
        await db.close()
    return WholeBotResult(
        scenario=scenario,
        hits=current.hits,
        lookup_attempts=sum(call.method == "conversations.history" for call in slack.calls),
        count=counted,
        takeover_seconds=current.takeover_seconds(),
        seconds=monotonic() - began,
        stuck=stuck,
        crashes=current.crashes,
    )


async def _run(current: WholeBotRun, people: People) -> bool:
    """Returns whether the scenario got stuck."""
    background = [asyncio.create_task(_keep_alive(current))]
    work = [asyncio.create_task(_work(current, people))]
    if current.scenario.mutation:
        work.append(asyncio.create_task(_until(current, _is_mutation_detected)))
    try:
        done, _ = await asyncio.wait(
            [*background, *work],
            timeout=current.scenario.max_seconds,
            return_when=asyncio.FIRST_COMPLETED,
        )
        for task in done:
            task.result()
    finally:
        await _cancel(*background, *work)
    return not done


async def _work(current: WholeBotRun, people: People) -> None:
    """Use the bot until every step was hit, then wait until it is idle."""
    faults = asyncio.create_task(inject_faults(current)) if current.scenario.faults else None
    answering = asyncio.create_task(people.answer())
    leads = [asyncio.create_task(people.start_phases(number)) for number in range(len(LEADS))]
    started = [answering, *leads, *([faults] if faults else [])]
    try:
        await asyncio.gather(people.send_numbered_messages(), *leads)
        await _until(current, _is_every_step_hit)
        if faults:
            await _cancel(faults)
        current.slack.faults.clear()
        people.crowd.stop()
        await answering
        await _until(current, _is_idle)
    finally:
        await _cancel(*started)


async def _cancel(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _is_mutation_detected(current: WholeBotRun) -> bool:
    """Whether Slack already shows what the mutation does: more need not happen."""
    ids = ids_in_slack(current.slack)
    found = Count()
    count_posts(found, ids, set(ids))
    return has_detected(MUTATIONS[current.scenario.mutation], found)


async def _until(current: WholeBotRun, condition: Callable[[WholeBotRun], Awaitable[bool]]) -> None:
    while not await condition(current):  # noqa: ASYNC110 (other processes work)
        await asyncio.sleep(LOOK_SECONDS)


async def _is_every_step_hit(current: WholeBotRun) -> bool:
    return not current.steps_left


async def _is_idle(current: WholeBotRun) -> bool:
    return not await unfinished(current.db, real_now())


async def _keep_alive(current: WholeBotRun) -> None:
    while True:
        current.collect_ended()
        current.spawn_missing()
        await asyncio.sleep(LOOK_SECONDS)
