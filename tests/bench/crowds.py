"""Very many phases, and long histories, written by the database itself."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Table, delete, insert, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda.actions import ActionName
from bot.db import schema
from tests.bench.admin_database import Outside
from tests.bench.sink import CHANNEL, LEAD, TEAM
from tests.bench.world import (
    MEMBERS,
    Person,
    a_phase,
    a_round,
    asked,
    asked_teams,
    insert_all,
    phase_people,
    profiles,
    round_people,
)

WORKSPACES = 2_000
PATTERN = "pattern"
ROUNDS_EACH = 10  # of each past phase
#: Of the phase that runs, the last of them open: as many as the weeks it may last by default.
ROUNDS_NOW = 12
LEVELS = {"clarity": 3.5, "trust": 4.0, "ego": 2.5}


async def many_phases(db: Outside, count: int, now: datetime) -> None:
    """So many running phases in 2,000 workspaces, each with something due in a week.

    Each has a member, an open round and a message that was sent.
    """
    async with db.transaction() as tx:
        for table, row, _ in _pattern(now):
            await tx.execute(insert(table).values(row))
        for table, _, names in _pattern(now):
            await tx.execute(_copies(table, *names), {"count": count})
        for table, _, (name, *_) in reversed(_pattern(now)):
            await tx.execute(delete(table).where(table.c[name] == PATTERN))
    await db.analyze()


def _pattern(now: datetime) -> list[tuple[Table, dict[str, Any], tuple[str, ...]]]:
    """What is copied: a row of each table, and in which columns each copy has a name of its own."""
    one = Person(round_id=PATTERN, user_id=PATTERN, number=0)
    member = {"workspace_id": TEAM, "phase_id": PATTERN, "user_id": PATTERN}
    due = {"workspace_id": TEAM, "action": "open_round", "subject": PATTERN}
    phase = {"phase_id": PATTERN, "channel_id": PATTERN, "promise": {}}
    round_ = {"round_id": PATTERN, "phase_id": PATTERN, "questions": []}
    message = {"message_id": PATTERN, "key": PATTERN, "channel": PATTERN}
    return [
        (schema.phases, a_phase(0, now) | phase, ("phase_id", "channel_id")),
        (
            schema.phase_people,
            {**member, "role": "member", "joined_at": now},
            ("phase_id", "user_id"),
        ),
        (schema.rounds, a_round(0, now) | round_, ("round_id", "phase_id")),
        (schema.messages, asked(one, now) | message, ("message_id", "key", "channel")),
        (schema.agenda, {**due, "due_at": now + timedelta(days=7)}, ("subject",)),
    ]


def _copies(table: Table, *names: str) -> Any:
    """Copies of the pattern, each with a number in its names and in one of the workspaces.

    The pattern is read first, once: no planner may look for it anew in the table that grows.
    """
    columns = [column.name for column in table.columns]
    values = [_value(column, names) for column in columns]
    return text(
        f"INSERT INTO {table.name} ({', '.join(columns)}) "
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count), "
        f"t AS MATERIALIZED (SELECT * FROM {table.name} WHERE {names[0]} = '{PATTERN}') "
        f"SELECT {', '.join(values)} FROM n, t"
    )


def _value(column: str, names: tuple[str, ...]) -> str:
    """In the order of the keys, which is how a bulk is written fast."""
    if column == "workspace_id":
        return f"'T' || ({10 * WORKSPACES} + (i - 1) / (:count / {WORKSPACES} + 1))"
    return "'x' || (10000000 + i)" if column in names else f"t.{column}"


# --- what is due ----------------------------------------------------------------------------

#: So many workspaces of our own have something due at each tick, of one team each: its people
#: are to be asked, results to be shown, and the announcement to be counted down.
DUE_IN = 10
DUE_IN_EACH = MEMBERS + 2
DUE = DUE_IN * DUE_IN_EACH


async def teams_with_work(db: Outside, teams: int, now: datetime) -> None:
    """In each of our own workspaces so many teams, of which nothing is due yet."""
    for number in range(DUE_IN):
        workspace_id = f"{TEAM}{number}"
        await asked_teams(db, teams, now, sent=False, workspace_id=workspace_id)
        async with db.transaction() as tx:
            for team in range(teams):
                closed = {"round_id": _shown_of(team), "number": 2, "state": "closed"}
                row = a_round(team, now, workspace_id) | closed | {"reached_minimum": False}
                await tx.execute(insert(schema.rounds).values(row))


async def make_due(db: Outside, team: int, at: datetime) -> None:
    """What there is to do about this team of each workspace is due now."""
    rows = [
        {"workspace_id": f"{TEAM}{number}", "action": action, "subject": subject, "due_at": at}
        for number in range(DUE_IN)
        for action, subject in _due_about(team)
    ]
    async with db.transaction() as tx:
        await insert_all(tx, schema.agenda, rows)


def _due_about(team: int) -> Iterator[tuple[str, str]]:
    for one in range(MEMBERS):
        yield ActionName.ASK, f"round{team:06d}:U{team * MEMBERS + one:08d}"
    yield ActionName.SHOW_RESULTS, _shown_of(team)
    yield ActionName.REFRESH_ANNOUNCEMENT, f"phase{team:06d}"


def _shown_of(team: int) -> str:
    return f"shown{team:06d}"


# --- a team with a past ---------------------------------------------------------------------


async def a_past(db: Outside, rounds: int, now: datetime) -> None:
    """A team with so many past rounds in its channel, in phases of ten, and one that runs."""
    past = rounds // ROUNDS_EACH
    async with db.transaction() as tx:
        await insert_all(tx, schema.people, profiles([LEAD, *_members()], now))
        for number in range(past):
            days = 7 * ROUNDS_NOW + 77 * (past - number)
            await _phase(tx, number, ROUNDS_EACH, now - timedelta(days=days))
        await _phase(tx, past, ROUNDS_NOW, now - timedelta(days=7 * ROUNDS_NOW - 7), runs=True)
        last = schema.rounds.c.round_id == _round_id(past, ROUNDS_NOW - 1)
        await tx.execute(
            update(schema.rounds)
            .where(last)
            .values(state="open", reached_minimum=None, shown_at=None)
        )
    await db.analyze()


def _members() -> list[str]:
    return [f"U{one:08d}" for one in range(MEMBERS)]


def _round_id(phase: int, number: int) -> str:
    return f"round{phase:04d}x{number:02d}"


def last_shown(rounds: int) -> str:
    """The newest closed round: its results are shown again and again."""
    return _round_id(rounds // ROUNDS_EACH, ROUNDS_NOW - 2)


def last_phase(rounds: int) -> str:
    """The newest phase that is over."""
    return f"phase{rounds // ROUNDS_EACH - 1:06d}"


async def _phase(
    tx: AsyncConnection, number: int, rounds: int, began: datetime, *, runs: bool = False
) -> None:
    weeks = timedelta(days=7 * rounds)
    ends_on = (began + weeks).date()
    over = {"state": "ended", "ended_at": began + weeks, "outcome": "Shipped."}
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
        "reached_minimum": True,
        "answered": MEMBERS - 2,
        "shown_at": at + timedelta(days=3),
        "note": "Fewer meetings from Monday on.",
        "noted_by": LEAD,
    }
    await tx.execute(insert(schema.rounds).values(row))
    of = [
        Person(round_id=round_id, user_id=one, ts=f"{phase}.{number:02d}{place:04d}")
        for place, one in enumerate(_members())
    ]
    await insert_all(tx, schema.round_people, round_people(of, at))
    await insert_all(tx, schema.messages, (asked(one, at) for one in of))
    await insert_all(tx, schema.question_levels, _figures(round_id))


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
