"""The whole bot: its people type and answer while it is killed and cut off from them.

Whoever gets no answer does what people do, and tries again. In the end every answer that was
acknowledged is kept, every phase was begun once, and every message was said once, in order.
"""

import asyncio
import random  # noqa: TID251  a seed repeats it
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import func, select

from bot.clock import Clock, monotonic, real_now
from bot.db import schema
from bot.db.engine import Database
from bot.outbox.queue_heads import OPEN
from bot.playground.server import FakeSlack
from tests.chaos.fork_server import Zygote
from tests.chaos.oracle import Count
from tests.chaos.whole_bot_oracle import count
from tests.chaos.whole_bot_people import ANSWERERS, LEADS, LOOK_SECONDS, People, environment
from tests.chaos.whole_bot_process import CALLED, CALLING, MUTATIONS, STEPS, WholeOrders
from tests.chaos.whole_bot_run import Play, Whole
from tests.conftest import MANIFEST
from tests.outages.bot_process import open_round
from tests.outages.outage import moved_in

#: Slack tries again after these, instead of minutes.
RETRY_AFTER = (0.1, 0.5, 1.0, 2.0, 4.0)
#: With production's lease, from a sender's death to the next message in Slack.
TAKEOVER_SECONDS = 20.0
#: Then a scenario counts as stuck: far more than it takes where nobody else is at work.
QUICK_SECONDS, FULL_SECONDS = 240.0, 1800.0


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of it."""

    scenario: Whole
    hits: Counter[str]
    lookup_attempts: int
    count: Count
    silence: float
    seconds: float
    stuck: bool
    crashes: Sequence[str]

    @property
    def good(self) -> bool:
        late = not self.scenario.lease and self.silence > TAKEOVER_SECONDS
        survived = not self.stuck and not self.crashes and not late
        return self.count.is_clean and not self.count.ends and survived

    @property
    def struck(self) -> int:
        """How often it died."""
        return self.hits.total()


def scenarios(processes: int, hits: int, *, quick: bool) -> Iterator[Whole]:
    """It dies at every step; and, at full size, with a lease as in production."""
    longest = QUICK_SECONDS if quick else FULL_SECONDS
    yield Whole(
        name="the whole bot dies",
        processes=processes,
        steps=tuple(STEPS),
        hits=hits,
        longest=longest,
    )
    if not quick:
        name = f"taken over within {TAKEOVER_SECONDS:.0f} s, as in production"
        yield Whole(
            name=name, processes=processes, steps=(CALLING,), hits=3, environment=False, lease=0
        )


def mutated() -> dict[str, Whole]:
    """For each mutation the scenario in which it shows."""
    steps = (CALLED, "a phase begun, not acknowledged")
    dying = Whole(name="the whole bot dies", steps=steps, hits=4)
    return {name: replace(dying, mutation=name) for name in MUTATIONS}


async def run(zygote: Zygote, scenario: Whole, url: str, seed: int) -> Outcome:
    """Raises nothing for what it finds: the outcome says it."""
    began, slack, db = monotonic(), FakeSlack(clock=Clock().now, manifest=MANIFEST), Database(url)
    slack.core.dispatch.retry_after = RETRY_AFTER
    await slack.start()
    orders = WholeOrders(
        database_url=url,
        slack_url=slack.api_url,
        lease=scenario.lease,
        mutation=scenario.mutation,
    )
    rng = random.Random(f"{seed}:{scenario.name}:{scenario.processes}")
    play = Play(scenario, zygote, slack, db, orders, rng)
    people = People(play)
    try:
        await open_round(db, ANSWERERS)
        moved_in(slack, ANSWERERS)
        stuck = await _play(play, people)
        found = await count(play, people)
    finally:
        play.kill_all()
        await slack.stop()
        await db.close()
    return Outcome(
        scenario=scenario,
        hits=play.hits,
        lookup_attempts=sum(call.method == "conversations.history" for call in slack.calls),
        count=found,
        silence=play.silence(),
        seconds=monotonic() - began,
        stuck=stuck,
        crashes=play.crashes,
    )


async def _play(play: Play, people: People) -> bool:
    """Returns whether it never came to an end."""
    aside = [asyncio.create_task(_keep_alive(play))]
    if play.scenario.environment:
        aside.append(asyncio.create_task(environment(play)))
    answering = asyncio.create_task(people.answer())
    leads = [asyncio.create_task(people.lead(number)) for number in range(len(LEADS))]
    doing = [asyncio.create_task(people.say()), *leads]
    try:
        async with asyncio.timeout(play.scenario.longest):
            await asyncio.gather(*doing)
            await _until(play, _all_hit)
            _calm_down(play, aside[1:])
            people.crowd.stop()
            await answering
            await _until(play, _nothing_left)
    except TimeoutError:
        return True
    finally:
        for task in (*aside, answering, *doing):
            task.cancel()
        await asyncio.gather(*aside, answering, *doing, return_exceptions=True)
    return False


def _calm_down(play: Play, storms: list[asyncio.Task[None]]) -> None:
    for storm in storms:
        storm.cancel()
    play.slack.faults.clear()


async def _until(play: Play, is_so: Callable[[Play], Awaitable[bool]]) -> None:
    while not await is_so(play):  # noqa: ASYNC110 (other processes bring it about)
        await asyncio.sleep(LOOK_SECONDS)


async def _all_hit(play: Play) -> bool:
    return not play.to_hit


async def _nothing_left(play: Play) -> bool:
    agenda, messages, now = schema.agenda, schema.messages, real_now()
    due = select(func.count()).select_from(agenda).where(agenda.c.due_at <= now)
    way = (
        select(func.count())
        .select_from(messages)
        .where(messages.c.state.in_(OPEN), messages.c.not_before <= now)
    )
    async with play.db.reading() as reader:
        return not await reader.scalar(due) and not await reader.scalar(way)


async def _keep_alive(play: Play) -> None:
    while True:
        play.reap()
        play.bear()
        await asyncio.sleep(LOOK_SECONDS)
