"""Database content for the measures: phases, rounds and people, written in bulk."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import Table, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import new_sortable_id
from bot.db import schema
from bot.phases.rules import PhaseKind
from bot.results.chart import ChartFacts, ChartRound, Line
from bot.rounds import ballots, messages, questions
from bot.rounds.ballot_crypto import Ballot
from bot.rounds.model import QuestionnaireView
from bot.rounds.rules import RoundKind
from tests.bench.admin_database import AdminDatabase
from tests.bench.sink import CHANNEL, LEAD, TEAM, TEAM_SIZE
from tests.harness import KEYS

KEY = bytes(range(32))
MEMBERS = TEAM_SIZE  # of each team
AT_ONCE = 500  # rows in one statement
WORDING = questions.about_leads(["Ana"])

PROMISE = {
    "stakes": "Two customers decide on 21 Dec.",
    "ask": "Fast reviews, one late test night.",
    "protected": "Weekends, 1:1s, booked leave.",
    "why_you": "Each of you owns a piece nobody else can.",
    "give_up": "My roadmap review, polish.",
}

Rows = Iterable[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody who was asked, and the location of the message."""

    round_id: str
    user_id: str
    number: int = 0
    ts: str = ""  # of that message
    workspace_id: str = TEAM

    @property
    def channel(self) -> str:
        return f"D{self.user_id[1:]}"


def people(teams: int, workspace_id: str = TEAM) -> list[Person]:
    """The members of all teams, ordered so that neighbours are in different teams."""
    return [
        Person(
            round_id=f"round{team:06d}",
            user_id=f"U{team * MEMBERS + one:08d}",
            number=team * MEMBERS + one,
            ts=f"1780000000.{team * MEMBERS + one:06d}",
            workspace_id=workspace_id,
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


async def add_asked_teams(
    db: AdminDatabase, teams: int, now: datetime, *, sent: bool = True, workspace_id: str = TEAM
) -> list[Person]:
    """Add teams with an open round each, whose members were asked and have not answered.

    With `sent=False` they are on the roster, but not asked yet.
    """
    everyone = people(teams, workspace_id)
    there = [LEAD, *(one.user_id for one in everyone)]
    async with db.transaction() as tx:
        await insert_all(tx, schema.people, profiles(there, now, workspace_id))
        await insert_all(
            tx, schema.phases, (phase_row(one, now, workspace_id) for one in range(teams))
        )
        await insert_all(tx, schema.phase_people, phase_people(everyone, now))
        await insert_all(
            tx, schema.rounds, (round_row(one, now, workspace_id) for one in range(teams))
        )
        await insert_all(tx, schema.round_people, round_people(everyone, now))
        if sent:
            await insert_all(tx, schema.messages, (question_message(one, now) for one in everyone))
        for team in range(teams):
            round_id = f"round{team:06d}"
            await ballots.create_secret(tx, KEYS, workspace_id, round_id, now)
    return everyone


def profiles(
    user_ids: Iterable[str], now: datetime, workspace_id: str = TEAM
) -> Iterator[dict[str, Any]]:
    for user_id in user_ids:
        yield {
            "workspace_id": workspace_id,
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


def phase_row(team: int, now: datetime, workspace_id: str = TEAM) -> dict[str, Any]:
    today = now.date()
    return {
        "workspace_id": workspace_id,
        "phase_id": f"phase{team:06d}",
        "channel_id": f"C{team:08d}",
        "kind": "results_sprint",
        "state": "active",
        "lead_id": LEAD,
        "zone": "Europe/Lisbon",
        "milestone": "Ship the beta",
        "promise": PROMISE,
        "started_at": now - timedelta(days=7),
        "starts_on": today - timedelta(days=7),
        "ends_on": today + timedelta(days=14),
        "original_ends_on": today + timedelta(days=14),
        "weekday": 1,
        "time_of_day": time(10, 0),
        "remind": True,
        "comments_to": "leads",
    }


def phase_people(everyone: Iterable[Person], now: datetime) -> Iterator[dict[str, Any]]:
    teams = set()
    for one in everyone:
        phase_id = one.round_id.replace("round", "phase")
        common = {"workspace_id": one.workspace_id, "phase_id": phase_id, "joined_at": now}
        if phase_id not in teams:
            teams.add(phase_id)
            yield {**common, "user_id": LEAD, "role": "lead"}
        yield {**common, "user_id": one.user_id, "role": "member"}


def round_row(team: int, now: datetime, workspace_id: str = TEAM) -> dict[str, Any]:
    return {
        "workspace_id": workspace_id,
        "round_id": f"round{team:06d}",
        "phase_id": f"phase{team:06d}",
        "number": 1,
        "kind": "weekly",
        "state": "open",
        "opened_at": now,
        "closes_at": now + timedelta(days=30),  # by any clock of the bot
        "minimum": 5,
        "asked": MEMBERS,
        "questions": [asdict(question) for question in WORDING],
    }


def round_people(everyone: Iterable[Person], now: datetime) -> Iterator[dict[str, Any]]:
    for one in everyone:
        yield {
            "workspace_id": one.workspace_id,
            "round_id": one.round_id,
            "user_id": one.user_id,
            "role": "member",
            "slot_at": now,
        }


def question_message(one: Person, now: datetime) -> dict[str, Any]:
    """The row of the message that asked a person, sent and erased."""
    return {
        "workspace_id": one.workspace_id,
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


def pending_messages(count: int, at: datetime, series: str) -> Iterator[dict[str, Any]]:
    """Pending direct messages, each to another person."""
    people = (f"U{series}{number:06d}" for number in range(count))
    return direct_messages(people, at, series, TEAM)


def direct_messages(
    people: Iterable[str], at: datetime, series: str, workspace_id: str
) -> Iterator[dict[str, Any]]:
    """Pending messages with the weekly questions to these people."""
    text = messages.questions_message(questionnaire("round000000", at))
    for user_id in people:
        yield {
            "workspace_id": workspace_id,
            "message_id": new_sortable_id(),
            "key": f"bench:{series}:{user_id}",
            "operation": "post",
            "conversation": user_id,
            "payload": {"text": text.text, "blocks": text.blocks},
            "state": "pending",
            "not_before": at,
            "created_at": at,
        }


def pending_results(count: int, at: datetime, series: str) -> Iterator[dict[str, Any]]:
    """Pending results, each with a picture to draw first."""
    levels = (3.0, 3.5, 2.5, 4.0, 4.0, 3.5)
    lines = tuple(Line(label=label, levels=levels) for label in ("Clear?", "Trust?", "Mistakes?"))
    rounds = tuple(ChartRound(name=f"Week {one}", day=7 * one - 6) for one in range(1, 7))
    facts = ChartFacts(rounds=rounds, lines=lines, start="23 Nov", end="4 Jan", days=42)
    picture = {"facts": facts.as_json(), "alt_text": "Levels", "title": "Results"}
    for number in range(count):
        yield {
            "workspace_id": TEAM,
            "message_id": new_sortable_id(),
            "key": f"report:{series}:{number}",
            "operation": "post",
            "conversation": f"C{series}{number:06d}",
            "payload": {"text": "Results", "blocks": []},
            "picture": picture,
            "state": "pending",
            "not_before": at,
            "created_at": at,
        }


def questionnaire(round_id: str, now: datetime) -> QuestionnaireView:
    return QuestionnaireView(
        round_id=round_id,
        phase_id="p" * 32,
        phase_kind=PhaseKind.RESULTS_SPRINT,
        kind=RoundKind.WEEKLY,
        channel_id=CHANNEL,
        to_lead=False,
        leads=("Ana",),
        minimum=5,
        questions=WORDING,
        closes_at=now + timedelta(days=2),
        comments_to="leads",
    )


async def ballots_of(db: AdminDatabase, everyone: Iterable[Person]) -> dict[int, Ballot | None]:
    """The decrypted ballots of these people, by their number."""
    async with db.transaction() as tx:
        return {
            one.number: await ballots.of_voter(tx, KEYS, TEAM, one.round_id, one.user_id)
            for one in everyone
        }
