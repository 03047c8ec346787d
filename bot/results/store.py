"""Reads about closed rounds. Nothing finer than what may be shown is there to be read."""

from collections.abc import Mapping
from datetime import date, datetime

from sqlalchemy import RowMapping, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda.slots import zone_of
from bot.db import schema
from bot.results.levels import Band, Figure
from bot.results.model import ClosedRound, PhaseFacts, Reflection, Shown
from bot.slack.people import known

_rounds = schema.rounds
_figures = schema.figures
_phases = schema.phases
_people = schema.phase_people


async def phase_of(tx: AsyncConnection, workspace_id: str, phase_id: str) -> PhaseFacts:
    """The phase of a round. Raises LookupError where it is gone."""
    found = await tx.execute(
        select(_phases).where(
            _phases.c.workspace_id == workspace_id, _phases.c.phase_id == phase_id
        )
    )
    row = found.mappings().first()
    if row is None:
        raise LookupError(phase_id)
    lead_ids = await _leads(tx, workspace_id, phase_id, row["lead_id"])
    profiles = await known(tx, workspace_id, lead_ids)
    return PhaseFacts(
        phase_id=phase_id,
        channel_id=row["channel_id"],
        lead_ids=lead_ids,
        lead_names=tuple(profiles[one].name if one in profiles else one for one in lead_ids),
        zone=row["zone"],
        comments_to=row["comments_to"],
        starts_on=row["starts_on"],
        ended_on=_ended_on(row),
        is_paused=row["paused_at"] is not None,
        is_gone=row["paused_because"] == "deleted",
        starter_id=row["lead_id"],
    )


async def closed_rounds(
    tx: AsyncConnection, workspace_id: str, phase_id: str
) -> tuple[ClosedRound, ...]:
    """The phase's closed rounds, oldest first, with what may be shown of them."""
    phase = await phase_of(tx, workspace_id, phase_id)
    rows = (
        (
            await tx.execute(
                select(_rounds)
                .where(_rounds.c.workspace_id == workspace_id, _rounds.c.phase_id == phase_id)
                .where(_rounds.c.state == "closed")
                .order_by(_rounds.c.number)
            )
        )
        .mappings()
        .all()
    )
    shown = await _shown(tx, workspace_id, [row["round_id"] for row in rows])
    noters = await known(tx, workspace_id, [row["noted_by"] for row in rows if row["noted_by"]])
    names = {user_id: person.name for user_id, person in noters.items()}
    return tuple(_closed(row, phase, shown.get(row["round_id"], ()), names) for row in rows)


async def zones_of(tx: AsyncConnection, workspace_id: str, phase: PhaseFacts) -> dict[str, str]:
    """The zone of each lead who can be written to; the phase's where Slack gave none."""
    profiles = await known(tx, workspace_id, phase.lead_ids)
    return {
        one: (profiles[one].zone if one in profiles else None) or phase.zone
        for one in phase.lead_ids
        if one not in profiles or not profiles[one].is_deleted
    }


async def phase_id_of(tx: AsyncConnection, workspace_id: str, round_id: str) -> str | None:
    found: str | None = await tx.scalar(
        select(_rounds.c.phase_id).where(
            _rounds.c.workspace_id == workspace_id, _rounds.c.round_id == round_id
        )
    )
    return found


async def asked_in(tx: AsyncConnection, workspace_id: str, round_id: str) -> frozenset[str]:
    """The members who were asked; whether they answered is not known any more."""
    roster = schema.round_people
    rows = await tx.scalars(
        select(roster.c.user_id).where(
            roster.c.workspace_id == workspace_id,
            roster.c.round_id == round_id,
            roster.c.role == "member",
        )
    )
    return frozenset(rows)


async def comments_of(tx: AsyncConnection, workspace_id: str, round_id: str) -> tuple[str, ...]:
    """The comments in the order they were shuffled into; none once the team saw the results."""
    comments = schema.round_comments
    rows = await tx.scalars(
        select(comments.c.text)
        .where(comments.c.workspace_id == workspace_id, comments.c.round_id == round_id)
        .order_by(comments.c.position)
    )
    return tuple(rows)


async def reflections_of(
    tx: AsyncConnection, workspace_id: str, phase: PhaseFacts, round_id: str
) -> tuple[Reflection, ...]:
    """What the leads answered themselves. The start form's answers became the first round's."""
    reflections = schema.reflections
    rows = await tx.execute(
        select(reflections).where(
            reflections.c.workspace_id == workspace_id,
            reflections.c.phase_id == phase.phase_id,
            reflections.c.moment == round_id,
        )
    )
    names = dict(zip(phase.lead_ids, phase.lead_names, strict=True))
    return tuple(
        Reflection(name=names[row.user_id], answers=row.answers, shared=row.shared)
        for row in rows
        if row.user_id in names
    )


async def latest_note(tx: AsyncConnection, workspace_id: str, phase_id: str) -> str | None:
    """What was heard and what changes, as the team last read it; None where it read none."""
    note: str | None = await tx.scalar(
        select(_rounds.c.note)
        .where(_rounds.c.workspace_id == workspace_id, _rounds.c.phase_id == phase_id)
        .where(_rounds.c.shown_at.is_not(None))
        .order_by(_rounds.c.number.desc())
        .limit(1)
    )
    return note


async def history(tx: AsyncConnection, workspace_id: str, phase_id: str) -> tuple[ClosedRound, ...]:
    """What the team has seen of this phase, oldest first."""
    rounds = await closed_rounds(tx, workspace_id, phase_id)
    return tuple(one for one in rounds if one.shown_at is not None)


async def _leads(
    tx: AsyncConnection, workspace_id: str, phase_id: str, first: str
) -> tuple[str, ...]:
    rows = await tx.scalars(
        select(_people.c.user_id).where(
            _people.c.workspace_id == workspace_id,
            _people.c.phase_id == phase_id,
            _people.c.role == "lead",
            _people.c.left_at.is_(None),
        )
    )
    return tuple(sorted(rows, key=lambda user_id: (user_id != first, user_id)))


async def _shown(
    tx: AsyncConnection, workspace_id: str, round_ids: list[str]
) -> dict[str, tuple[Shown, ...]]:
    rows = await tx.execute(
        select(_figures).where(
            _figures.c.workspace_id == workspace_id, _figures.c.round_id.in_(round_ids)
        )
    )
    shown: dict[str, tuple[Shown, ...]] = {}
    for row in rows.mappings():
        one = Shown(figure=_figure(row), change=row["change"])
        shown[row["round_id"]] = (*shown.get(row["round_id"], ()), one)
    return shown


def _figure(row: RowMapping) -> Figure:
    bands = row["bands"]
    return Figure(
        key=row["key"],
        answers=row["answers"],
        level=row["level"],
        share_high=row["share_high"],
        bands=None if bands is None else tuple(Band(**band) for band in bands),
    )


def _closed(
    row: RowMapping, phase: PhaseFacts, shown: tuple[Shown, ...], names: Mapping[str, str]
) -> ClosedRound:
    labels = {asked["key"]: asked["label"] for asked in row["questions"]}
    order = list(labels)
    return ClosedRound(
        round_id=row["round_id"],
        phase_id=row["phase_id"],
        kind=row["kind"],
        week=_week(row, phase),
        asked=row["asked"],
        minimum=row["minimum"],
        answered=row["answered"],
        labels=labels,
        figures=tuple(sorted(shown, key=lambda one: order.index(one.figure.key))),
        note=row["note"],
        noted_by=names.get(row["noted_by"]),
        shown_at=row["shown_at"],
    )


def _ended_on(row: RowMapping) -> date:
    ends_on: date = row["ends_on"]
    return ends_on if row["ended_at"] is None else min(ends_on, _day(row["ended_at"], row["zone"]))


def _week(row: RowMapping, phase: PhaseFacts) -> int:
    opened_on = _day(row["opened_at"], phase.zone)
    if row["kind"] == "after":
        return round((opened_on - phase.ended_on).days / 7)
    return (opened_on - phase.starts_on).days // 7 + 1


def _day(instant: datetime, zone: str) -> date:
    return instant.astimezone(zone_of(zone)).date()
