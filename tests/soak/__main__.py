"""A soak: simulated weeks of many workspaces in one bot and one database, in minutes.

    python -m tests.soak --workspaces 200 --weeks 26 --seed 1

DATABASE=postgresql takes a PostgreSQL of its own instead of SQLite.

Prints a line a week, then what was found; ends with 1 where anything is not as it should be.
"""

import argparse
import asyncio
import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from aiohttp import web

from bot.clock import monotonic
from bot.db.migrate import migrate
from tests import postgres
from tests.conftest import MONDAY
from tests.soak.people import BotProcess
from tests.soak.simulated_workspace import settle_in
from tests.soak.slack import Slack
from tests.soak.soak import Soak
from tests.soak.totals import Reckoning, reckon

MOST_WRONG = 25


async def soak(
    *, workspaces: int, weeks: int, seed: int, database: str, begins: datetime = MONDAY
) -> Reckoning:
    """All of it, on a migrated database that is empty."""
    places = [settle_in(number, seed, begins) for number in range(workspaces)]
    slack = Slack(lambda: life.now, places, seed)
    runner = web.AppRunner(slack.application(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    slack.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    told = {
        "workspaces": [place.workspace_id for place in places],
        "now": begins.isoformat(),
        "slack": f"{slack.url}/api/",
        "database": database,
    }
    began = monotonic()
    async with BotProcess(port=_free_port(), told=told) as bot:
        life = Soak(places, bot, slack, seed, begins)
        await life.live(begins + timedelta(weeks=weeks))
        found = await reckon(life)
        await _print(life, found, monotonic() - began)
    await runner.cleanup()
    print(_last_line(workspaces, weeks, found), flush=True)
    return found


async def _print(life: Soak, found: Reckoning, seconds: float) -> None:
    left = await life.bot.do("counts")
    print(f"\nrows: {', '.join(f'{name} {rows:,}' for name, rows in left['counts'].items())}")
    print(
        f"memory of the bot: {life.megabytes:.0f} MB before, {left['megabytes']:.0f} MB after, "
        f"{left['most']:.0f} MB at most"
    )
    done = life.slack.calls + life.bot.requests
    print(f"{done:,} calls and requests in {seconds:.0f} s: {done / seconds:.0f} a second")
    print(f"away {len(life.away)} times · Slack failed {life.slack.troubles} times")
    print(
        f"rounds {found.rounds:,}, shown {found.shown:,} · answers {life.answers:,} · "
        f"reminders {found.reminders:,} · comments read {found.remarks:,} · "
        f"expired {found.expired:,} · disturbed {life.disturbed}"
    )
    print(f"questions {' · '.join(f'{why} {times:,}' for why, times in found.why.items())}")
    for line in found.wrong[:MOST_WRONG]:
        print(f"WRONG {line}")
    if len(found.wrong) > MOST_WRONG:
        print(f"WRONG and {len(found.wrong) - MOST_WRONG} more")


def _last_line(workspaces: int, weeks: int, found: Reckoning) -> str:
    return (
        f"workspaces {workspaces} · weeks {weeks} · slots {found.slots} hit {found.hit} · "
        f"messages {found.messages} · lost {found.lost} · twice {found.twice} · "
        f"out of order {found.out_of_order}"
    )


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspaces", type=int, default=200)
    parser.add_argument("--weeks", type=int, default=26)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


@contextmanager
def _database() -> Iterator[str]:
    """A migrated database, gone afterwards."""
    if os.environ.get("DATABASE") == "postgresql":
        with postgres.server() as server:
            url = server.create()
            asyncio.run(migrate(url))
            yield url
        return
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # half the time is the disk's
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        url = f"sqlite:///{Path(folder) / 'soak.db'}"
        asyncio.run(migrate(url))
        yield url


def main() -> int:
    """Returns 0 if all of it is as it should be, else 1."""
    arguments = _arguments()
    with _database() as database:
        found = asyncio.run(
            soak(
                workspaces=arguments.workspaces,
                weeks=arguments.weeks,
                seed=arguments.seed,
                database=database,
            )
        )
    return 0 if found.is_well else 1


if __name__ == "__main__":
    sys.exit(main())
