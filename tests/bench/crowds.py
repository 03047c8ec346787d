"""Very many phases, and long histories, written by the database itself."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Table, insert, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db import schema
from tests.bench.outside import Outside
from tests.bench.sink import CHANNEL, LEAD, TEAM
from tests.bench.world import (
    MEMBERS,
    Person,
    a_phase,
    a_round,
    insert_all,
    phase_people,
    profiles,
    round_people,
)

WORKSPACES = 2_000
PATTERN = "pattern"
ROUNDS_EACH = 10  # of each past phase
LEVELS = {"clarity": 3.5, "trust": 4.0, "ego": 2.5}


async def many_phases(db: Outside, count: int, now: datetime) -> None:
    """So many running phases in 2,000 workspaces, each with something due in a week or later."""
    phase = {**a_phase(0, now), "phase_id": PATTERN, "channel_id": PATTERN, "promise": {}}
    due = {"workspace_id": TEAM, "action": "open_round", "subject": PATTERN}
    async with db.transaction() as tx:
        await tx.execute(insert(schema.phases).values(phase))
        await tx.execute(insert(schema.agenda).values(**due, due_at=now + timedelta(days=7)))
        await tx.execute(_copies(schema.phases, "phase_id", "channel_id"), {"count": count})
        await tx.execute(_copies(schema.agenda, "subject"), {"count": count})
        await tx.execute(text("DELETE FROM phases WHERE phase_id = 'pattern'"))
        await tx.execute(text("DELETE FROM agenda WHERE subject = 'pattern'"))
    await db.analyze()


def _copies(table: Table, *names: str) -> Any:
    """Copies of the pattern, each with a number in its names and in one of the workspaces."""
    columns = [column.name for column in table.columns]
    values = [_value(column, names) for column in columns]
    return text(
        f"INSERT INTO {table.name} ({', '.join(columns)}) "
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count) "
        f"SELECT {', '.join(values)} FROM n, {table.name} t WHERE t.{names[0]} = '{PATTERN}'"
    )


def _value(column: str, names: tuple[str, ...]) -> str:
    """In the order of the keys, which is how a bulk is written fast."""
    if column == "workspace_id":
        return f"'T' || ({10 * WORKSPACES} + (i - 1) / (:count / {WORKSPACES} + 1))"
    return "'x' || (10000000 + i)" if column in names else f"t.{column}"


async def asks_due(db: Outside, people: list[Person], at: datetime) -> None:
    """These people are to be asked now."""
    rows = [
        {
            "workspace_id": TEAM,
            "action": "ask",
            "subject": f"{one.round_id}:{one.user_id}",
            "due_at": at,
        }
        for one in people
    ]
    async with db.transaction() as tx:
        await insert_all(tx, schema.agenda, rows)


# --- a team with a past ---------------------------------------------------------------------


async def a_past(db: Outside, rounds: int, now: datetime) -> None:
    """A team whose phases had so many rounds, and a phase that runs, with two: closed and open."""
    past = rounds // ROUNDS_EACH
    async with db.transaction() as tx:
        await insert_all(tx, schema.people, profiles([LEAD, *_members()], now))
        for number in range(past):
            await _phase(tx, number, ROUNDS_EACH, now - timedelta(days=100 * (past - number)))
        await _phase(tx, past, 2, now - timedelta(days=7), runs=True)
        last = schema.rounds.c.round_id == _round_id(past, 1)
        await tx.execute(
            update(schema.rounds).where(last).values(state="open", enough=None, shown_at=None)
        )


def _members() -> list[str]:
    return [f"U{one:08d}" for one in range(MEMBERS)]


def _round_id(phase: int, number: int) -> str:
    return f"round{phase:04d}x{number:02d}"


def last_shown(rounds: int) -> str:
    """The newest closed round: its results are shown again and again."""
    return _round_id(rounds // ROUNDS_EACH, 0)


def last_phase(rounds: int) -> str:
    """The newest phase that is over."""
    return f"phase{rounds // ROUNDS_EACH - 1:06d}"


async def _phase(
    tx: AsyncConnection, number: int, rounds: int, began: datetime, *, runs: bool = False
) -> None:
    ends_on = began.date() + timedelta(days=70)
    over = {"state": "ended", "ended_at": began + timedelta(days=70), "outcome": "Shipped."}
    phase = {
        **a_phase(number, began),
        "channel_id": CHANNEL,
        "starts_on": began.date(),
        "ends_on": ends_on,
        "first_ends_on": ends_on,
        **({} if runs else over),
    }
    await tx.execute(insert(schema.phases).values(phase))
    of = [Person(round_id=f"round{number:06d}", user_id=one, number=0) for one in _members()]
    await insert_all(tx, schema.phase_people, phase_people(of, began))
    for one in range(rounds):
        await _closed_round(tx, number, one, began + timedelta(days=7 * one))


async def _closed_round(tx: AsyncConnection, phase: int, number: int, at: datetime) -> None:
    round_id = _round_id(phase, number)
    row = {
        **a_round(phase, at),
        "round_id": round_id,
        "number": number + 1,
        "state": "closed",
        "enough": True,
        "answered": MEMBERS - 2,
        "shown_at": at + timedelta(days=3),
        "note": "Fewer meetings from Monday on.",
        "noted_by": LEAD,
    }
    await tx.execute(insert(schema.rounds).values(row))
    of = [Person(round_id=round_id, user_id=one, number=0) for one in _members()]
    await insert_all(tx, schema.round_people, round_people(of, at))
    await insert_all(tx, schema.figures, _figures(round_id))


def _figures(round_id: str) -> Iterator[dict[str, Any]]:
    for key, level in LEVELS.items():
        yield {
            "workspace_id": TEAM,
            "round_id": round_id,
            "key": key,
            "answers": MEMBERS - 2,
            "level": level,
            "bands": [
                {"first": 1, "last": 3, "answers": 4},
                {"first": 4, "last": 5, "answers": 4},
            ],
            "change": 0.5,
        }
