"""What would it cost to encrypt what people typed? `python -m tests.bench.sealed_texts [ROUNDS]`.

Compares the bot with a prototype of it, in turns on copies of one database with long texts: an
answer, `/imbalance status` and App Home, by the time of one client and by processor time.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack
from itertools import count, islice
from pathlib import Path
from statistics import median

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import JSON, insert, literal, select, update

from bot.db import schema
from bot.log import configure
from tests.bench.actions import clicks
from tests.bench.admin_database import AdminDatabase, opened
from tests.bench.bench import ENGINES, Bench, now
from tests.bench.clients import Request, form, one_by_one
from tests.bench.processes import Child
from tests.bench.saved_results import check_all_ok
from tests.bench.sealed_types import KEY as SEALING_KEY
from tests.bench.sealed_types import columns, sealed
from tests.bench.sink import CHANNEL, LEAD, TEAM
from tests.bench.world import MEMBERS, Person, add_asked_teams

TEAMS, ITEMS, EACH, WARM_UP = 40, 12, 60, 40
VARIANTS = {"plain": None, "texts": [], "texts and messages": ["payloads"]}
LONG = "Each of us keeps two mornings free for reviews, and says by Thursday what will not fit. "


def status(number: int) -> bytes:
    return form(
        {
            "team_id": TEAM,
            "channel_id": CHANNEL,
            "channel_name": "bench",
            "user_id": LEAD if number % 2 else f"U{number % MEMBERS:08d}",
            "command": "/imbalance",
            "text": "status",
            "is_enterprise_install": "false",
            "response_url": "http://127.0.0.1:9/hooks/commands",
            "trigger_id": f"{number}.1.secret",
        }
    )


def home(number: int) -> bytes:
    """App Home of a member of the first team: its phase, and an open question."""
    event = {"type": "app_home_opened", "user": f"U{number % MEMBERS:08d}", "tab": "home"}
    body = {
        "type": "event_callback",
        "team_id": TEAM,
        "event_id": f"Ev{number:09d}",
        "event_time": 1780000000,
        "authorizations": [{"team_id": TEAM, "user_id": "U0BOT", "is_bot": True}],
        "event": event,
    }
    return json.dumps(body).encode()


async def write_texts(db: AdminDatabase) -> list[Person]:
    """Add teams whose phases have every text, each as long as people write."""
    everyone = await add_asked_teams(db, TEAMS, now())
    promise = dict.fromkeys(("stakes", "ask", "protected", "why_you", "give_up"), LONG)
    phases, people, items = schema.phases, schema.phase_people, schema.set_aside_items
    async with db.transaction() as tx:
        await tx.execute(update(phases).values(promise=promise, justification=LONG))
        first = phases.c.phase_id == "phase000000"
        await tx.execute(update(phases).where(first).values(channel_id=CHANNEL))
        await tx.execute(update(people).values(contribution=LONG, expectation=LONG))
        for team in range(TEAMS):
            key = {"workspace_id": TEAM, "phase_id": f"phase{team:06d}", "owner_id": LEAD}
            rows = [{**key, "position": one, "text": LONG} for one in range(ITEMS)]
            await tx.execute(insert(items), rows)
    return everyone


async def encrypt(db: AdminDatabase, *, payloads: bool) -> None:
    """Encrypt what is stored, as the prototype would have written it."""
    cipher = AESGCM(SEALING_KEY)
    async with db.transaction() as tx:
        for table, name in columns(payloads=payloads):
            column, key = table.c[name], list(table.primary_key.columns)
            found = await tx.execute(select(column, *key).where(column.is_not(None)))
            for value, *ids in found.all():
                if value is None:  # JSON's null
                    continue
                text = sealed(cipher, value, f"{table.name}.{name}")
                stored = literal(text, JSON()) if isinstance(column.type, JSON) else text
                is_row = [one == given for one, given in zip(key, ids, strict=True)]
                await tx.execute(update(table).where(*is_row).values({name: stored}))


Figures = dict[str, dict[str, list[tuple[float, float]]]]


async def one_turn(child: Child, requests: Iterator[Request]) -> tuple[float, float]:
    """Return the milliseconds of a request, and those of processor time."""
    cpu = child.cpu_seconds()
    result = await check_all_ok(one_by_one(child.port, islice(requests, EACH)))
    await asyncio.sleep(0.3)  # for what nobody waits for
    return median(result.seconds) * 1000, (child.cpu_seconds() - cpu) / EACH * 1000


async def compare(bench: Bench, engine: str, rounds: int) -> Figures:
    found: Figures = {}
    async with AsyncExitStack() as stack:
        slack = await stack.enter_async_context(bench.slack())
        children, loads = {}, {}
        for variant, options in VARIANTS.items():
            url = await stack.enter_async_context(bench.database(engine))
            async with opened(url) as db:
                everyone = await write_texts(db)
                if options is not None:
                    await encrypt(db, payloads="payloads" in options)
                await db.analyze()
            module = ["tests.bench.bot_process", "unpaced"]
            if options is not None:
                module = ["tests.bench.sealed_bot", *options]
            child = stack.enter_context(bench.bot(slack.api_url, url, *module))
            await child.ready()
            children[variant] = child
            loads[variant] = {
                "answer": clicks(everyone, slack.url, now()),
                "/imbalance status": (Request(body=status(one), number=one) for one in count()),
                "App Home": (Request(body=home(one), number=one) for one in count()),
            }
        for variant, child in children.items():
            for load in loads[variant].values():
                await check_all_ok(one_by_one(child.port, islice(load, WARM_UP)))
        for _ in range(rounds):
            for name in loads["plain"]:
                for variant, child in children.items():
                    turn = await one_turn(child, loads[variant][name])
                    found.setdefault(name, {}).setdefault(variant, []).append(turn)
    return found


def table(engine: str, found: Figures) -> Iterator[str]:
    for name, variants in found.items():
        plain = variants["plain"]
        for variant, turns in variants.items():
            cells = []
            for which in (0, 1):
                ratios = [one[which] / base[which] for one, base in zip(turns, plain, strict=True)]
                middle = median(one[which] for one in turns)
                spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
                cells.append(f"{middle:.2f} ms, x {median(ratios):.3f} ({spread})")
            yield f"| {engine} | {name} | {variant} | {' | '.join(cells)} |"


async def run(folder: Path, rounds: int) -> None:
    bench = Bench(folder, quick=False, alone=True, progress=print)
    try:
        print("| database | what | encrypted | one client waits | processor |")
        print("| --- | --- | --- | --- | --- |")
        for engine in ENGINES:
            print("\n".join(table(engine, await compare(bench, engine, rounds))), flush=True)
    finally:
        bench.close()


if __name__ == "__main__":
    configure("WARNING", "text")
    with tempfile.TemporaryDirectory(prefix="bench", dir="/tmp") as home_folder:
        asyncio.run(run(Path(home_folder), int(sys.argv[1]) if sys.argv[1:] else 12))
