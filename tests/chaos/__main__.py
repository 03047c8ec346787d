"""`make chaos`: everything at full size, a line each, and what it comes to.

The setups are independent, so two of them run at a time, each in a process of its own.
"""

import argparse
import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from bot.clock import monotonic
from tests.chaos import child, plan, report, trouble, whole, whole_child
from tests.chaos.oracle import Count
from tests.chaos.run import Result, Scenario
from tests.chaos.stage import Stagehand, stage
from tests.chaos.whole_play import Whole
from tests.outages.outage import Kind, outage

S = TypeVar("S", Scenario, Whole)

AT_ONCE = 2
MUTATIONS, WHOLE_MUTATIONS, OUTAGES = "mutations", "whole mutations", "outages"
#: The same, with bots that are whole.
WHOLE = {f"whole {setup}": setup for setup in ("sqlite 1", "postgresql 3")}
PARTS = (*plan.SETUPS, *WHOLE, MUTATIONS, WHOLE_MUTATIONS, OUTAGES)
OUTAGE_SECONDS = 60.0
COUNT = "count "


def main() -> int:
    """Returns 0 if everything was seen once and in order, else 1."""
    parser = argparse.ArgumentParser(prog="make chaos")
    parser.add_argument("--quick", action="store_true", help="each step hit twice")
    parser.add_argument("--mutations", action="store_true", help="take a piece out each time")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="scenarios whose name contains this")
    parser.add_argument("--part", choices=PARTS, help="just this")
    options = parser.parse_args()
    if options.part:
        return one_part(options)
    if options.mutations:
        return max(follow(part, options, Count()) for part in (MUTATIONS, WHOLE_MUTATIONS))
    return all_parts(options)


def all_parts(options: argparse.Namespace) -> int:
    began = monotonic()
    parts = [*plan.SETUPS, *WHOLE, *([] if options.quick or options.only else [OUTAGES])]
    print(f"seed {options.seed}\n{report.HEADINGS}", flush=True)
    total = Count()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        ended = list(pool.map(lambda part: follow(part, options, total), parts))
    print(f"{monotonic() - began:.0f} s\n{report.verdict(total)}")
    return max(ended)


def follow(part: str, options: argparse.Namespace, total: Count) -> int:
    """Run a part in its own process and repeat what it says. Returns its exit code."""
    command = [sys.executable, "-m", "tests.chaos", "--part", part, "--seed", str(options.seed)]
    command += ["--quick"] if options.quick else []
    command += ["--only", options.only] if options.only else []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith(COUNT):
                total.add(Count(**json.loads(line.removeprefix(COUNT))))
            else:
                print(line, end="", flush=True)
    return process.returncode


def one_part(options: argparse.Namespace) -> int:
    with stage(whole_child.live if options.part.startswith("whole") else child.live) as hand:
        if options.part == MUTATIONS:
            play = partial(hand.play, "postgresql", seed=options.seed)
            return mutations(plan.mutated(), play)
        if options.part == WHOLE_MUTATIONS:
            return mutations(whole.mutated(), partial(hand.play_whole, "sqlite", seed=options.seed))
        if options.part == OUTAGES:
            return outages(hand)
        engine, processes = WHOLE.get(options.part, options.part).split()
        act = whole_setup if options.part in WHOLE else setup
        return act(hand, engine, int(processes), options)


def setup(hand: Stagehand, engine: str, processes: int, options: argparse.Namespace) -> int:
    scenarios = list(plan.scenarios(engine, processes, quick=options.quick))
    strikes = 1 if options.quick else 5
    if engine == "postgresql":
        crash = trouble.restarts(lambda: hand.server, strikes, 1.0)
        name = "PostgreSQL crashes and comes back"
        scenarios.append(Scenario(name=name, processes=processes, trouble=crash, chains=12))
    else:
        hold = trouble.locked(strikes, 2.0)
        name = "the file is held by another program"
        scenarios.append(Scenario(name=name, processes=processes, trouble=hold, chains=12))
    chosen = (scenario for scenario in scenarios if options.only in scenario.name)
    return told(engine, (hand.play(engine, scenario, options.seed) for scenario in chosen))


def whole_setup(hand: Stagehand, engine: str, processes: int, options: argparse.Namespace) -> int:
    hits = (plan.HITS_QUICK // processes or 1) if options.quick else plan.HITS
    scenarios = whole.scenarios(processes, hits, quick=options.quick)
    chosen = (scenario for scenario in scenarios if options.only in scenario.name)
    return told(engine, (hand.play_whole(engine, scenario, options.seed) for scenario in chosen))


def told(engine: str, results: Iterable[Result | whole.Outcome]) -> int:
    """Say each as it comes. Returns 1 if one of them was not good."""
    total, good = Count(), True
    for result in results:
        print(report.lines(engine, result), flush=True)
        total.add(result.count)
        good = good and result.good
    print(f"{COUNT}{json.dumps(total.as_json())}", flush=True)
    return 0 if good else 1


def mutations(scenarios: Mapping[str, S], play: Callable[[S], Result | whole.Outcome]) -> int:
    """Each mutation must be noticed. Returns 1 if one was not."""
    missed = 0
    for name, scenario in scenarios.items():
        found = play(scenario).count
        missed += found.is_clean
        print(f"{'MISSED' if found.is_clean else 'caught'}  {name:<32}{report.verdict(found)}")
    return int(missed > 0)


def outages(hand: Stagehand) -> int:
    """PostgreSQL is away for a minute while people answer and messages go out."""
    good = True
    for kind in Kind:
        seen = asyncio.run(outage(hand.server, hand.folder, kind, seconds=OUTAGE_SECONDS))
        print(f"    {seen.line()}", flush=True)
        good = good and not (seen.lost or seen.twice or seen.misled) and seen.alive
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
