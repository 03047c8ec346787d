"""Reads about phases: facts for the whole room, for App Home and for the agenda."""

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import RowMapping, Select, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db import schema
from bot.db.upserts import padded
from bot.phases.budget import SHARE, Span
from bot.phases.model import Item, Participant, PhaseRow, WholePhase
from bot.phases.rules import Kind, Limits, Promise, SprintPromise, TrustPromise
from bot.slack.people import Person, known
from bot.workspaces.store import settings_of

_phases = schema.phases
_people = schema.phase_people
_items = schema.set_aside_items


async def active_in(tx: AsyncConnection, workspace_id: str, channel_id: str) -> PhaseRow | None:
    """The phase that runs in a channel now."""
    running = _in_channel(workspace_id, channel_id).where(_phases.c.state == "active")
    return await _one(tx, running)


async def latest_in(tx: AsyncConnection, workspace_id: str, channel_id: str) -> PhaseRow | None:
    """The phase of a channel that started last, whether it still runs or not."""
    newest = _in_channel(workspace_id, channel_id).order_by(_phases.c.started_at.desc()).limit(1)
    return await _one(tx, newest)


async def concerned_in(
    tx: AsyncConnection, workspace_id: str, channel_id: str
) -> tuple[PhaseRow, ...]:
    """The phases that what happens to a channel concerns: running, or still to be put right."""
    rows = await tx.execute(
        _in_channel(workspace_id, channel_id)
        .where(or_(_phases.c.state == "active", _phases.c.paused_at.is_not(None)))
        .order_by(_phases.c.started_at)
    )
    return tuple(_as_phase(row) for row in rows.mappings())


async def running(tx: AsyncConnection, workspace_id: str) -> tuple[str, ...]:
    """The ids of the phases that run in a workspace, in the order they were started."""
    found = await tx.scalars(
        select(_phases.c.phase_id)
        .where(_phases.c.workspace_id == workspace_id, _phases.c.state == "active")
        .order_by(_phases.c.started_at, _phases.c.phase_id)
    )
    return tuple(found)


async def zones_in(
    tx: AsyncConnection, workspace_id: str, channel_ids: Collection[str]
) -> dict[str, str]:
    """The zone of each channel's latest phase; channels that never had one are left out."""
    rows = await tx.execute(
        select(_phases.c.channel_id, _phases.c.zone)
        .where(
            _phases.c.workspace_id == workspace_id, _phases.c.channel_id.in_(padded(channel_ids))
        )
        .order_by(_phases.c.started_at)
    )
    return {row.channel_id: row.zone for row in rows}


async def phase(tx: AsyncConnection, workspace_id: str, phase_id: str) -> PhaseRow | None:
    return await _one(tx, _phase(workspace_id, phase_id))


async def phase_to_change(tx: AsyncConnection, workspace_id: str, phase_id: str) -> PhaseRow | None:
    """The phase, kept from being changed by others until the transaction ends.

    What refers to it may still be written.
    """
    return await _one(tx, _phase(workspace_id, phase_id).with_for_update(key_share=True))


async def whole(tx: AsyncConnection, workspace_id: str, phase_id: str) -> WholePhase | None:
    """Everything that is said of a phase."""
    found = await phase(tx, workspace_id, phase_id)
    if found is None:
        return None
    settings = await settings_of(tx, workspace_id)
    return WholePhase(
        phase=found,
        people=await people_of(tx, workspace_id, phase_id),
        items=await items_of(tx, workspace_id, phase_id),
        minimums=settings.minimums,
    )


async def phases_of(
    tx: AsyncConnection, workspace_id: str, user_id: str, *, ended_since: datetime | None = None
) -> tuple[PhaseRow, ...]:
    """The phases that a person leads or is a member of, newest first: those that run.

    With `ended_since` those that ended after it as well.
    """
    runs = _phases.c.state == "active"
    mine = (
        select(_phases)
        .join(
            _people,
            (_people.c.workspace_id == _phases.c.workspace_id)
            & (_people.c.phase_id == _phases.c.phase_id),
        )
        .where(_phases.c.workspace_id == workspace_id)
        .where(_people.c.user_id == user_id, _people.c.left_at.is_(None))
        .order_by(_phases.c.started_at.desc(), _phases.c.phase_id)
    )
    wanted = runs if ended_since is None else or_(runs, _phases.c.ended_at > ended_since)
    return tuple(_as_phase(row) for row in (await tx.execute(mine.where(wanted))).mappings())


async def people_of(
    tx: AsyncConnection, workspace_id: str, phase_id: str
) -> tuple[Participant, ...]:
    """Leads first, then members, each by name. Who left is included and marked."""
    rows = await tx.execute(
        select(_people).where(
            _people.c.workspace_id == workspace_id, _people.c.phase_id == phase_id
        )
    )
    found = rows.mappings().all()
    profiles = await known(tx, workspace_id, [row["user_id"] for row in found])
    people = [_as_participant(row, profiles.get(row["user_id"])) for row in found]
    return tuple(sorted(people, key=lambda one: (not one.is_lead, one.name, one.user_id)))


async def items_of(tx: AsyncConnection, workspace_id: str, phase_id: str) -> tuple[Item, ...]:
    """What was set aside, in the order it was written."""
    rows = await tx.execute(
        select(_items)
        .where(_items.c.workspace_id == workspace_id, _items.c.phase_id == phase_id)
        .order_by(_items.c.position)
    )
    found = rows.mappings().all()
    owners = await known(tx, workspace_id, [row["owner_id"] for row in found])
    return tuple(
        Item(
            position=row["position"],
            text=row["text"],
            owner_id=row["owner_id"],
            owner_name=owners[row["owner_id"]].name if row["owner_id"] in owners else "",
            fate=row["fate"],
            parked_until=row["parked_until"],
        )
        for row in found
    )


async def past_sprints(
    tx: AsyncConnection, workspace_id: str, channel_id: str, since: date
) -> tuple[Span, ...]:
    """The results sprints of a channel that ended on `since` or later, or still run, by start.

    One that was ended early counts up to the day it ended on.
    """
    rows = await tx.execute(
        _in_channel(workspace_id, channel_id)
        .where(_phases.c.kind == Kind.RESULTS_SPRINT, _phases.c.ends_on >= since)
        .order_by(_phases.c.starts_on)
    )
    spans = [_span(_as_phase(row)) for row in rows.mappings()]
    return tuple(span for span in spans if span.ends_on >= since)


async def limits_of(tx: AsyncConnection, workspace_id: str) -> Limits:
    """What this workspace allows, as the rules read it."""
    settings = await settings_of(tx, workspace_id)
    # 33 per cent is how people write a third; thirty of ninety days are still within it.
    third = settings.budget_percent == round(SHARE * 100)
    return Limits(
        sprint_warn_weeks=settings.sprint_warn_weeks,
        sprint_max_weeks=settings.sprint_max_weeks,
        trust_max_weeks=settings.trust_max_weeks,
        budget_share=SHARE if third else settings.budget_percent / 100,
        starters=settings.starters,
    )


def _span(sprint: PhaseRow) -> Span:
    ended_on = sprint.day_of(sprint.ended_at) if sprint.ended_at else sprint.ends_on
    return Span(starts_on=sprint.starts_on, ends_on=min(ended_on, sprint.ends_on))


def _phase(workspace_id: str, phase_id: str) -> Select[Any]:
    return select(_phases).where(
        _phases.c.workspace_id == workspace_id, _phases.c.phase_id == phase_id
    )


def _in_channel(workspace_id: str, channel_id: str) -> Select[Any]:
    return select(_phases).where(
        _phases.c.workspace_id == workspace_id, _phases.c.channel_id == channel_id
    )


async def _one(tx: AsyncConnection, query: Select[Any]) -> PhaseRow | None:
    row = (await tx.execute(query)).mappings().first()
    return None if row is None else _as_phase(row)


def _promise(kind: Kind, kept: Mapping[str, str]) -> Promise:
    return SprintPromise(**kept) if kind is Kind.RESULTS_SPRINT else TrustPromise(**kept)


def _as_phase(row: RowMapping) -> PhaseRow:
    same = {
        name: row[name]
        for name in PhaseRow.__dataclass_fields__
        if name not in ("kind", "is_active", "promise")
    }
    kind = Kind(row["kind"])
    return PhaseRow(
        kind=kind,
        is_active=row["state"] == "active",
        promise=_promise(kind, row["promise"]),
        **same,
    )


def _as_participant(row: RowMapping, profile: Person | None) -> Participant:
    return Participant(
        user_id=row["user_id"],
        name=profile.name if profile else row["user_id"],
        zone=profile.zone if profile else None,
        is_lead=row["role"] == "lead",
        has_left=row["left_at"] is not None,
        contribution=row["contribution"],
        thanks_line=row["thanks_line"],
        is_reachable=profile is None or not profile.is_deleted,
    )
