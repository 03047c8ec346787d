"""`make bench`: one table, every measure as a ratio to a baseline measured beside it."""

import argparse
import asyncio
import sys
import tempfile
import traceback
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from bot.clock import monotonic, real_now
from tests.bench import machine, table
from tests.bench.bench import Bench
from tests.bench.measures import answers, fanout, starting
from tests.bench.processes import ROOT
from tests.bench.table import Row

Measure = Callable[[Bench], Awaitable[list[Row]]]

MEASURES: Mapping[str, Measure] = {
    "latency": answers.latency,
    "throughput": answers.throughput,
    "fanout": fanout.fan_out,
    "start": starting.start,
    "memory": starting.memory,
}
#: What several are called together.
GROUPS = {"answers": ("latency", "throughput")}
KEPT = ROOT / ".bench"


def main() -> int:
    options = _options()
    with tempfile.TemporaryDirectory(prefix="bench", dir="/tmp") as folder:
        described = machine.describe(Path(folder))
        bench = Bench(Path(folder), quick=options.quick, say=_say)
        try:
            rows = asyncio.run(_run(bench, options.only))
            described["postgresql"] = bench.postgres_version
        finally:
            bench.close()
    print("\n".join([*machine.lines(described), "", *table.lines(rows)]))
    print(f"raw samples: {_keep(rows, described).relative_to(ROOT)}")
    return table.exit_code(rows, strict=options.strict)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a minute, with smaller counts")
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
            parser.error(f"there is no measure {name!r}; there are {', '.join(_names())}")
    wanted = {one for name in asked for one in GROUPS.get(name, (name,))}
    return [name for name in MEASURES if name in wanted or not wanted]


async def _run(bench: Bench, names: list[str]) -> list[Row]:
    rows: list[Row] = []
    for name in names:
        began = monotonic()
        try:
            rows += await MEASURES[name](bench)
        except Exception as error:  # one measure that cannot be made stops no other
            traceback.print_exc()
            rows.append(table.failed(name, error))
        bench.say(f"{name}: {monotonic() - began:.0f} s")
    return rows


def _say(line: str) -> None:
    print(f"  {line}", file=sys.stderr, flush=True)


def _keep(rows: list[Row], described: dict[str, Any]) -> Path:
    KEPT.mkdir(exist_ok=True)
    file = KEPT / f"{real_now():%Y%m%d-%H%M%S}.json"
    file.write_text(table.as_json(rows, described), encoding="utf-8")
    return file


if __name__ == "__main__":
    sys.exit(main())
