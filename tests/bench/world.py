"""What the database holds before a measure: phases, rounds and people, written in bulk."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, time, timedelta
from itertools import cycle
from typing import Any

from sqlalchemy import Table, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import new_sortable_id
from bot.db import schema
from bot.db.engine import Database
from bot.keys import KeyRing
from bot.outbox.calls import METADATA_TYPE
from bot.rounds import ballots, messages, questions
from bot.rounds.facts import Asking
from bot.rounds.rules import RoundKind
from bot.slack.content import content, section
from tests.bench.clients import form, interaction
from tests.bench.sink import BOT_USER, CHANNEL, LEAD, TEAM

KEY = bytes(range(32))
MEMBERS = 10  # of each team
AT_ONCE = 500  # rows in one statement
WORDING = questions.for_member(["Ana"])

Rows = Iterable[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody who was asked, and where the message is that asks them."""

    round_id: str
    user_id: str
    number: int

    @property
    def channel(self) -> str:
        return f"D{self.user_id[1:]}"

    @property
    def ts(self) -> str:
        return f"1780000000.{self.number:06d}"


def people(teams: int) -> list[Person]:
    """Everyone who is asked, in an order in which neighbours are of different teams."""
    return [
        Person(
            round_id=f"round{team:06d}",
            user_id=f"U{team * MEMBERS + one:08d}",
            number=team * MEMBERS + one,
        )
        for one in range(MEMBERS)
        for team in range(teams)
    ]


async def insert_all(tx: AsyncConnection, table: Table, rows: Rows) -> None:
    waiting: list[dict[str, Any]] = []
    for row in rows:
        waiting.append(row)
        if len(waiting) == AT_ONCE:
            await tx.execute(insert(table), waiting)
            waiting = []
    if waiting:
        await tx.execute(insert(table), waiting)


async def asked_teams(db: Database, teams: int, now: datetime) -> list[Person]:
    """So many teams with an open round each, whose members have been asked and not answered."""
    everyone = people(teams)
    async with db.transaction() as tx:
        await insert_all(tx, schema.people, profiles([LEAD], now))
        await insert_all(tx, schema.people, profiles([one.user_id for one in everyone], now))
        await insert_all(tx, schema.phases, (a_phase(team, now) for team in range(teams)))
        await insert_all(tx, schema.phase_people, phase_people(everyone, now))
        await insert_all(tx, schema.rounds, (a_round(team, now) for team in range(teams)))
        await insert_all(tx, schema.round_people, round_people(everyone, now))
        await insert_all(tx, schema.messages, (asked(one, now) for one in everyone))
        keys = KeyRing([KEY])
        for team in range(teams):
            await ballots.open_vault(tx, keys, TEAM, f"round{team:06d}")
    return everyone


def profiles(user_ids: Iterable[str], now: datetime) -> Iterator[dict[str, Any]]:
    for user_id in user_ids:
        yield {
            "workspace_id": TEAM,
            "user_id": user_id,
            "name": user_id.title(),
            "zone": "Europe/Lisbon",
            "team_id": TEAM,
            "is_bot": False,
            "is_guest": False,
            "is_deleted": False,
            "is_admin": False,
            "refreshed_at": now,
        }


def a_phase(team: int, now: datetime) -> dict[str, Any]:
    today = now.date()
    return {
        "workspace_id": TEAM,
        "phase_id": f"phase{team:06d}",
        "channel_id": f"C{team:08d}",
        "kind": "results_sprint",
        "state": "active",
        "lead_id": LEAD,
        "zone": "Europe/Lisbon",
        "milestone": "Ship the beta",
        "promise": {},
        "started_at": now - timedelta(days=7),
        "starts_on": today - timedelta(days=7),
        "ends_on": today + timedelta(days=14),
        "first_ends_on": today + timedelta(days=14),
        "weekday": 1,
        "time_of_day": time(10, 0),
        "remind": True,
        "comments_to": "leads",
    }


def phase_people(everyone: Iterable[Person], now: datetime) -> Iterator[dict[str, Any]]:
    teams = set()
    for one in everyone:
        phase_id = one.round_id.replace("round", "phase")
        common = {"workspace_id": TEAM, "phase_id": phase_id, "joined_at": now}
        if phase_id not in teams:
            teams.add(phase_id)
            yield {**common, "user_id": LEAD, "role": "lead"}
        yield {**common, "user_id": one.user_id, "role": "member"}


def a_round(team: int, now: datetime) -> dict[str, Any]:
    return {
        "workspace_id": TEAM,
        "round_id": f"round{team:06d}",
        "phase_id": f"phase{team:06d}",
        "number": 1,
        "kind": "weekly",
        "state": "open",
        "opened_at": now,
        "closes_at": now + timedelta(days=2),
        "minimum": 5,
        "asked": MEMBERS,
        "questions": [asdict(question) for question in WORDING],
    }


def round_people(everyone: Iterable[Person], now: datetime) -> Iterator[dict[str, Any]]:
    for one in everyone:
        yield {
            "workspace_id": TEAM,
            "round_id": one.round_id,
            "user_id": one.user_id,
            "role": "member",
            "slot_at": now,
        }


def asked(one: Person, now: datetime) -> dict[str, Any]:
    """The message that asked, sent and erased."""
    return {
        "workspace_id": TEAM,
        "message_id": new_sortable_id(),
        "key": f"ask:{one.round_id}:{one.user_id}",
        "operation": "post",
        "conversation": one.user_id,
        "state": "sent",
        "not_before": now,
        "channel": one.channel,
        "ts": one.ts,
        "created_at": now,
        "sent_at": now,
    }


def to_send(count: int, now: datetime, series: str) -> Iterator[dict[str, Any]]:
    """Direct messages that wait to be sent, each to another person: the weekly questions."""
    said = messages.ask(asking("round000000", now))
    for number in range(count):
        yield {
            "workspace_id": TEAM,
            "message_id": new_sortable_id(),
            "key": f"bench:{series}:{number}",
            "operation": "post",
            "conversation": f"U{series}{number:06d}",
            "payload": {"text": said.text, "blocks": said.blocks},
            "state": "pending",
            "not_before": now,
            "created_at": now,
        }


def asking(round_id: str, now: datetime) -> Asking:
    return Asking(
        round_id=round_id,
        kind=RoundKind.WEEKLY,
        channel_id=CHANNEL,
        to_lead=False,
        leads=("Ana",),
        members=tuple(f"Member {one}" for one in range(MEMBERS)),
        asked=MEMBERS,
        minimum=5,
        questions=WORDING,
        closes_at=now + timedelta(days=2),
        comments_to="leads",
    )


async def count(db: Database, table: Table, *where: Any) -> int:
    async with db.reading() as reader:
        found = await reader.scalar(select(func.count()).select_from(table).where(*where))
    return int(found or 0)


async def ballots_kept(db: Database) -> int:
    return await count(db, ballots.TABLES[0])


# --- what people do -------------------------------------------------------------------------


def click(one: Person, level: int, hooks: str, now: datetime) -> bytes:
    """Somebody presses Send in the weekly message, with an answer to each question."""
    said = messages.ask(asking(one.round_id, now))
    chosen: dict[str, Any] = {
        messages.block_id(one.round_id, question.key): {
            messages.LEVEL: {"type": "radio_buttons", "selected_option": {"value": str(level)}}
        }
        for question in WORDING
    }
    comment = {"type": "plain_text_input", "value": "Fewer meetings."}
    chosen[messages.block_id(one.round_id, "comment")] = {messages.COMMENT: comment}
    return interaction(
        {
            **_from(one.user_id),
            "type": "block_actions",
            "container": {
                "type": "message",
                "message_ts": one.ts,
                "channel_id": one.channel,
                "is_ephemeral": False,
            },
            "channel": {"id": one.channel, "name": "directmessage"},
            "message": {
                "type": "message",
                "user": BOT_USER,
                "ts": one.ts,
                "text": said.text,
                "blocks": said.blocks,
                "metadata": {"event_type": METADATA_TYPE, "event_payload": {"id": "0" * 32}},
            },
            "state": {"values": chosen},
            "response_url": f"{hooks}/hooks/actions/{one.number}/secret",
            "actions": [
                {
                    "action_id": messages.SEND,
                    "block_id": "send",
                    "type": "button",
                    "text": {"type": "plain_text", "text": "Send"},
                    "value": one.round_id,
                    "action_ts": "1790000000.000000",
                }
            ],
        }
    )


def clicks(everyone: list[Person], hooks: str, now: datetime) -> Iterator[bytes]:
    """Everyone answers, and then changes their mind, without end."""
    ready: dict[tuple[int, int], bytes] = {}
    for level in cycle((4, 2, 5)):
        for one in everyone:
            key = (one.number, level)
            if key not in ready:
                ready[key] = click(one, level, hooks, now)
            yield ready[key]


def command(number: int) -> bytes:
    """Somebody types /imbalance start."""
    return form(
        {
            "token": "old",
            "team_id": TEAM,
            "team_domain": "bench",
            "channel_id": CHANNEL,
            "channel_name": "bench",
            "user_id": LEAD,
            "user_name": "ana",
            "command": "/imbalance",
            "text": "start results 2w Ship the beta",
            "api_app_id": "A0BENCH",
            "is_enterprise_install": "false",
            "response_url": "http://127.0.0.1:9/hooks/commands",
            "trigger_id": f"{number}.1.secret",
        }
    )


def some_text(number: int) -> dict[str, Any]:
    """A message of the usual kind, for the loop that everyone writes first."""
    said = content(f"Hello {number}", section("A line of text, and another one."))
    return {"text": said.text, "blocks": said.blocks}


def _from(user_id: str) -> dict[str, Any]:
    return {
        "user": {"id": user_id, "username": user_id.lower(), "team_id": TEAM},
        "team": {"id": TEAM, "domain": "bench"},
        "api_app_id": "A0BENCH",
        "token": "old",
        "trigger_id": "1.1.secret",
        "enterprise": None,
        "is_enterprise_install": False,
    }
