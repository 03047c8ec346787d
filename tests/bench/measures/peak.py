"""The Tuesday-10:00 peak on PostgreSQL: how many people are asked in time, by 1 and 3 replicas."""

import asyncio
import os
from contextlib import ExitStack
from dataclasses import dataclass

from bot.clock import monotonic
from tests.bench.bench import Bench, Slack
from tests.bench.outside import opened
from tests.bench.peak_world import EACH, PEOPLE, TEAMS, only, tuesday
from tests.bench.table import GOALS, Row, written

WORKSPACES = int(os.environ.get("PEAK_WORKSPACES", "2000"))
#: Every DM is to be sent so soon after its slot. Shorter for a first look: PEAK_SECONDS=60.
DEADLINE = float(os.environ.get("PEAK_SECONDS", "300"))
TRIAL = DEADLINE / 3
CALL_SECONDS = 0.12
POST = "chat.postMessage"
REPLICAS = (1, 3)
#: Of what the trial did in time, so much is asked for first, and less after each failure.
TRY, LESS, TRIES = 0.95, 0.85, 4
BEFORE_TEN = 10.0
LOOK_SECONDS = 1.0


class NobodyAsked(Exception):
    """The bot did not do what is measured."""


@dataclass(frozen=True, kw_only=True)
class Tuesday:
    """What became of one ten o'clock."""

    asked: int
    late: tuple[float, ...]  # seconds after ten, of each DM that was sent, sorted
    limit: str = ""  # what the replicas did, in words

    @property
    def all_in_time(self) -> bool:
        return len(self.late) == self.asked and self.late[-1] <= DEADLINE


async def tuesday_at_ten(bench: Bench) -> list[Row]:
    # Made into a template, so that each run begins with the same database.
    pattern = bench.postgres.create(await bench.postgres_template())
    async with opened(pattern) as db:
        began = monotonic()
        await tuesday(db, WORKSPACES, bench.business)
        bench.say(f"{WORKSPACES:,} workspaces written in {monotonic() - began:.0f} s")
    held = {}
    for replicas in REPLICAS:
        held[replicas] = await _largest(bench, pattern, replicas)
    bench.postgres.drop(pattern)
    return rows(held)


def rows(held: dict[int, Tuesday]) -> list[Row]:
    found = [_row(replicas, one) for replicas, one in held.items()]
    one, three = (held[replicas] for replicas in REPLICAS)
    ratio = Row(
        name="people per machine, 3 replicas",
        goal=GOALS["replicas"],
        value=three.asked / one.asked if one.asked else 0,
        unit="x",
        shown=f"{three.asked:,} people in time against {one.asked:,}",
        limit="the cores: replicas, PostgreSQL and the sink share them",
    )
    return [*found, ratio]


def _row(replicas: int, held: Tuesday) -> Row:
    each = len(held.late) / held.late[-1] if held.late else 0
    return Row(
        name=f"Tuesday at ten, {replicas} replica{'s' if replicas > 1 else ''}",
        goal=GOALS["deadline"],
        value=held.late[-1] if held.late else DEADLINE,
        unit=" s",
        shown=f"{held.asked:,} people ({held.asked // EACH:,} workspaces x {TEAMS} x {PEOPLE}) "
        f"all in time, the last after {written(held.late[-1], ' s')}; {each:.0f} a second",
        limit=held.limit,
        samples={"late_s": held.late[:: max(1, len(held.late) // 500)]},
    )


async def _largest(bench: Bench, pattern: str, replicas: int) -> Tuesday:
    """The largest load with which every message was in time: estimated, then tried."""
    trial = await _run(bench, pattern, replicas, WORKSPACES, TRIAL)
    if not trial.late:
        raise NobodyAsked("nothing was sent at all")
    each_second = len(trial.late) / TRIAL
    workspaces = max(1, min(WORKSPACES, int(each_second * DEADLINE * TRY / EACH)))
    bench.say(f"{replicas} replicas: {each_second:.0f} a second when there is more than enough")
    for _ in range(TRIES):
        found = await _run(bench, pattern, replicas, workspaces, DEADLINE)
        bench.say(f"{workspaces} workspaces: {len(found.late):,} of {found.asked:,} in time")
        if found.all_in_time:
            return found
        workspaces = max(1, int(workspaces * LESS))
    return found


async def _run(
    bench: Bench, pattern: str, replicas: int, workspaces: int, seconds: float
) -> Tuesday:
    url = await asyncio.to_thread(bench.copy_of, pattern)
    async with opened(url) as db:
        await only(db, workspaces)
    async with bench.slack() as slack:
        await slack.latency(CALL_SECONDS)
        ten = monotonic() + BEFORE_TEN
        with ExitStack() as stack:
            bots = [
                stack.enter_context(bench.bot(slack.api_url, url, "tests.bench.ours", clock_at=ten))
                for _ in range(replicas)
            ]
            for bot in bots:
                await bot.ready()
            asked = workspaces * EACH
            since = monotonic()
            began = [one.cpu_seconds() for one in (slack.child, *bots)]
            profile = await bench.sampled(
                bots[0], lambda: slack.wait_until(POST, asked, ten + seconds, LOOK_SECONDS)
            )
            used = [one.cpu_seconds() for one in (slack.child, *bots)]
            took = monotonic() - since
            late = await _late(slack, ten, seconds)
    bench.postgres.drop(url)
    sink, *ours = ((end - start) / took for start, end in zip(began, used, strict=True))
    each = sum(ours) * took / max(1, len(late)) * 1000
    limit = (
        f"replicas used {sum(ours):.2f} cores ({each:.1f} ms of processor for each person), the "
        f"sink {sink:.2f}; one replica {profile}"
    )
    return Tuesday(asked=asked, late=late, limit=limit)


async def _late(slack: Slack, ten: float, seconds: float) -> tuple[float, ...]:
    late = (at + CALL_SECONDS - ten for _, at, _ in await slack.seen(POST))
    return tuple(sorted(one for one in late if one <= seconds))
