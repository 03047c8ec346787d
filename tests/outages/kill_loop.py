"""Writes answers and closes rounds on an SQLite file, is killed again and again, and looks.

`python -m tests.outages.kill_loop FILE KILLS SEED` prints what it counted, as JSON. It forks what
it kills, so that the imports are paid once.
"""

import asyncio
import hashlib
import json
import os
import signal
import sqlite3
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import select

from bot.agenda import schedule
from bot.agenda.schedule import AgendaItem
from bot.clock import AdjustableClock
from bot.db import schema
from bot.db.engine import Database
from bot.db.migrate import migrate
from bot.keys import KeyRing
from bot.rounds import answering, ballots, lifecycle, questions, store
from bot.rounds.answer_form import AnswerInput
from bot.services import Services
from bot.slack.people import People
from bot.slack.request import Request
from bot.slack.throttled_reads import ThrottledReads
from tests.conftest import KEY
from tests.harness import ANA, MEMBERS, WORKSPACE
from tests.rounds.round_rows import NOW, a_person, a_phase, a_round

ROUNDS = 400
CLOSES = NOW + timedelta(days=2)
ANSWERERS = MEMBERS[:5]
TURNS = 2  # everyone answers so often before a round closes
LONGEST_LIFE = 0.3  # seconds from the first acknowledgement on


@dataclass
class Acknowledged:
    """What was said to be kept."""

    answers: dict[tuple[str, str], int] = field(default_factory=dict)  # round, user: the latest
    closed: set[str] = field(default_factory=set)

    def hear(self, line: str) -> None:
        word, round_id, *rest = line.split()
        if word == "closed":
            self.closed.add(round_id)
        else:
            self.answers[round_id, rest[0]] = int(rest[1])

    @property
    def last(self) -> int:
        return max(self.answers.values(), default=0)


def services_on(db: Database) -> Services:
    clock = AdjustableClock(NOW)
    reads = ThrottledReads(db)
    return Services(
        db=db,
        clock=clock,
        reads=reads,
        people=People(db, clock, reads),
        keys=KeyRing([KEY]),
        client_for=lambda _workspace_id: AsyncWebClient("xoxb-none"),
    )


async def prepare(url: str) -> None:
    await migrate(url)
    db = Database(url)
    asked = store.as_json(questions.for_member(["Ana"]))
    async with db.transaction() as tx:
        for user_id in (ANA, *MEMBERS):
            await a_person(tx, user_id)
        await a_phase(tx)
        for number in range(1, ROUNDS + 1):
            round_id = f"round{number:03}"
            await a_round(tx, round_id=round_id, number=number, questions=asked)
            await ballots.create_secret(tx, KeyRing([KEY]), WORKSPACE, round_id)
            await schedule.add(tx, WORKSPACE, action="close_round", subject=round_id, due_at=CLOSES)
    await db.close()


# --- the one that is killed ----------------------------------------------------------------


async def write(url: str, say: int, serial: int) -> None:
    """Answer and close round after round, and say so each time it is kept."""
    services = services_on(Database(url))
    for round_id in await open_rounds(services.db):
        for _ in range(TURNS):
            for user_id in ANSWERERS:
                serial += 1
                await answer(services, round_id, user_id, serial)
                os.write(say, f"answered {round_id} {user_id} {serial}\n".encode())
        item = AgendaItem(
            workspace_id=WORKSPACE, action="close_round", subject=round_id, due_at=CLOSES
        )
        await lifecycle.close_round(replace(services, clock=AdjustableClock(CLOSES)), item)
        os.write(say, f"closed {round_id}\n".encode())


async def open_rounds(db: Database) -> list[str]:
    rounds = schema.rounds
    async with db.reading() as reader:
        found = await reader.scalars(
            select(rounds.c.round_id).where(rounds.c.state == "open").order_by(rounds.c.number)
        )
        return list(found)


async def answer(services: Services, round_id: str, user_id: str, serial: int) -> None:
    who = Request(workspace_id=WORKSPACE, user_id=user_id, target_id=round_id)
    given = AnswerInput(answers={"clarity": 4, "trust": 3, "ego": 5}, comment=str(serial))
    await answering.answer(services, who, given)


def live_and_die(url: str, seconds: float, serial: int) -> Iterator[str]:
    """Fork one that writes, kill it so long after its first word; what it said."""
    hear, say = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(hear)
        asyncio.run(write(url, say, serial))
        os._exit(0)
    os.close(say)
    with os.fdopen(hear) as heard:
        yield heard.readline()
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
        yield from heard.readlines()
    os.waitpid(child, 0)


# --- the one that looks --------------------------------------------------------------------


async def wrong_in(url: str, file: Path, acknowledged: Acknowledged) -> list[str]:
    """Everything that is not as it must be; empty in a good world."""
    with sqlite3.connect(file) as plain:
        found = [row[0] for row in plain.execute("PRAGMA integrity_check") if row[0] != "ok"]
        found += [str(row) for row in plain.execute("PRAGMA foreign_key_check")]
        found += half_done(plain)
    plain.close()
    db = Database(url)
    still_open = set(await open_rounds(db))
    found += [f"reopened {one}" for one in acknowledged.closed & still_open]
    async with db.reading() as reader:
        for (round_id, user_id), serial in acknowledged.answers.items():
            if round_id not in still_open:
                continue
            kept = await ballots.of_voter(reader, KeyRing([KEY]), WORKSPACE, round_id, user_id)
            if kept is None or int(kept.comment) < serial:
                found.append(f"lost: {user_id} in {round_id}: {serial}")
    await db.close()
    return found


#: Rounds that are closed in one place and not in another.
HALF_DONE = {
    "closed, with ballots": "SELECT round_id FROM ballots WHERE round_id NOT IN ({open})",
    "closed, with a secret": "SELECT round_id FROM round_secrets WHERE round_id NOT IN ({open})",
    "closed, to be closed": """SELECT subject FROM agenda
        WHERE action = 'close_round' AND subject NOT IN ({open})""",
    "open, without a secret": """SELECT round_id FROM rounds WHERE state = 'open'
        AND round_id NOT IN (SELECT round_id FROM round_secrets)""",
    "open, never to be closed": """SELECT round_id FROM rounds WHERE state = 'open'
        AND round_id NOT IN (SELECT subject FROM agenda WHERE action = 'close_round')""",
    "counted wrongly": f"""SELECT round_id FROM rounds
        WHERE state = 'closed' AND answered IS NOT {len(ANSWERERS)}""",
    "without figures": """SELECT round_id FROM rounds
        WHERE state = 'closed' AND round_id NOT IN (SELECT round_id FROM question_levels)""",
    "not told to the lead": f"""SELECT round_id FROM rounds WHERE state = 'closed'
        AND 'lead_results:' || round_id || ':{ANA}' NOT IN (SELECT key FROM messages)""",
}


def half_done(plain: sqlite3.Connection) -> list[str]:
    is_open = "SELECT round_id FROM rounds WHERE state = 'open'"
    return [
        f"{what}: {row[0]}"
        for what, query in HALF_DONE.items()
        for row in plain.execute(query.format(open=is_open))
    ]


def moments(seed: int, count: int) -> Iterator[float]:
    """When to kill, in seconds; the same for the same seed."""
    for number in range(count):
        digest = hashlib.sha256(f"{seed}:{number}".encode()).digest()
        yield int.from_bytes(digest[:4], "big") / 2**32 * LONGEST_LIFE


def main(file: Path, kills: int, seed: int) -> int:
    url = f"sqlite:///{file}"
    asyncio.run(prepare(url))
    acknowledged = Acknowledged()
    wrong: list[str] = []
    heard = 0
    for seconds in moments(seed, kills):
        # above what the one before may have written without saying so
        for line in live_and_die(url, seconds, acknowledged.last + 1000):
            if line.endswith("\n"):
                acknowledged.hear(line)
                heard += 1
        wrong += asyncio.run(wrong_in(url, file, acknowledged))
    counted = {"kills": kills, "heard": heard, "closed": len(acknowledged.closed), "wrong": wrong}
    print(json.dumps(counted))
    return len(wrong)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
