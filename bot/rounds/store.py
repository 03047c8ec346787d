"""Reads about rounds and what they need of their phase. Answers are read in `ballots` only."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, RowMapping, Select, and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.checks.store import asked_check
from bot.db import schema
from bot.db.tenancy import across_workspaces
from bot.db.upserts import padded
from bot.keys import KeyMissing
from bot.phases.privacy import Rounding
from bot.results.store import is_low
from bot.round_keys import RoundKeys
from bot.rounds import ballots
from bot.rounds.answer_changes import AnswerInput
from bot.rounds.model import PastRound, RosterEntry, Round, RoundEnd
from bot.rounds.questions import Question
from bot.rounds.rules import RoundKind

_phases = schema.phases
_people = schema.phase_people
_rounds = schema.rounds
_roster = schema.round_people
_reflections = schema.reflections


async def round_of(tx: AsyncConnection, workspace_id: str, round_id: str) -> Round | None:
    return await _load_round(tx, _round_query(workspace_id, round_id))


async def round_to_close(tx: AsyncConnection, workspace_id: str, round_id: str) -> Round | None:
    """Return the round, locked against answers and closing until the transaction ends."""
    return await _load_round(tx, _round_query(workspace_id, round_id).with_for_update())


async def how_it_ended(tx: AsyncConnection, workspace_id: str, round_id: str) -> RoundEnd | None:
    """Return the end of a closed round; None if it is open or was cancelled."""
    is_phase = (_phases.c.workspace_id == _rounds.c.workspace_id) & (
        _phases.c.phase_id == _rounds.c.phase_id
    )
    query = (
        select(_phases.c.channel_id, _rounds.c.reached_minimum, _rounds.c.unreadable)
        .join(_phases, is_phase)
        .where(_rounds.c.workspace_id == workspace_id, _rounds.c.round_id == round_id)
        .where(_rounds.c.state == "closed")
    )
    row = (await tx.execute(query)).first()
    if row is None:
        return None
    return RoundEnd(
        channel_id=row.channel_id,
        reached_minimum=bool(row.reached_minimum),
        is_unreadable=bool(row.unreadable),
    )


async def last_opening(tx: AsyncConnection, workspace_id: str, channel_id: str) -> datetime | None:
    """Return when questions last went out in a channel, in this phase or an earlier one."""
    last: datetime | None = (
        await tx.execute(
            select(func.max(_rounds.c.opened_at))
            .join(
                _phases,
                (_phases.c.workspace_id == _rounds.c.workspace_id)
                & (_phases.c.phase_id == _rounds.c.phase_id),
            )
            .where(_phases.c.workspace_id == workspace_id, _phases.c.channel_id == channel_id)
            .where(_rounds.c.state != "cancelled")
        )
    ).scalar()
    return last


async def ended_phases_with_results_to_come(
    tx: AsyncConnection, workspace_id: str, channel_id: str | None = None
) -> tuple[str, ...]:
    """Return the ids of ended phases whose team has not seen the results of all rounds yet.

    A round may still be open. Phases of deleted channels, whose results nobody will see, and others
    that are paused are left out.
    """
    query = (
        select(_phases.c.phase_id)
        .distinct()
        .join(
            _rounds,
            (_rounds.c.workspace_id == _phases.c.workspace_id)
            & (_rounds.c.phase_id == _phases.c.phase_id),
        )
        .where(
            _phases.c.workspace_id == workspace_id,
            _phases.c.state == "ended",
            _phases.c.paused_at.is_(None),
            _rounds.c.state.in_(("open", "closed")),
            _rounds.c.shown_at.is_(None),
        )
        .order_by(_phases.c.phase_id)
    )
    if channel_id is not None:
        query = query.where(_phases.c.channel_id == channel_id)
    return tuple(await tx.scalars(query))


async def earlier_rounds(
    tx: AsyncConnection, workspace_id: str, phase_id: str
) -> tuple[PastRound, ...]:
    """Return the rounds of a phase, oldest first, with which members could answer each.

    Cancelled rounds are left out: nobody was asked.
    """
    rows = (
        await tx.execute(
            select(_rounds, is_low(_rounds).label("is_low"), _roster.c.user_id)
            .join(
                _roster,
                (_rounds.c.workspace_id == _roster.c.workspace_id)
                & (_rounds.c.round_id == _roster.c.round_id),
            )
            .where(_rounds.c.workspace_id == workspace_id, _rounds.c.phase_id == phase_id)
            .where(_rounds.c.state != "cancelled", _roster.c.role == "member")
            .order_by(_rounds.c.number)
        )
    ).all()
    members: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        members[row.round_id].add(row.user_id)
    return tuple(
        PastRound(
            round=as_round(row._mapping),
            can_answer=frozenset(members[row.round_id]),
            is_low=bool(row.is_low),
        )
        for row in {row.round_id: row for row in rows}.values()
    )


async def next_number(tx: AsyncConnection, workspace_id: str, phase_id: str) -> int:
    last = await tx.execute(
        select(func.max(_rounds.c.number)).where(
            _rounds.c.workspace_id == workspace_id, _rounds.c.phase_id == phase_id
        )
    )
    return (last.scalar() or 0) + 1


async def roster_entry(
    tx: AsyncConnection, workspace_id: str, round_id: str, user_id: str
) -> RosterEntry | None:
    """Return the person's entry on the round's roster; None where they are not asked."""
    return (await roster_entries(tx, workspace_id, round_id, [user_id])).get(user_id)


async def roster_entries(
    tx: AsyncConnection, workspace_id: str, round_id: str, user_ids: Iterable[str]
) -> dict[str, RosterEntry]:
    """Return the entries of these people on the round's list, as far as they are on it."""
    query = _roster_query(workspace_id, round_id).where(_roster.c.user_id.in_(padded(user_ids)))
    return {row.user_id: as_asked(row) for row in await tx.execute(query)}


async def roster(tx: AsyncConnection, workspace_id: str, round_id: str) -> tuple[RosterEntry, ...]:
    """Return everyone asked in a round, as it was fixed when the round opened."""
    rows = await tx.execute(_roster_query(workspace_id, round_id).order_by(_roster.c.user_id))
    return tuple(as_asked(row) for row in rows)


async def open_rounds_of(tx: AsyncConnection, workspace_id: str, user_id: str) -> tuple[Round, ...]:
    """Return the open rounds that have this person on their list."""
    rows = await tx.execute(_open_rounds_query(workspace_id, user_id))
    return tuple(map(as_round, rows.mappings()))


async def who_responded(
    tx: AsyncConnection,
    keys: RoundKeys,
    workspace_id: str,
    round_: Round,
    people: Iterable[RosterEntry],
) -> frozenset[str]:
    """Return which of these people answered or skipped: all members, where it is unknowable now."""
    ids: dict[bool, list[str]] = {True: [], False: []}
    for person in people:
        ids[person.is_lead].append(person.user_id)
    leads, members = ids[True], ids[False]
    reflected = await _who_reflected(tx, workspace_id, round_, leads) if leads else frozenset()
    if not members:
        return reflected
    try:
        return reflected | await ballots.who_responded(
            tx, keys, workspace_id, round_.round_id, members
        )
    except KeyMissing:
        return reflected.union(members)


async def reflection(
    tx: AsyncConnection, workspace_id: str, phase_id: str, moment: str, user_id: str
) -> AnswerInput | None:
    """Return a lead's own answers at a moment; None where there are none."""
    found = await reflections(tx, [(workspace_id, phase_id, moment, user_id)])
    return next(iter(found.values()), None)


async def reflections(
    tx: AsyncConnection, whose: Sequence[tuple[str, str, str, str]]
) -> dict[tuple[str, str, str, str], AnswerInput]:
    """Return leads' own answers by workspace, phase, moment and person, as far as there are any."""
    if not whose:
        return {}
    key = [_reflections.c[name] for name in ("workspace_id", "phase_id", "moment", "user_id")]
    within = [
        column.in_(padded(values))
        for column, values in zip(key, zip(*whose, strict=True), strict=True)
    ]
    rows = await tx.execute(
        across_workspaces(
            select(_reflections).where(*within),
            "answers of several workspaces are committed together",
        )
    )
    return {
        (row.workspace_id, row.phase_id, row.moment, row.user_id): AnswerInput(
            answers=dict(row.answers), shared=row.shared, is_skipped=row.skipped
        )
        for row in rows
    }


def as_json(questions: Iterable[Question]) -> list[dict[str, Any]]:
    """Return the wording, to be stored with the round that used it."""
    return [asdict(question) for question in questions]


async def _who_reflected(
    tx: AsyncConnection, workspace_id: str, round_: Round, lead_ids: Iterable[str]
) -> frozenset[str]:
    return frozenset(
        await tx.scalars(
            select(_reflections.c.user_id).where(
                _reflections.c.workspace_id == workspace_id,
                _reflections.c.phase_id == round_.phase_id,
                _reflections.c.moment == round_.round_id,
                _reflections.c.user_id.in_(padded(lead_ids)),
            )
        )
    )


def _roster_query(workspace_id: str, round_id: str) -> Select[Any]:
    is_still_in_team = (
        (_people.c.workspace_id == _roster.c.workspace_id)
        & (_people.c.phase_id == _rounds.c.phase_id)
        & (_people.c.user_id == _roster.c.user_id)
        & _people.c.left_at.is_(None)
    )
    return (
        select(
            _roster,
            _people.c.user_id.label("there"),
            schema.people.c.is_guest,
            schema.people.c.team_id,
        )
        .join(
            _rounds,
            (_rounds.c.workspace_id == _roster.c.workspace_id)
            & (_rounds.c.round_id == _roster.c.round_id),
        )
        .outerjoin(_people, is_still_in_team)
        .outerjoin(schema.people, is_profile_of(_roster))
        .where(_roster.c.workspace_id == workspace_id, _roster.c.round_id == round_id)
        .where(_roster.c.slot_at.is_not(None))
    )


def is_profile_of(roster: Any) -> ColumnElement[bool]:
    """Return the condition that joins the stored profile of a person on a round's list."""
    profiles = schema.people
    same_workspace = profiles.c.workspace_id == roster.c.workspace_id
    return and_(same_workspace, profiles.c.user_id == roster.c.user_id)


def as_asked(row: Row[Any]) -> RosterEntry:
    return RosterEntry(
        user_id=row.user_id,
        is_lead=row.role == "lead",
        slot_at=row.slot_at,
        has_left=row.there is None,
        is_outsider=bool(row.is_guest) or row.team_id not in (None, row.workspace_id),
    )


def _open_rounds_query(workspace_id: str, user_id: str) -> Select[Any]:
    return (
        select(_rounds)
        .join(
            _roster,
            (_rounds.c.workspace_id == _roster.c.workspace_id)
            & (_rounds.c.round_id == _roster.c.round_id),
        )
        .where(_rounds.c.workspace_id == workspace_id, _rounds.c.state == "open")
        .where(_roster.c.user_id == user_id, _roster.c.slot_at.is_not(None))
        .order_by(_rounds.c.closes_at, _rounds.c.round_id)
    )


def _round_query(workspace_id: str, round_id: str) -> Select[Any]:
    return select(_rounds).where(
        _rounds.c.workspace_id == workspace_id, _rounds.c.round_id == round_id
    )


async def _load_round(tx: AsyncConnection, query: Select[Any]) -> Round | None:
    row = (await tx.execute(query)).mappings().first()
    return None if row is None else as_round(row)


def as_round(row: RowMapping) -> Round:
    return Round(
        round_id=row["round_id"],
        phase_id=row["phase_id"],
        number=row["number"],
        kind=RoundKind(row["kind"]),
        is_open=row["state"] == "open",
        opened_at=row["opened_at"],
        closes_at=row["closes_at"],
        minimum=row["minimum"],
        asked_count=row["asked"],
        rounding=Rounding(row["rounding"]),
        questions=tuple(Question(**stored) for stored in row["questions"]),
        leads=tuple(row["leads"]),
        check=asked_check(row),
    )
