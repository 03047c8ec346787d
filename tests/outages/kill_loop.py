"""Answer and close rounds in an SQLite file, be killed again and again, and check the file.

`python -m tests.outages.kill_loop FILE KILLS SEED` prints its counts as JSON. It forks the process
that it kills, so that the imports are paid for once.
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
from bot.rounds import ballots, lifecycle, questions, store
from bot.rounds.answer_changes import AnswerInput
from bot.services import Services
from bot.slack.people import People
from bot.slack.request import Request
from bot.slack.throttled_reads import ThrottledReads
from tests.harness import ANA, KEY_RING, KEYS, MEMBERS, WORKSPACE
from tests.rounds import answers
from tests.rounds.round_rows import NOW, a_person, a_phase, a_round

ROUNDS = 400
CLOSES_AT = NOW + timedelta(days=2)
ANSWERERS = MEMBERS[:5]
ANSWERS_PER_MEMBER = 2  # before a round closes
MAX_LIFE_SECONDS = 0.3  # from the first acknowledgement


@dataclass
class Acknowledged:
    """The writes that were reported as saved."""

    answers: dict[tuple[str, str], int] = field(default_factory=dict)  # round, user: the latest
    closed: set[str] = field(default_factory=set)

    def record(self, line: str) -> None:
        word, round_id, *rest = line.split()
        if word == "closed":
            self.closed.add(round_id)
        else:
            self.answers[round_id, rest[0]] = int(rest[1])

    @property
    def last(self) -> int:
        return max(self.answers.values(), default=0)


def services_for(db: Database) -> Services:
    clock = AdjustableClock(NOW)
    reads = ThrottledReads(db)
    return Services(
        db=db,
        clock=clock,
        reads=reads,
        people=People(db, clock, reads),
        keys=KEYS,
        client_for=lambda _workspace_id: AsyncWebClient("xoxb-none"),
    )


async def prepare(url: str) -> None:
    await migrate(url)
    db = Database(url, KEY_RING)
    asked = store.as_json(questions.about_leads(["Ana"]))
    async with db.transaction() as tx:
        for user_id in (ANA, *MEMBERS):
            await a_person(tx, user_id)
        await a_phase(tx)
        for number in range(1, ROUNDS + 1):
            round_id = f"round{number:03}"
            await a_round(tx, round_id=round_id, number=number, questions=asked)
            await ballots.create_secret(tx, KEYS, WORKSPACE, round_id, CLOSES_AT)
            await schedule.add(
                tx, WORKSPACE, action="close_round", subject=round_id, due_at=CLOSES_AT
            )
    await db.close()


# --- the process that is killed ------------------------------------------------------------


async def write(url: str, pipe: int, serial: int) -> None:
    """Answer and close round after round, and report each write to the pipe once it is saved."""
    services = services_for(Database(url, KEY_RING))
    for round_id in await open_rounds(services.db):
        for _ in range(ANSWERS_PER_MEMBER):
            for user_id in ANSWERERS:
                serial += 1
                await answer(services, round_id, user_id, serial)
                os.write(pipe, f"answered {round_id} {user_id} {serial}\n".encode())
        item = AgendaItem(
            workspace_id=WORKSPACE, action="close_round", subject=round_id, due_at=CLOSES_AT
        )
        await lifecycle.close_round(replace(services, clock=AdjustableClock(CLOSES_AT)), item)
        os.write(pipe, f"closed {round_id}\n".encode())


async def open_rounds(db: Database) -> list[str]:
    rounds = schema.rounds
    async with db.reading() as reader:
        found = await reader.scalars(
            select(rounds.c.round_id).where(rounds.c.state == "open").order_by(rounds.c.number)
        )
        return list(found)


async def answer(services: Services, round_id: str, user_id: str, serial: int) -> None:
    who = Request(workspace_id=WORKSPACE, user_id=user_id, target_id=round_id)
    answer_input = AnswerInput(answers={"clarity": 4, "trust": 3, "ego": 5}, comment=str(serial))
    await answers.answer(services, who, answer_input)


def write_until_killed(url: str, seconds: float, serial: int) -> Iterator[str]:
    """Fork a writer and kill it some time after its first line. Yields its lines."""
    reader, pipe = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        asyncio.run(write(url, pipe, serial))
        os._exit(0)
    os.close(pipe)
    with os.fdopen(reader) as output:
        yield output.readline()
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
        yield from output.readlines()
    os.waitpid(child, 0)


# --- the check after each kill -------------------------------------------------------------


async def problems_in(url: str, file: Path, acknowledged: Acknowledged) -> list[str]:
    """Everything in the database that should not be so."""
    with sqlite3.connect(file) as plain:
        found = [row[0] for row in plain.execute("PRAGMA integrity_check") if row[0] != "ok"]
        found += [str(row) for row in plain.execute("PRAGMA foreign_key_check")]
        found += inconsistent_rounds(plain)
    plain.close()
    db = Database(url, KEY_RING)
    still_open = set(await open_rounds(db))
    found += [f"reopened {one}" for one in acknowledged.closed & still_open]
    async with db.reading() as reader:
        for (round_id, user_id), serial in acknowledged.answers.items():
            if round_id not in still_open:
                continue
            kept = await ballots.of_voter(reader, KEYS, WORKSPACE, round_id, user_id)
            if kept is None or int(kept.comment) < serial:
                found.append(f"lost: {user_id} in {round_id}: {serial}")
    await db.close()
    return found


#: Queries for rounds that are closed in one table and not in another.
INCONSISTENCIES = {
    "closed, with ballots": "SELECT round_id FROM ballots WHERE round_id NOT IN ({open})",
    "closed, with a secret": "SELECT round_id FROM round_secrets WHERE round_id NOT IN ({open})",
    "closed, still on the agenda": """SELECT subject FROM agenda
        WHERE action = 'close_round' AND subject NOT IN ({open})""",
    "open, without a secret": """SELECT round_id FROM rounds WHERE state = 'open'
        AND round_id NOT IN (SELECT round_id FROM round_secrets)""",
    "open, not on the agenda": """SELECT round_id FROM rounds WHERE state = 'open'
        AND round_id NOT IN (SELECT subject FROM agenda WHERE action = 'close_round')""",
    "closed, too few answers": """SELECT round_id FROM rounds
        WHERE state = 'closed' AND reached_minimum IS NOT 1""",
    "closed, without levels": """SELECT round_id FROM rounds
        WHERE state = 'closed' AND round_id NOT IN (SELECT round_id FROM question_levels)""",
    "closed, no results for the lead": f"""SELECT round_id FROM rounds WHERE state = 'closed'
        AND 'lead_results:' || round_id || ':{ANA}' NOT IN (SELECT key FROM messages)""",
}


def inconsistent_rounds(plain: sqlite3.Connection) -> list[str]:
    is_open = "SELECT round_id FROM rounds WHERE state = 'open'"
    return [
        f"{what}: {row[0]}"
        for what, query in INCONSISTENCIES.items()
        for row in plain.execute(query.format(open=is_open))
    ]


def kill_times(seed: int, count: int) -> Iterator[float]:
    """The seconds after which to kill; the same for the same seed."""
    for number in range(count):
        digest = hashlib.sha256(f"{seed}:{number}".encode()).digest()
        yield int.from_bytes(digest[:4], "big") / 2**32 * MAX_LIFE_SECONDS


def main(file: Path, kills: int, seed: int) -> int:
    url = f"sqlite:///{file}"
    asyncio.run(prepare(url))
    acknowledged = Acknowledged()
    problems: list[str] = []
    lines_read = 0
    for seconds in kill_times(seed, kills):
        # Start above what the previous process may have written without reporting it.
        for line in write_until_killed(url, seconds, acknowledged.last + 1000):
            if line.endswith("\n"):
                acknowledged.record(line)
                lines_read += 1
        problems += asyncio.run(problems_in(url, file, acknowledged))
    counted = {
        "kills": kills,
        "acknowledged": lines_read,
        "closed": len(acknowledged.closed),
        "problems": problems,
    }
    print(json.dumps(counted))
    return len(problems)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
