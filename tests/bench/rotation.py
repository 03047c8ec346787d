"""`imbalance rotate-keys` while answers are given: `python -m tests.bench.rotation`.

Prints how long answers take before, during and after it. Everything is encrypted with the old key
at first; at the end the bot has only the new one, and everybody answers once more.
"""

import asyncio
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from sqlalchemy import insert

from bot.clock import monotonic
from bot.db import schema
from bot.keys import KeyRing
from bot.log import configure
from tests.bench.actions import clicks
from tests.bench.admin_database import AdminDatabase, opened
from tests.bench.bench import ENGINES, Bench, now
from tests.bench.clients import LoadResult, Request, closed_loop, one_by_one
from tests.bench.processes import Child
from tests.bench.saved_results import check_all_ok
from tests.bench.sink import TEAM
from tests.bench.table import MS, quantile
from tests.bench.world import KEY, Person, add_asked_teams, insert_all

NEW_KEY = b"n" * 32
TEAMS, TOKENS, COMMENTS = 400, 2_000, 10_000
CLIENTS, SECONDS, WARM_UP = 4, 8.0, 3.0


async def fill(db: AdminDatabase) -> list[Person]:
    """Add round secrets, tokens and comments, all encrypted with the old key."""
    old, at = KeyRing([KEY]), now()
    everyone = await add_asked_teams(db, TEAMS, at)
    async with db.transaction() as tx:
        await insert_all(tx, schema.installations, tokens(old))
        for position in range(COMMENTS // TEAMS):
            rows = []
            for team in range(TEAMS):
                round_id = f"round{team:06d}"
                wrapped = old.wrap(b"a comment" * 20, f"{TEAM}:{round_id}:comment")
                rows.append(
                    {
                        "workspace_id": TEAM,
                        "round_id": round_id,
                        "position": position,
                        "key_id": wrapped.key_id,
                        "sealed": wrapped.sealed,
                    }
                )
            await tx.execute(insert(schema.round_comments), rows)
    await db.analyze()
    return everyone


def tokens(keys: KeyRing) -> Iterator[dict[str, object]]:
    for number in range(TOKENS):
        workspace_id = f"T{number:08d}"
        wrapped = keys.wrap(b"xoxb-token", f"{workspace_id}:installations.sealed_token")
        yield {
            "workspace_id": workspace_id,
            "name": workspace_id,
            "app_id": "A0BENCH",
            "bot_user_id": "U0BOT",
            "installed_at": now(),
            "scopes": "commands",
            "key_id": wrapped.key_id,
            "sealed_token": wrapped.sealed,
        }


async def during(child: Child, load: Iterator[Request], running: asyncio.Task[int]) -> LoadResult:
    """Give answers until something has ended."""
    whole = LoadResult()
    while not running.done():
        part = await check_all_ok(closed_loop(child.port, load, CLIENTS, 0.25))
        whole.seconds += part.seconds
    return whole


def line(engine: str, when: str, result: LoadResult) -> str:
    times = sorted(one * MS for one in result.seconds)
    cells = (f"{quantile(times, share):.1f}" for share in (0.5, 0.95, 0.99))
    return f"| {engine} | {when} | {len(times)} | {' | '.join(cells)} | {times[-1]:.0f} |"


async def measure(bench: Bench, engine: str) -> None:
    async with bench.slack() as slack, bench.database(engine) as url:
        async with opened(url) as db:
            everyone = await fill(db)
        load = clicks(everyone, slack.url, now())
        both = (NEW_KEY, KEY)
        process = ("tests.bench.bot_process", "unpaced")
        with bench.bot(slack.api_url, url, *process, keys=both) as child:
            await child.ready()
            await check_all_ok(closed_loop(child.port, load, CLIENTS, WARM_UP))
            before = await check_all_ok(closed_loop(child.port, load, CLIENTS, SECONDS))
            began = monotonic()
            with bench.bot(slack.api_url, url, "bot", "rotate-keys", keys=both) as rotation:
                running = asyncio.create_task(asyncio.to_thread(rotation.process.wait))
                meanwhile = await during(child, load, running)
                seconds, code, said = monotonic() - began, await running, rotation.end_of_log()
            after = await check_all_ok(closed_loop(child.port, load, CLIENTS, SECONDS))
        with bench.bot(slack.api_url, url, *process, keys=(NEW_KEY,)) as child:
            await child.ready()
            await check_all_ok(one_by_one(child.port, islice(load, TEAMS)))
        parts = {"before": before, "during": meanwhile, "after": after}
        print("\n".join(line(engine, when, result) for when, result in parts.items()))
        print(f"{engine}: rotate-keys took {seconds:.1f} s, ended with {code}: {said.strip()}")


async def run(folder: Path) -> None:
    bench = Bench(folder, quick=False, alone=True, progress=print)
    try:
        print("| database | rotate-keys | answers | median ms | 95 % | 99 % | longest |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        for engine in ENGINES:
            await measure(bench, engine)
    finally:
        bench.close()


if __name__ == "__main__":
    configure("WARNING", "text")
    with tempfile.TemporaryDirectory(prefix="bench", dir="/tmp") as home_folder:
        asyncio.run(run(Path(home_folder)))
