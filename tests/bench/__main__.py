"""`make bench`: one table, in which each result is compared with a baseline or a goal."""

import argparse
import asyncio
import sys
import tempfile
import traceback
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from bot.clock import monotonic, real_now
from bot.log import configure
from tests.bench import machine, table
from tests.bench.bench import Bench
from tests.bench.measures import (
    answers,
    busy,
    commands,
    fanout,
    growth,
    limits,
    peak,
    starting,
    statements,
)
from tests.bench.processes import ROOT
from tests.bench.table import Row

Measure = Callable[[Bench], Awaitable[list[Row]]]

MEASURES: Mapping[str, Measure] = {
    "latency": answers.latency,
    "throughput": answers.throughput,
    "command": commands.command_to_form,
    "limits": limits.under_limits,
    "busy": busy.while_busy,
    "fanout": fanout.fan_out,
    "scheduler": growth.scheduler,
    "history": growth.history,
    "statements": statements.count,
    "start": starting.start,
    "memory": starting.memory,
}
PEAK = {"peak": peak.tuesday_at_ten}
#: Names for several measures together.
GROUPS = {"answers": ("latency", "throughput")}
#: This measure mostly waits for Slack's limits, and these are not disturbed by running beside it.
WAITS = "limits"
NOT_DISTURBED = ("scheduler", "history", "memory")
KEPT = ROOT / ".bench"
#: Minutes on two idle cores, as measured: everything, a quick run, and the peak.
FULL_MINUTES, QUICK_MINUTES, PEAK_MINUTES = 11, 2, 45


def main() -> int:
    options = _options()
    configure("WARNING", "text")
    _progress(_expected_time(options))
    with tempfile.TemporaryDirectory(prefix="bench", dir="/tmp") as folder:
        described = machine.describe(Path(folder))
        alone = len(options.only) == 1
        bench = Bench(Path(folder), quick=options.quick, alone=alone, progress=_progress)
        began = monotonic()
        try:
            rows = asyncio.run(_run(bench, [*PEAK] if options.peak else options.only))
            described["seconds"] = round(monotonic() - began)
            described["postgresql"] = bench.postgres_version
        finally:
            bench.close()
    print("\n".join([*machine.lines(described), "", *table.lines(rows)]))
    kept = _keep(rows, described).relative_to(ROOT)
    print(f"{described['seconds']} s; raw samples: {kept}")
    return table.exit_code(rows, strict=options.strict)


def _expected_time(options: argparse.Namespace) -> str:
    minutes = QUICK_MINUTES if options.quick else FULL_MINUTES
    if options.peak:
        minutes = PEAK_MINUTES
    return f"This takes at most {minutes} minutes on a machine with two idle cores."


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="about a minute, with smaller counts")
    parser.add_argument("--peak", action="store_true", help="Tuesday at ten, without time limit")
    parser.add_argument("--strict", action="store_true", help="exit with 1 if a goal is missed")
    parser.add_argument("--only", default="", help="names, with commas: " + ", ".join(_names()))
    options = parser.parse_args()
    options.only = _chosen(parser, options.only)
    return options


def _names() -> tuple[str, ...]:
    return (*GROUPS, *MEASURES)


def _chosen(parser: argparse.ArgumentParser, only: str) -> list[str]:
    asked = [name for name in only.replace(",", " ").split() if name]
    for name in asked:
        if name not in _names():
            parser.error(f"unknown measure {name!r}; choose from {', '.join(_names())}")
    wanted = {one for name in asked for one in GROUPS.get(name, (name,))}
    return [name for name in MEASURES if name in wanted or not wanted]


async def _run(bench: Bench, names: list[str]) -> list[Row]:
    """Run in turn, but "limits", which takes minutes, beside those that it does not disturb."""
    rows: dict[str, list[Row]] = {}
    waiting = [name for name in names if name == WAITS]
    busy = [name for name in names if name != WAITS]
    first = busy if bench.quick else [name for name in busy if name in NOT_DISTURBED]
    await asyncio.gather(_in_turn(bench, waiting, rows), _in_turn(bench, first, rows))
    await _in_turn(bench, [name for name in busy if name not in first], rows)
    return [row for name in names for row in rows[name]]


async def _in_turn(bench: Bench, names: list[str], rows: dict[str, list[Row]]) -> None:
    for name in names:
        began = monotonic()
        try:
            rows[name] = await {**MEASURES, **PEAK}[name](bench)
        except Exception as error:  # a measure that fails does not stop the others
            traceback.print_exc(limit=-2, chain=False)
            rows[name] = [table.failed(name, error)]
        bench.progress(f"{name}: {monotonic() - began:.0f} s")


def _progress(line: str) -> None:
    print(f"  {line}", file=sys.stderr, flush=True)


def _keep(rows: list[Row], described: dict[str, Any]) -> Path:
    KEPT.mkdir(exist_ok=True)
    file = KEPT / f"{real_now():%Y%m%d-%H%M%S}.json"
    file.write_text(table.as_json(rows, described), encoding="utf-8")
    return file


if __name__ == "__main__":
    sys.exit(main())
