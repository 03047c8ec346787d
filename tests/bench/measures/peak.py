"""The Tuesday-10:00 peak on PostgreSQL: how many people are asked in time, by 1 and 3 replicas."""

import os
from dataclasses import replace
from math import ceil

from bot.clock import monotonic
from tests.bench.admin_database import opened
from tests.bench.bench import Bench
from tests.bench.one_tuesday import DEADLINE, Tuesday, ten_oclock
from tests.bench.peak_world import EACH, PEOPLE, TEAMS, tuesday
from tests.bench.table import GOALS, Row, written

#: More than are held: 2,000 are the goal's.
WORKSPACES = int(os.environ.get("PEAK_WORKSPACES", "3000"))
TRIAL = DEADLINE / 3
REPLICAS = (1, 3)
#: Of what the trial did in time, so much is tried first; then more or less, until the largest
#: that was held and the smallest that was not are so close.
TRY, MORE, LESS, CLOSE, TRIES = 0.95, 1.1, 0.88, 0.04, 8

NEXT = "statements made once, as for a fan-out; PostgreSQL on cores of its own"


class NobodyAsked(Exception):
    """The bot did not do what is measured."""


async def tuesday_at_ten(bench: Bench) -> list[Row]:
    # Made into a template, so that each run begins with the same database.
    pattern = bench.postgres.create(await bench.postgres_template())
    async with opened(pattern) as db:
        began = monotonic()
        await tuesday(db, WORKSPACES, bench.business)
        bench.say(f"{WORKSPACES:,} workspaces written in {monotonic() - began:.0f} s")
    found = {}
    for replicas in REPLICAS:
        found[replicas] = await _largest(bench, pattern, replicas)
    bench.postgres.drop(pattern)
    return rows(found)


def rows(found: dict[int, Tuesday]) -> list[Row]:
    """`found`: the largest that was held with so many replicas, or the last that was not."""
    one, three = (found[replicas] for replicas in REPLICAS)
    ratio = Row(
        name="people per machine, 3 replicas",
        goal=GOALS["replicas"],
        value=three.asked / one.asked if one.asked else 0,
        unit="x",
        shown=f"{three.asked:,} people against {one.asked:,}",
        limit="the cores: replicas, PostgreSQL, the sink and the load share them",
        next_step=NEXT,
        wrong="" if one.is_held and three.is_held else "one of the two was not held",
    )
    return [*(_row(replicas, one) for replicas, one in found.items()), ratio]


def _row(replicas: int, found: Tuesday) -> Row:
    last = found.late[-1] if found.late else DEADLINE
    return Row(
        name=f"Tuesday at ten, {replicas} replica{'s' if replicas > 1 else ''}",
        goal=GOALS["deadline"],
        value=last,
        unit=" s",
        shown=f"{found.asked:,} people ({found.asked // EACH:,} workspaces x {TEAMS} x {PEOPLE}), "
        f"{found.in_time:,} of them in time, the last after {written(last, ' s')}; "
        f"{len(found.late) / last:.0f} a second, beside {found.answered:,} answers",
        limit=found.limit,
        next_step=NEXT,
        wrong="" if found.is_held else _failing(found),
        samples={"late_s": found.late[:: max(1, len(found.late) // 500)]},
    )


def _failing(found: Tuesday) -> str:
    return (
        f"no load was held: of {found.asked:,} people {found.asked - found.in_time:,} were not "
        f"asked in time, {found.twice} twice, and {found.wrong} answers failed"
    )


def next_try(first: int, most: int, held: int, failed: int | None) -> int | None:
    """How many workspaces to try next; None: the largest load is known closely enough.

    `held` is the most that was held so far, 0 for none; `failed` the fewest that was not.
    """
    if failed is None:
        return None if held == most else min(most, ceil(held * MORE) if held else first)
    if failed - held <= max(1, CLOSE * failed):
        return None
    return (held + failed) // 2 if held else max(1, int(failed * LESS))


async def _largest(bench: Bench, pattern: str, replicas: int) -> Tuesday:
    """The largest load that was held: estimated, then tried. The last one, if none was.

    What the replicas do is sampled in the estimate, which judges nothing.
    """
    trial = await ten_oclock(
        bench, pattern, replicas=replicas, workspaces=WORKSPACES, seconds=TRIAL, sampled=True
    )
    if not trial.late:
        raise NobodyAsked("nothing was sent at all")
    each_second = len(trial.late) / TRIAL
    bench.say(f"{replicas} replicas: {each_second:.0f} a second when there is more than enough")
    first = max(1, min(WORKSPACES, int(each_second * DEADLINE * TRY / EACH)))
    runs: list[Tuesday] = []
    while len(runs) < TRIES:
        held = max((one.asked // EACH for one in runs if one.is_held), default=0)
        failed = min((one.asked // EACH for one in runs if not one.is_held), default=None)
        workspaces = next_try(first, WORKSPACES, held, failed)
        if workspaces is None:
            break
        found = await ten_oclock(
            bench, pattern, replicas=replicas, workspaces=workspaces, seconds=DEADLINE
        )
        bench.say(
            f"{workspaces} workspaces: {found.in_time:,} of {found.asked:,} in time, "
            f"{found.twice} twice, {found.wrong} of {found.answered} answers failed"
        )
        runs.append(found)
    largest = max((one for one in runs if one.is_held), key=lambda one: one.asked, default=runs[-1])
    return replace(largest, limit=f"{largest.limit}; {trial.limit}")
