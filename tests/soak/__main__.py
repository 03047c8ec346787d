"""Soak test: weeks of many simulated workspaces in one bot and one database, in minutes.

    python -m tests.soak --workspaces 200 --weeks 26 --seed 1

DATABASE=postgresql starts its own PostgreSQL instead of using SQLite.

Prints a line for each week, then the totals; the exit code is 1 if there is any problem.
"""

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from bot.clock import monotonic
from bot.db.migrate import migrate
from tests import postgres
from tests.conftest import MONDAY
from tests.soak.people import BotProcess
from tests.soak.simulated_workspace import simulated_workspace
from tests.soak.slack import Slack
from tests.soak.soak import Soak
from tests.soak.totals import Totals, add_up

MAX_PROBLEMS_SHOWN = 25


async def soak(
    *, workspaces: int, weeks: int, seed: int, database: str, starts_at: datetime = MONDAY
) -> Totals:
    """Run the whole simulation on an empty, migrated database."""
    simulated = [simulated_workspace(number, seed, starts_at) for number in range(workspaces)]
    slack = Slack(lambda: run.now, simulated, seed)
    began = monotonic()
    async with slack.serving() as api_url:
        config = {
            "workspaces": [workspace.workspace_id for workspace in simulated],
            "now": starts_at.isoformat(),
            "slack": api_url,
            "database": database,
        }
        async with BotProcess(config) as bot:
            run = Soak(simulated, bot, slack, seed, starts_at)
            await run.simulate(starts_at + timedelta(weeks=weeks))
            totals = await add_up(run)
            await _print(run, totals, monotonic() - began)
    print(_last_line(workspaces, weeks, totals), flush=True)
    return totals


async def _print(run: Soak, totals: Totals, seconds: float) -> None:
    state = await run.bot.do("counts")
    print(f"\nrows: {', '.join(f'{name} {rows:,}' for name, rows in state['counts'].items())}")
    print(
        f"memory of the bot: {run.megabytes:.0f} MB before, {state['megabytes']:.0f} MB after, "
        f"{state['peak']:.0f} MB at its peak"
    )
    done = run.slack.calls + run.bot.requests
    print(f"{done:,} calls and requests in {seconds:.0f} s: {done / seconds:.0f} a second")
    print(
        f"bot away {len(run.downtimes)} times · Slack failed {run.slack.faults.fired.total()} times"
    )
    print(
        f"rounds {totals.rounds:,}, shown {totals.shown:,} · answers {run.answers:,} · "
        f"reminders {totals.reminders:,} · comments shown {totals.comments:,} · "
        f"promises {totals.promises:,} · decisions {totals.decisions:,} · "
        f"expired {totals.expired:,} · at a bad hour {run.bad_hours}"
    )
    print(f"questions {' · '.join(f'{rule} {times:,}' for rule, times in totals.rules.items())}")
    for line in totals.problems[:MAX_PROBLEMS_SHOWN]:
        print(f"PROBLEM {line}")
    if len(totals.problems) > MAX_PROBLEMS_SHOWN:
        print(f"PROBLEM and {len(totals.problems) - MAX_PROBLEMS_SHOWN} more")


def _last_line(workspaces: int, weeks: int, totals: Totals) -> str:
    return (
        f"workspaces {workspaces} · weeks {weeks} · slots {totals.slots} "
        f"on time {totals.on_time} · "
        f"messages {totals.messages} · lost {totals.lost} · duplicated {totals.duplicates} · "
        f"out of order {totals.out_of_order}"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspaces", type=int, default=200)
    parser.add_argument("--weeks", type=int, default=26)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


@contextmanager
def _database() -> Iterator[str]:
    """A migrated database, deleted afterwards."""
    if os.environ.get("DATABASE") == "postgresql":
        with postgres.server() as server:
            url = server.create()
            asyncio.run(migrate(url))
            yield url
        return
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # a disk would double the time
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        url = f"sqlite:///{Path(folder) / 'soak.db'}"
        asyncio.run(migrate(url))
        yield url


def main() -> int:
    """Run the soak test. Returns the exit code."""
    arguments = _arguments()
    with _database() as database:
        totals = asyncio.run(
            soak(
                workspaces=arguments.workspaces,
                weeks=arguments.weeks,
                seed=arguments.seed,
                database=database,
            )
        )
    return 0 if totals.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
