"""`make chaos`: all scenarios at full size, with a line for each and the totals.

The parts are independent, so two of them run at a time, each in its own process.
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
from tests.chaos.environment import ScenarioPlayer, scenario_player
from tests.chaos.mutations import MUTATIONS as WORKER_MUTATIONS
from tests.chaos.mutations import Mutation, has_detected
from tests.chaos.oracle import Count
from tests.chaos.run import Result, Scenario
from tests.chaos.whole_bot_run import WholeBotScenario
from tests.outages.outage import OutageKind, outage

S = TypeVar("S", Scenario, WholeBotScenario)

#: Several at a time: most of their time is spent waiting for leases and for unknown outcomes.
PARALLEL_PARTS, PARALLEL_PARTS_QUICK = 2, 3
#: Messages in Slack, in all parts together at full size.
MIN_MESSAGES = 10_000
MUTATIONS, WHOLE_MUTATIONS, OUTAGES = "mutations", "whole mutations", "outages"
#: Setups in which the processes are whole bots.
WHOLE_BOT_SETUPS = {f"whole {setup}": setup for setup in ("sqlite 1", "postgresql 3")}
PARTS = (*plan.SETUPS, *WHOLE_BOT_SETUPS, MUTATIONS, WHOLE_MUTATIONS, OUTAGES)
OUTAGE_SECONDS = 60.0
COUNT_PREFIX = "count "


def main() -> int:
    """Run all parts or one. Returns 0 if every message arrived once and in order, else 1."""
    parser = argparse.ArgumentParser(prog="make chaos")
    parser.add_argument("--quick", action="store_true", help="each step hit once")
    parser.add_argument("--mutations", action="store_true", help="run only the mutations")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="scenarios whose name contains this")
    parser.add_argument("--part", choices=PARTS, help="run only this part")
    options = parser.parse_args()
    if options.part:
        return one_part(options)
    if options.mutations:
        parts = (MUTATIONS, WHOLE_MUTATIONS)
        return int(not all([run_part_in_subprocess(part, options, Count()) for part in parts]))
    return all_parts(options)


def all_parts(options: argparse.Namespace) -> int:
    began, is_full_run = monotonic(), not (options.quick or options.only)
    # The longest parts first.
    parts = [*reversed(plan.SETUPS), *WHOLE_BOT_SETUPS, *([OUTAGES] if is_full_run else [])]
    print(f"seed {options.seed}\n{report.HEADINGS}", flush=True)
    total = Count()
    with ThreadPoolExecutor(PARALLEL_PARTS_QUICK if options.quick else PARALLEL_PARTS) as pool:
        passed = all(
            list(pool.map(lambda part: run_part_in_subprocess(part, options, total), parts))
        )
    if is_full_run and total.messages < MIN_MESSAGES:
        passed = False
        print(f"BAD fewer than {MIN_MESSAGES} messages")
    print(f"{monotonic() - began:.0f} s · {report.other_operations_line(total)}")
    print(report.verdict(total))
    return 0 if passed else 1


def run_part_in_subprocess(part: str, options: argparse.Namespace, total: Count) -> bool:
    """Run a part in its own process and repeat its output.

    Returns whether it passed and reported its count.
    """
    command = [sys.executable, "-m", "tests.chaos", "--part", part, "--seed", str(options.seed)]
    command += ["--quick"] if options.quick else []
    command += ["--only", options.only] if options.only else []
    counted = False
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith(COUNT_PREFIX):
                counted = True
                total.add(Count(**json.loads(line.removeprefix(COUNT_PREFIX))))
            else:
                print(line, end="", flush=True)
    passed = counted and process.returncode == 0
    if not passed:
        print(f"BAD {part}: ended with {process.returncode}, counted {counted}", flush=True)
    return passed


def one_part(options: argparse.Namespace) -> int:
    with scenario_player(
        whole_bot_process.main if options.part.startswith("whole") else worker_process.main
    ) as player:
        if options.part == MUTATIONS:
            play = partial(player.play, "postgresql", seed=options.seed)
            return mutations(WORKER_MUTATIONS, plan.mutation_scenarios(), play)
        if options.part == WHOLE_MUTATIONS:
            play_whole = partial(player.play_whole, "sqlite", seed=options.seed)
            return mutations(
                whole_bot_process.MUTATIONS, whole_bot.mutation_scenarios(), play_whole
            )
        if options.part == OUTAGES:
            return outages(player)
        engine, processes = WHOLE_BOT_SETUPS.get(options.part, options.part).split()
        run_setup = whole_setup if options.part in WHOLE_BOT_SETUPS else setup
        return run_setup(player, engine, int(processes), options)


def setup(player: ScenarioPlayer, engine: str, processes: int, options: argparse.Namespace) -> int:
    scenarios = list(plan.scenarios(engine, processes, quick=options.quick))
    repetitions = 1 if options.quick else 5
    if engine == "postgresql":
        crash = disruptions.restart_server(lambda: player.server, repetitions, 1.0)
        name = "PostgreSQL crashes and comes back"
        scenarios.append(Scenario(name=name, processes=processes, disruption=crash, chains=12))
    else:
        hold = disruptions.lock_file(repetitions, 2.0)
        name = "another program locks the file"
        scenarios.append(Scenario(name=name, processes=processes, disruption=hold, chains=12))
    chosen = (scenario for scenario in scenarios if options.only in scenario.name)
    return play_all(engine, (player.play(engine, scenario, options.seed) for scenario in chosen))


def whole_setup(
    player: ScenarioPlayer, engine: str, processes: int, options: argparse.Namespace
) -> int:
    hits = plan.HITS_QUICK if options.quick else plan.HITS
    scenarios = whole_bot.scenarios(processes, hits, quick=options.quick)
    chosen = (scenario for scenario in scenarios if options.only in scenario.name)
    return play_all(
        engine, (player.play_whole(engine, scenario, options.seed) for scenario in chosen)
    )


def play_all(engine: str, results: Iterable[Result | whole_bot.WholeBotResult]) -> int:
    """Print each result as it comes. Returns 1 if one of them failed."""
    total, passed = Count(), []
    for result in results:
        print(report.lines(engine, result), flush=True)
        total.add(result.count)
        passed.append(result.passed)
    print_count(total)
    return 0 if all(passed) else 1


def print_count(total: Count) -> None:
    """Print the count for `run_part_in_subprocess`."""
    print(f"{COUNT_PREFIX}{json.dumps(total.as_json())}", flush=True)


def mutations(
    mutations_by_name: Mapping[str, Mutation],
    scenarios: Mapping[str, S],
    play: Callable[[S], Result | whole_bot.WholeBotResult],
) -> int:
    """Check that its counter detects each mutation. Returns 1 if one was missed."""
    missed, total = 0, Count()
    for name, mutation in mutations_by_name.items():
        result = play(scenarios[name])
        detected = has_detected(mutation, result.count) and not result.crashes
        missed += not detected
        total.add(result.count)
        line = f"{'caught' if detected else 'MISSED'}  {name:<32}by {mutation.counter:<22}"
        print(line + report.verdict(result.count), flush=True)
        print("".join(result.crashes), end="")
    print_count(total)
    return int(missed > 0)


def outages(player: ScenarioPlayer) -> int:
    """PostgreSQL is away for a minute while people answer and messages go out."""
    passed, total = True, Count()
    for kind in OutageKind:
        outage_result = asyncio.run(
            outage(player.server, player.folder, kind, seconds=OUTAGE_SECONDS)
        )
        print(f"    {outage_result.summary()}", flush=True)
        lost = outage_result.lost + len(outage_result.misled)  # a lost answer counts, too
        total.add(
            Count(
                messages=outage_result.messages.total(),
                lost=lost,
                duplicates=outage_result.duplicates,
            )
        )
        passed = (
            passed
            and outage_result.alive
            and not outage_result.unanswered
            and outage_result.slowest < ACK_SECONDS
        )
    print_count(total)
    return 0 if passed and total.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
