"""`make chaos`: everything at full size, a line each, and what it comes to."""

import argparse
import asyncio
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path

from bot.clock import monotonic
from bot.db.migrate import migrate
from tests import postgres
from tests.chaos import plan, trouble
from tests.chaos.oracle import Count
from tests.chaos.run import Result, Scenario, run
from tests.chaos.zygote import Zygote, zygote

HITS, HITS_QUICK = 20, 2
HEADINGS = ("struck", "messages", "looks", "lost", "twice", "order", "s")


class Databases:
    """A new migrated database for each scenario."""

    def __init__(self, folder: Path, server: postgres.OwnServer) -> None:
        self._folder = folder
        self.server = server
        self._numbers = count()
        self._template = folder / "template.db"
        asyncio.run(migrate(f"sqlite:///{self._template}"))
        self._migrated = server.template("chaos", lambda url: asyncio.run(migrate(url)))

    def new(self, engine: str) -> str:
        if engine == "postgresql":
            return self.server.create(self._migrated)
        file = self._folder / f"{next(self._numbers)}.db"
        shutil.copy(self._template, file)
        return f"sqlite:///{file}"

    def drop(self, url: str) -> None:
        if url.startswith("postgresql"):
            self.server.drop(url)


@contextmanager
def stage() -> Iterator[tuple[Zygote, Databases]]:
    """What every scenario needs. The zygote comes first: it must know no thread."""
    with ExitStack() as things:
        mother = things.enter_context(zygote())
        folder = Path(things.enter_context(tempfile.TemporaryDirectory(prefix="chaos")))
        server = things.enter_context(postgres.own_server(postgres.binaries()))
        yield mother, Databases(folder, server)


def played(
    mother: Zygote, databases: Databases, engine: str, scenario: Scenario, seed: int
) -> Result:
    url = databases.new(engine)
    try:
        return asyncio.run(run(mother, scenario, url, seed))
    finally:
        databases.drop(url)


def scenarios(databases: Databases, *, quick: bool) -> Iterator[tuple[str, Scenario]]:
    hits = HITS_QUICK if quick else HITS
    for engine, processes in plan.SETUPS:
        yield engine, plan.deaths(processes, hits)
        for scenario in plan.faults(processes, quick=quick):
            yield engine, scenario
    strikes = 1 if quick else 5
    crash = trouble.restarts(lambda: databases.server, strikes, 1.0)
    for processes in (1, 3):
        name = "PostgreSQL crashes and comes back"
        yield "postgresql", Scenario(name=name, processes=processes, trouble=crash, chains=12)


def say(engine: str, result: Result) -> None:
    scenario, found = result.scenario, result.count
    mark = "   " if result.good else "BAD"
    who = f"{engine} {scenario.processes}"
    cells = (result.struck, found.messages, result.looks, found.lost, found.twice)
    numbers = "".join(f"{cell:>9}" for cell in (*cells, found.out_of_order))
    print(f"{mark} {who:<13}{scenario.name:<44}{numbers}{result.seconds:>7.1f}", flush=True)
    for step, hits in result.hits.items():
        print(f"{hits:>12} x {step}")
    for why in [*found.why[:5], *(["never came to its end"] if result.stuck else [])]:
        print(f"      {why}")
    if found.ends:
        print(f"      ended otherwise: {dict(found.ends)}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="make chaos")
    parser.add_argument("--quick", action="store_true", help="each step hit twice")
    parser.add_argument("--mutations", action="store_true", help="take a piece out each time")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="scenarios whose name contains this")
    options = parser.parse_args()
    with stage() as (mother, databases):
        if options.mutations:
            return caught(mother, databases, options.seed)
        return all_of_it(mother, databases, options)


def all_of_it(mother: Zygote, databases: Databases, options: argparse.Namespace) -> int:
    began, total, good = monotonic(), Count(), True
    headings = "".join(f"{heading:>9}" for heading in HEADINGS[:-1])
    print(f"seed {options.seed}\n    {'engine, n':<13}{'scenario':<44}{headings}{'s':>7}")
    for engine, scenario in scenarios(databases, quick=options.quick):
        if options.only not in scenario.name:
            continue
        result = played(mother, databases, engine, scenario, options.seed)
        say(engine, result)
        total.add(result.count)
        good = good and result.good
    print(f"{monotonic() - began:.0f} s")
    print(
        f"messages {total.messages} · lost {total.lost} · twice {total.twice} · "
        f"out of order {total.out_of_order}"
    )
    return 0 if good else 1


def caught(mother: Zygote, databases: Databases, seed: int) -> int:
    """Each mutation must be noticed. Returns 1 if one was not."""
    missed = 0
    for name, scenario in plan.mutated().items():
        result = played(mother, databases, "postgresql", scenario, seed)
        found = result.count
        noticed = bool(found.lost or found.twice or found.out_of_order)
        missed += not noticed
        print(
            f"{'caught' if noticed else 'MISSED'}  {name:<32} lost {found.lost}, "
            f"twice {found.twice}, out of order {found.out_of_order} of {found.messages}",
            flush=True,
        )
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
