"""The Tuesday-10:00 peak on PostgreSQL: people asked in time by 1 and by 3 replicas."""

import os
from dataclasses import replace
from math import ceil

from bot.clock import monotonic
from tests.bench.admin_database import opened
from tests.bench.bench import Bench
from tests.bench.one_tuesday import DEADLINE, PeakRun, run_peak
from tests.bench.peak_world import EACH, PEOPLE, TEAMS, write_peak_workspaces
from tests.bench.table import GOALS, Row, formatted

#: More than can be sustained; the goal is 2,000.
WORKSPACES = int(os.environ.get("PEAK_WORKSPACES", "3000"))
TRIAL = DEADLINE / 3
REPLICAS = (1, 3)
#: The first try is this share of the trial's rate; then more or less, until the largest sustained
#: load and the smallest unsustained one are this close.
TRY, MORE, LESS, CLOSE, TRIES = 0.95, 1.1, 0.88, 0.04, 8

NEXT = "compile statements once, as for a fan-out; PostgreSQL on its own cores"


class NobodyAsked(Exception):
    """The bot sent nothing."""


async def tuesday_at_ten(bench: Bench) -> list[Row]:
    # A template, so that each run starts with the same database.
    pattern = bench.postgres.create(await bench.postgres_template())
    async with opened(pattern) as db:
        began = monotonic()
        await write_peak_workspaces(db, WORKSPACES, bench.business_time)
        bench.progress(f"{WORKSPACES:,} workspaces written in {monotonic() - began:.0f} s")
    found = {}
    for replicas in REPLICAS:
        found[replicas] = await _largest(bench, pattern, replicas)
    bench.postgres.drop(pattern)
    return rows(found)


def rows(found: dict[int, PeakRun]) -> list[Row]:
    """`found` has the largest sustained run for each number of replicas, or the last one."""
    one, three = (found[replicas] for replicas in REPLICAS)
    ratio = Row(
        name="people per machine, 3 replicas",
        goal=GOALS["replicas"],
        value=three.asked / one.asked if one.asked else 0,
        unit="x",
        shown=f"{three.asked:,} people against {one.asked:,}",
        limit="the cores: replicas, PostgreSQL, the sink and the load share them",
        next_step=NEXT,
        errors=""
        if one.is_sustained and three.is_sustained
        else "one of the two was not sustained",
    )
    return [*(_row(replicas, one) for replicas, one in found.items()), ratio]


def _row(replicas: int, found: PeakRun) -> Row:
    last = found.late[-1] if found.late else DEADLINE
    return Row(
        name=f"Tuesday at ten, {replicas} replica{'s' if replicas > 1 else ''}",
        goal=GOALS["deadline"],
        value=last,
        unit=" s",
        shown=f"{found.asked:,} people ({found.asked // EACH:,} workspaces x {TEAMS} x {PEOPLE}), "
        f"{found.in_time:,} of them in time, the last after {formatted(last, ' s')}; "
        f"{len(found.late) / last:.0f} a second, beside {found.answered:,} answers",
        limit=found.limit,
        next_step=NEXT,
        errors="" if found.is_sustained else _failing(found),
        samples={"late_s": found.late[:: max(1, len(found.late) // 500)]},
    )


def _failing(found: PeakRun) -> str:
    late = found.asked - found.in_time
    return (
        f"no load was sustained: of {found.asked:,} people {late:,} were not asked in time, "
        f"{found.duplicates} twice, and {found.errors} answers failed"
    )


def next_try(first: int, most: int, held: int, failed: int | None) -> int | None:
    """The number of workspaces to try next; None if the largest load is close enough.

    `held` is the most that was sustained so far, 0 for none; `failed` the fewest that was not.
    """
    if failed is None:
        return None if held == most else min(most, ceil(held * MORE) if held else first)
    if failed - held <= max(1, CLOSE * failed):
        return None
    return (held + failed) // 2 if held else max(1, int(failed * LESS))


async def _largest(bench: Bench, pattern: str, replicas: int) -> PeakRun:
    """The run with the largest sustained load, or the last run if none was sustained.

    The replicas are profiled in the first run, which is only an estimate.
    """
    trial = await run_peak(
        bench, pattern, replicas=replicas, workspaces=WORKSPACES, seconds=TRIAL, sampled=True
    )
    if not trial.late:
        raise NobodyAsked("nothing was sent at all")
    each_second = len(trial.late) / TRIAL
    bench.progress(f"{replicas} replicas: {each_second:.0f} a second with more than enough to send")
    first = max(1, min(WORKSPACES, int(each_second * DEADLINE * TRY / EACH)))
    runs: list[PeakRun] = []
    while len(runs) < TRIES:
        held = max((one.asked // EACH for one in runs if one.is_sustained), default=0)
        failed = min((one.asked // EACH for one in runs if not one.is_sustained), default=None)
        workspaces = next_try(first, WORKSPACES, held, failed)
        if workspaces is None:
            break
        found = await run_peak(
            bench, pattern, replicas=replicas, workspaces=workspaces, seconds=DEADLINE
        )
        bench.progress(
            f"{workspaces} workspaces: {found.in_time:,} of {found.asked:,} in time, "
            f"{found.duplicates} twice, {found.errors} of {found.answered} answers failed"
        )
        runs.append(found)
    largest = max(
        (one for one in runs if one.is_sustained), key=lambda one: one.asked, default=runs[-1]
    )
    return replace(largest, limit=f"{largest.limit}; {trial.limit}")
