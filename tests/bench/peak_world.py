"""Workspaces whose people are all to be asked on Tuesday at ten.

User ids are unique across workspaces, so that people can be told apart.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Table, delete, insert, text

from bot.clock import random_bytes
from bot.db import schema
from bot.keys import KeyRing
from bot.rounds import ballots
from bot.workspaces.installation_store import token_context
from tests.bench.admin_database import AdminDatabase
from tests.bench.bench import SinkCall
from tests.bench.sink import TEAM
from tests.bench.world import KEY, Person, add_asked_teams, insert_all, question_message

TEAMS, PEOPLE = 10, 12  # of each workspace, of each team
EACH = TEAMS * PEOPLE

_PHASE, _ROUND, _USER = "'p' || t", "'r' || t", "'U' || w || 'X' || t || 'X' || m"
_DIRECT = "'D' || w || 'X' || t || 'X' || m"
_LAST_TS = "'1789000000.' || lpad(CAST(t * 100 + m AS text), 6, '0')"
_IN_PHASE = {"phase_id": _PHASE}
_SECRETS = ballots.TABLES[1]


async def write_peak_workspaces(db: AdminDatabase, workspaces: int, at: datetime) -> None:
    """Add workspaces with ten teams of twelve, all of whom are to be asked at `at`.

    All were also asked a week before, so that PostgreSQL's statistics are realistic.
    """
    (one, *_) = await add_asked_teams(db, 1, at, sent=False)  # the pattern of everything
    ask = {"workspace_id": TEAM, "action": "ask", "subject": "pattern", "due_at": at}
    async with db.transaction() as tx:
        await tx.execute(insert(schema.agenda).values(ask))
        last_week = question_message(one, at - timedelta(weeks=1))
        await tx.execute(insert(schema.messages).values(last_week))
        await tx.execute(insert(schema.workspaces).values(_workspace(at)))
        await tx.execute(insert(schema.sender_leases).values(workspace_id=TEAM))
        for statement in _copies():
            await tx.execute(text(statement), {"workspaces": workspaces})
        await insert_all(tx, _SECRETS, _secrets(workspaces))
        await insert_all(tx, schema.installations, _installations(workspaces, at))
        # Slack's events were received until now: nothing is to be read again.
        event = {"workspace_id": TEAM, "event_id": "Ev0", "seen_at": at - timedelta(minutes=1)}
        await tx.execute(insert(schema.events_seen).values(event))
        await tx.execute(delete(schema.agenda).where(schema.agenda.c.workspace_id == TEAM))
    await db.analyze()


async def only(db: AdminDatabase, workspaces: int) -> None:
    """Keep the agenda items of this number of workspaces only."""
    async with db.transaction() as tx:
        await tx.execute(
            text("DELETE FROM agenda WHERE CAST(substr(workspace_id, 2) AS integer) > :most"),
            {"most": workspaces},
        )


def person_of(question_message: SinkCall) -> Person:
    """The recipient of a message, whose id contains the workspace and team."""
    workspace, team, _ = question_message.to[1:].split("X")
    return Person(
        workspace_id=f"T{workspace}",
        round_id=f"r{team}",
        user_id=question_message.to,
        ts=question_message.ts,
    )


def _workspace(at: datetime) -> dict[str, Any]:
    return {"workspace_id": TEAM, "name": "Bench", "bot_user_id": "U0BOT", "installed_at": at}


def _installations(workspaces: int, at: datetime) -> Iterator[dict[str, Any]]:
    """Yield what the installation store keeps of each workspace, with a token of its own."""
    keys = KeyRing([KEY])
    for workspace in range(1, workspaces + 1):
        workspace_id = f"T{workspace}"
        wrapped = keys.wrap(f"xoxb-{workspace_id}".encode(), token_context(workspace_id))
        yield {
            "workspace_id": workspace_id,
            "name": "Bench",
            "app_id": "A0BENCH",
            "bot_user_id": "U0BOT",
            "bot_id": "B0BOT",
            "installed_at": at,
            "scopes": "",
            "key_id": wrapped.key_id,
            "sealed_token": wrapped.sealed,
        }


def _copies() -> list[str]:
    role, members = "c.role", {"user_id": _USER}
    return [
        _copy(schema.workspaces, {}, per="workspace"),
        _copy(schema.sender_leases, {}, per="workspace"),
        _copy(
            schema.people, {**members, "team_id": "'T' || w"},
            "c.user_id = 'U00000000'", per="person",
        ),
        _copy(schema.phases, {**_IN_PHASE, "channel_id": "'C' || t"}, per="team"),
        _copy(schema.phase_people, _IN_PHASE, f"{role} = 'lead'", per="team"),
        _copy(
            schema.phase_people, {**_IN_PHASE, **members},
            f"{role} = 'member' AND c.user_id = 'U00000000'", per="person",
        ),
        _copy(schema.rounds, {**_IN_PHASE, "round_id": _ROUND}, per="team"),
        _copy(
            schema.round_people, {"round_id": _ROUND, **members},
            "c.user_id = 'U00000000'", per="person",
        ),
        _copy(
            schema.messages,
            {
                "message_id": "'0' || t || 'x' || m", "key": f"'ask:last:' || {_USER}",
                "conversation": _USER, "channel": _DIRECT, "ts": _LAST_TS,
            },
            per="person",
        ),
        _copy(schema.agenda, {"subject": f"{_ROUND} || ':' || {_USER}"}, per="person"),
    ]  # fmt: skip


def _copy(table: Table, values: Mapping[str, str], where: str = "true", *, per: str) -> str:
    """The statement that copies a row of the pattern for each workspace, team or person."""
    columns = [column.name for column in table.columns]
    new = {"workspace_id": "'T' || w", **values}
    series = ["generate_series(1, :workspaces) w"]
    series += [f"generate_series(1, {TEAMS}) t"] if per != "workspace" else []
    series += [f"generate_series(1, {PEOPLE}) m"] if per == "person" else []
    return (
        f"INSERT INTO {table.name} ({', '.join(columns)}) "
        f"SELECT {', '.join(new.get(name, f'c.{name}') for name in columns)} "
        f"FROM {table.name} c, {', '.join(series)} "
        f"WHERE c.workspace_id = '{TEAM}' AND {where}"
    )


def _secrets(workspaces: int) -> Any:
    keys = KeyRing([KEY])
    for workspace in range(1, workspaces + 1):
        for team in range(1, TEAMS + 1):
            key = {"workspace_id": f"T{workspace}", "round_id": f"r{team}"}
            wrapped = keys.wrap(random_bytes(32), f"T{workspace}:r{team}")
            yield {**key, "key_id": wrapped.key_id, "sealed": wrapped.sealed}
