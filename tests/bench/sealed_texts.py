"""What would it cost to encrypt what people typed? `python -m tests.bench.sealed_texts [ROUNDS]`.

A prototype of the bot, on a database with long texts, says how much of its processor time for an
answer, `/imbalance status` and App Home goes into encrypting and decrypting. On a busy machine both
take longer, so the share is steadier than a comparison with the bot as it is.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from itertools import count, islice, product
from pathlib import Path
from statistics import median

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import JSON, insert, literal, select, update

from bot.db import schema
from bot.log import configure
from tests.bench.actions import clicks
from tests.bench.admin_database import AdminDatabase, opened
from tests.bench.bench import ENGINES, SETTLING_SECONDS, Bench, now
from tests.bench.clients import Request, form, one_by_one
from tests.bench.processes import Child
from tests.bench.saved_results import check_all_ok
from tests.bench.sealed_types import KEY as SEALING_KEY
from tests.bench.sealed_types import columns, sealed
from tests.bench.sink import CHANNEL, LEAD, TEAM
from tests.bench.world import MEMBERS, Person, add_asked_teams

TEAMS, ITEMS, EACH, WARM_UP = 40, 12, 60, 40
VARIANTS: dict[str, list[str]] = {"texts": [], "texts and messages": ["payloads"]}
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


@dataclass(frozen=True, kw_only=True)
class Turn:
    """Some requests of one kind: values encrypted and decrypted, seconds for them and for all."""

    values: float
    seconds: float
    cpu_seconds: float


async def one_turn(child: Child, file: Path, requests: Iterator[Request]) -> Turn:
    cpu, (values, seconds) = child.cpu_seconds(), spent_by(file)
    await check_all_ok(one_by_one(child.port, islice(requests, EACH)))
    await asyncio.sleep(SETTLING_SECONDS)  # what nobody waits for, and the report
    more_values, more_seconds = spent_by(file)
    return Turn(
        values=more_values - values,
        seconds=more_seconds - seconds,
        cpu_seconds=child.cpu_seconds() - cpu,
    )


def spent_by(file: Path) -> tuple[float, float]:
    values, seconds = file.read_text().split()
    return float(values), float(seconds)


async def shares(bench: Bench, engine: str, variant: str, rounds: int) -> AsyncIterator[str]:
    """Yield a line for each kind of request."""
    options, file = VARIANTS[variant], bench.folder / f"{engine}-{len(variant)}"
    async with bench.slack() as slack, bench.database(engine) as url:
        async with opened(url) as db:
            everyone = await write_texts(db)
            await encrypt(db, payloads="payloads" in options)
            await db.analyze()
        with bench.bot(slack.api_url, url, "tests.bench.sealed_bot", str(file), *options) as child:
            await child.ready()
            for name, load in loads(everyone, slack.url).items():
                await check_all_ok(one_by_one(child.port, islice(load, WARM_UP)))
                turns = [await one_turn(child, file, load) for _ in range(rounds)]
                yield line(engine, variant, name, turns)


def loads(everyone: list[Person], hooks: str) -> dict[str, Iterator[Request]]:
    return {
        "an answer": clicks(everyone, hooks, now()),
        "`/imbalance status`": (Request(body=status(one), number=one) for one in count()),
        "App Home": (Request(body=home(one), number=one) for one in count()),
    }


def line(engine: str, variant: str, name: str, turns: list[Turn]) -> str:
    share = [one.seconds / one.cpu_seconds * 100 for one in turns]
    values = median(one.values / EACH for one in turns)
    each = median(one.seconds / EACH * 1000 for one in turns)
    whole = median(one.cpu_seconds / EACH * 1000 for one in turns)
    return (
        f"| {engine} | {name} | {variant} | {values:.1f} | {each:.2f} of {whole:.2f} ms"
        f" | {median(share):.1f} % ({min(share):.1f} to {max(share):.1f}) |"
    )


async def run(folder: Path, rounds: int) -> None:
    bench = Bench(folder, quick=False, alone=True, progress=print)
    try:
        print("| database | request | encrypted | values | processor time | share |")
        print("| --- | --- | --- | --- | --- | --- |")
        for engine, variant in product(ENGINES, VARIANTS):
            async for row in shares(bench, engine, variant, rounds):
                print(row, flush=True)
    finally:
        bench.close()


if __name__ == "__main__":
    configure("WARNING", "text")
    with tempfile.TemporaryDirectory(prefix="bench", dir="/tmp") as home_folder:
        asyncio.run(run(Path(home_folder), int(sys.argv[1]) if sys.argv[1:] else 12))
