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
from bot.playground.fake_slack.dispatch import ACK_SECONDS
from tests.chaos import disruptions, plan, report, whole_bot, whole_bot_process, worker_process
from tests.chaos.environment import Stagehand, stage
from tests.chaos.mutations import MUTATIONS as PIECES
from tests.chaos.mutations import Mutation
from tests.chaos.oracle import Count
from tests.chaos.run import Result, Scenario
from tests.chaos.whole_bot_run import Whole
from tests.outages.outage import Kind, outage

S = TypeVar("S", Scenario, Whole)

#: Most of the time they wait, for leases and for what they do not know yet.
AT_ONCE, AT_ONCE_QUICK = 2, 3
#: Seen by people, in all parts together at full size.
MESSAGES_AT_LEAST = 10_000
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
        parts = (MUTATIONS, WHOLE_MUTATIONS)
        return int(not all([follow(part, options, Count()) for part in parts]))
    return all_parts(options)


def all_parts(options: argparse.Namespace) -> int:
    began, is_whole = monotonic(), not (options.quick or options.only)
    # The longest first.
    parts = [*reversed(plan.SETUPS), *WHOLE, *([OUTAGES] if is_whole else [])]
    print(f"seed {options.seed}\n{report.HEADINGS}", flush=True)
    total = Count()
    with ThreadPoolExecutor(AT_ONCE_QUICK if options.quick else AT_ONCE) as pool:
        good = all(list(pool.map(lambda part: follow(part, options, total), parts)))
    if is_whole and total.messages < MESSAGES_AT_LEAST:
        good = False
        print(f"BAD fewer than {MESSAGES_AT_LEAST} messages")
    print(f"{monotonic() - began:.0f} s · {report.others(total)}\n{report.verdict(total)}")
    return 0 if good else 1


def follow(part: str, options: argparse.Namespace, total: Count) -> bool:
    """Run a part in its own process and repeat what it says.

    Returns whether it ended well, and not before it had said what it counted.
    """
    command = [sys.executable, "-m", "tests.chaos", "--part", part, "--seed", str(options.seed)]
    command += ["--quick"] if options.quick else []
    command += ["--only", options.only] if options.only else []
    counted = False
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith(COUNT):
                counted = True
                total.add(Count(**json.loads(line.removeprefix(COUNT))))
            else:
                print(line, end="", flush=True)
    good = counted and process.returncode == 0
    if not good:
        print(f"BAD {part}: ended with {process.returncode}, counted {counted}", flush=True)
    return good


def one_part(options: argparse.Namespace) -> int:
    with stage(
        whole_bot_process.live if options.part.startswith("whole") else worker_process.live
    ) as hand:
        if options.part == MUTATIONS:
            play = partial(hand.play, "postgresql", seed=options.seed)
            return mutations(PIECES, plan.mutated(), play)
        if options.part == WHOLE_MUTATIONS:
            play_whole = partial(hand.play_whole, "sqlite", seed=options.seed)
            return mutations(whole_bot_process.MUTATIONS, whole_bot.mutated(), play_whole)
        if options.part == OUTAGES:
            return outages(hand)
        engine, processes = WHOLE.get(options.part, options.part).split()
        act = whole_setup if options.part in WHOLE else setup
        return act(hand, engine, int(processes), options)


def setup(hand: Stagehand, engine: str, processes: int, options: argparse.Namespace) -> int:
    scenarios = list(plan.scenarios(engine, processes, quick=options.quick))
    strikes = 1 if options.quick else 5
    if engine == "postgresql":
        crash = disruptions.restarts(lambda: hand.server, strikes, 1.0)
        name = "PostgreSQL crashes and comes back"
        scenarios.append(Scenario(name=name, processes=processes, trouble=crash, chains=12))
    else:
        hold = disruptions.locked(strikes, 2.0)
        name = "the file is held by another program"
        scenarios.append(Scenario(name=name, processes=processes, trouble=hold, chains=12))
    chosen = (scenario for scenario in scenarios if options.only in scenario.name)
    return told(engine, (hand.play(engine, scenario, options.seed) for scenario in chosen))


def whole_setup(hand: Stagehand, engine: str, processes: int, options: argparse.Namespace) -> int:
    hits = plan.HITS_QUICK if options.quick else plan.HITS
    scenarios = whole_bot.scenarios(processes, hits, quick=options.quick)
    chosen = (scenario for scenario in scenarios if options.only in scenario.name)
    return told(engine, (hand.play_whole(engine, scenario, options.seed) for scenario in chosen))


def told(engine: str, results: Iterable[Result | whole_bot.Outcome]) -> int:
    """Say each as it comes. Returns 1 if one of them was not good."""
    total, good = Count(), []
    for result in results:
        print(report.lines(engine, result), flush=True)
        total.add(result.count)
        good.append(result.good)
    tell(total)
    return 0 if all(good) else 1


def tell(total: Count) -> None:
    """For who follows."""
    print(f"{COUNT}{json.dumps(total.as_json())}", flush=True)


def mutations(
    pieces: Mapping[str, Mutation],
    scenarios: Mapping[str, S],
    play: Callable[[S], Result | whole_bot.Outcome],
) -> int:
    """Each must be noticed, by the count that is there for it. Returns 1 if one was not."""
    missed, total = 0, Count()
    for name, piece in pieces.items():
        result = play(scenarios[name])
        caught = getattr(result.count, piece.shows) > 0 and not result.crashes
        missed += not caught
        total.add(result.count)
        said = report.verdict(result.count)
        print(
            f"{'caught' if caught else 'MISSED'}  {name:<32}by {piece.shows:<14}{said}", flush=True
        )
        print("".join(result.crashes), end="")
    tell(total)
    return int(missed > 0)


def outages(hand: Stagehand) -> int:
    """PostgreSQL is away for a minute while people answer and messages go out."""
    good, total = True, Count()
    for kind in Kind:
        seen = asyncio.run(outage(hand.server, hand.folder, kind, seconds=OUTAGE_SECONDS))
        print(f"    {seen.line()}", flush=True)
        lost = seen.lost + len(seen.misled)  # an answer, too
        total.add(Count(messages=seen.messages.total(), lost=lost, twice=seen.twice))
        good = good and seen.alive and not seen.silent and seen.slowest < ACK_SECONDS
    tell(total)
    return 0 if good and total.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
