"""Reads about closed rounds. Nothing finer than what may be shown is stored."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, FromClause, RowMapping, ScalarSelect, exists, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.checks.store import asked_check
from bot.db import schema
from bot.db.upserts import padded
from bot.phases import store as phase_store
from bot.phases.model import Phase
from bot.phases.privacy import Rounding
from bot.promises import store as promise_store
from bot.promises.model import Promise
from bot.results.hints import LOW_LEVEL
from bot.results.levels import Participation, QuestionFigures, Share
from bot.results.model import ClosedRound, Reflection, ShownLevel
from bot.round_keys import RoundKeys, readable_texts

_rounds = schema.rounds
_figures = schema.question_levels


async def closed_rounds(
    tx: AsyncConnection, workspace_id: str, phase: Phase
) -> tuple[ClosedRound, ...]:
    """Return the phase's closed rounds, oldest first, with what may be shown of them."""
    rows = (
        (
            await tx.execute(
                select(_rounds)
                .where(_rounds.c.workspace_id == workspace_id, _rounds.c.phase_id == phase.phase_id)
                .where(_rounds.c.state == "closed")
                .order_by(_rounds.c.number)
            )
        )
        .mappings()
        .all()
    )
    shown = await _shown_levels(tx, workspace_id, [row["round_id"] for row in rows])
    made = await promise_store.of_phase(tx, workspace_id, phase.phase_id)
    replies = {promise.round_id: promise for promise in made if promise.text}
    return tuple(
        _closed_round(row, phase, shown.get(row["round_id"], ()), replies.get(row["round_id"]))
        for row in rows
    )


async def phase_of_round(tx: AsyncConnection, workspace_id: str, round_id: str) -> Phase | None:
    """Return the phase that a round belongs to."""
    phase_id = await tx.scalar(
        select(_rounds.c.phase_id).where(
            _rounds.c.workspace_id == workspace_id, _rounds.c.round_id == round_id
        )
    )
    return None if phase_id is None else await phase_store.load(tx, workspace_id, phase_id)


async def comments_of(
    tx: AsyncConnection, keys: RoundKeys, workspace_id: str, round_id: str
) -> tuple[str, ...]:
    """Return the comments in their shuffled order; none once the team saw the results.

    Those whose key is missing are left out: the levels are shown without them.
    """
    comments = schema.round_comments
    rows = await tx.execute(
        select(comments.c.key_id, comments.c.sealed)
        .where(comments.c.workspace_id == workspace_id, comments.c.round_id == round_id)
        .order_by(comments.c.position)
    )
    return readable_texts(keys, rows, comment_context(workspace_id, round_id))


def comment_context(workspace_id: str, round_id: str) -> str:
    """Return what a round's comments are sealed for."""
    return f"{workspace_id}:{round_id}:comment"


async def reflections_of(
    tx: AsyncConnection, workspace_id: str, phase: Phase, round_id: str
) -> tuple[Reflection, ...]:
    """Return the leads' own answers. The start form's answers became the first round's."""
    reflections = schema.reflections
    rows = await tx.execute(
        select(reflections).where(
            reflections.c.workspace_id == workspace_id,
            reflections.c.phase_id == phase.phase_id,
            reflections.c.moment == round_id,
        )
    )
    names = {lead.user_id: lead.name for lead in phase.leads}
    return tuple(
        Reflection(name=names[row.user_id], answers=row.answers, shared=row.shared)
        for row in rows
        if row.user_id in names and row.answers
    )


def is_low(rounds: FromClause) -> ColumnElement[bool]:
    """Return, as an expression on a round, whether it showed a level that is low."""
    return exists().where(
        _figures.c.workspace_id == rounds.c.workspace_id,
        _figures.c.round_id == rounds.c.round_id,
        _figures.c.level <= LOW_LEVEL,
    )


def latest_shown_of(rounds: FromClause, column: str) -> ScalarSelect[str | None]:
    """Return, as an expression on a phase's round, a column of the one the team read last."""
    shown = _rounds.alias("shown")
    return (
        select(shown.c[column])
        .where(
            shown.c.workspace_id == rounds.c.workspace_id,
            shown.c.phase_id == rounds.c.phase_id,
            shown.c.shown_at.is_not(None),
        )
        .order_by(shown.c.number.desc())
        .limit(1)
        .scalar_subquery()
    )


def latest_reply(rounds: FromClause, column: str) -> ScalarSelect[Any]:
    """Return, as an expression on a phase's round, a column of the reply to what was read last.

    `name` is that of the lead who made it. Null where nobody replied, or the text is deleted.
    """
    shown, made, people = _rounds.alias("shown"), schema.promises, schema.people
    is_reply = (
        (made.c.workspace_id == shown.c.workspace_id)
        & (made.c.round_id == shown.c.round_id)
        & (made.c.text != "")
    )
    is_author = (people.c.workspace_id == made.c.workspace_id) & (
        people.c.user_id == made.c.made_by
    )
    name = func.coalesce(people.c.name, made.c.made_by)
    return (
        select(name if column == "name" else made.c[column])
        .select_from(shown.outerjoin(made, is_reply).outerjoin(people, is_author))
        .where(
            shown.c.workspace_id == rounds.c.workspace_id,
            shown.c.phase_id == rounds.c.phase_id,
            shown.c.shown_at.is_not(None),
        )
        .order_by(shown.c.number.desc())
        .limit(1)
        .correlate(rounds)
        .scalar_subquery()
    )


async def last_broadcast_at(
    tx: AsyncConnection, workspace_id: str, channel_id: str
) -> datetime | None:
    """Return when results of any phase were last shown in a channel itself; None: never."""
    phases = schema.phases
    shown_at: datetime | None = await tx.scalar(
        select(_rounds.c.shown_at)
        .join(
            phases,
            (phases.c.workspace_id == _rounds.c.workspace_id)
            & (phases.c.phase_id == _rounds.c.phase_id),
        )
        .where(phases.c.workspace_id == workspace_id, phases.c.channel_id == channel_id)
        .where(_rounds.c.is_broadcast.is_(True))
        .order_by(_rounds.c.shown_at.desc())
        .limit(1)
    )
    return shown_at


async def members_asked(tx: AsyncConnection, workspace_id: str, round_id: str) -> tuple[str, ...]:
    """Return the ids of the members who were asked in a round, whether they answered or not."""
    people = schema.round_people
    ids = await tx.scalars(
        select(people.c.user_id)
        .where(people.c.workspace_id == workspace_id, people.c.round_id == round_id)
        .where(people.c.role == "member", people.c.slot_at.is_not(None))
        .order_by(people.c.user_id)
    )
    return tuple(ids)


async def history(tx: AsyncConnection, workspace_id: str, phase: Phase) -> tuple[ClosedRound, ...]:
    """Return the rounds of this phase whose results the team has seen, oldest first."""
    rounds = await closed_rounds(tx, workspace_id, phase)
    return tuple(closed_round for closed_round in rounds if closed_round.shown_at is not None)


async def shown_rounds(
    tx: AsyncConnection, workspace_id: str, phases: Iterable[Phase]
) -> dict[str, tuple[ClosedRound, ...]]:
    """Return the rounds of these phases whose results the team has seen, oldest first.

    By the phase's id; without the leads' replies.
    """
    by_id = {phase.phase_id: phase for phase in phases}
    query = (
        select(_rounds)
        .where(_rounds.c.workspace_id == workspace_id, _rounds.c.phase_id.in_(padded(by_id)))
        .where(_rounds.c.state == "closed", _rounds.c.shown_at.is_not(None))
        .order_by(_rounds.c.number)
    )
    rows = (await tx.execute(query)).mappings().all()
    levels = await _shown_levels(tx, workspace_id, [row["round_id"] for row in rows])
    shown: dict[str, tuple[ClosedRound, ...]] = {}
    for row in rows:
        phase = by_id[row["phase_id"]]
        closed_round = _closed_round(row, phase, levels.get(row["round_id"], ()))
        shown[phase.phase_id] = (*shown.get(phase.phase_id, ()), closed_round)
    return shown


async def latest_shown(
    tx: AsyncConnection, workspace_id: str, phases: Iterable[Phase]
) -> dict[str, ClosedRound]:
    """Return the newest round of each phase whose results the team has seen, by phase id."""
    by_id = {phase.phase_id: phase for phase in phases}
    rows = (
        (
            await tx.execute(
                select(_rounds)
                .where(
                    _rounds.c.workspace_id == workspace_id,
                    _rounds.c.phase_id.in_(padded(by_id)),
                    _rounds.c.state == "closed",
                    _rounds.c.shown_at.is_not(None),
                )
                .order_by(_rounds.c.number)
            )
        )
        .mappings()
        .all()
    )
    newest = {row["phase_id"]: row for row in rows}
    if not newest:
        return {}
    shown = await _shown_levels(tx, workspace_id, [row["round_id"] for row in newest.values()])
    return {
        phase_id: _closed_round(row, by_id[phase_id], shown.get(row["round_id"], ()))
        for phase_id, row in newest.items()
    }


async def _shown_levels(
    tx: AsyncConnection, workspace_id: str, round_ids: list[str]
) -> dict[str, tuple[ShownLevel, ...]]:
    rows = await tx.execute(
        select(_figures).where(
            _figures.c.workspace_id == workspace_id, _figures.c.round_id.in_(round_ids)
        )
    )
    shown: dict[str, tuple[ShownLevel, ...]] = {}
    for row in rows.mappings():
        shown_level = ShownLevel(figure=_figure(row), change=row["change"])
        shown[row["round_id"]] = (*shown.get(row["round_id"], ()), shown_level)
    return shown


def _figure(row: RowMapping) -> QuestionFigures:
    share = row["share"]
    return QuestionFigures(
        key=row["key"], level=row["level"], share=None if share is None else Share(share)
    )


def _closed_round(
    row: RowMapping, phase: Phase, shown: tuple[ShownLevel, ...], promise: Promise | None = None
) -> ClosedRound:
    labels = {asked["key"]: asked["label"] for asked in row["questions"]}
    participation = row["participation"]
    order = list(labels)
    return ClosedRound(
        round_id=row["round_id"],
        phase_id=row["phase_id"],
        kind=row["kind"],
        week=_week(row, phase),
        opened_on=phase.day_of(row["opened_at"]),
        is_broadcast=bool(row["is_broadcast"]),
        asked=row["asked"],
        minimum=row["minimum"],
        unreadable=bool(row["unreadable"]),
        rounding=Rounding(row["rounding"]),
        reached_minimum=row["reached_minimum"],
        participation=None if participation is None else Participation(participation),
        labels=labels,
        figures=tuple(sorted(shown, key=lambda shown_level: order.index(shown_level.figure.key))),
        promise=promise,
        check=asked_check(row),
        shown_at=row["shown_at"],
    )


def _week(row: RowMapping, phase: Phase) -> int:
    opened_on = phase.day_of(row["opened_at"])
    if row["kind"] == "after":
        return round((opened_on - phase.ended_on).days / 7)
    return (opened_on - phase.starts_on).days // 7 + 1
