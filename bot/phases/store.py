"""Reads about phases, each loaded whole: three statements, however many phases are loaded."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import RowMapping, Select, and_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db import schema
from bot.db.upserts import padded
from bot.phases import working_agreement
from bot.phases.budget import Span
from bot.phases.model import Participant, Phase, SetAsideItem, listing_order
from bot.phases.privacy import differ_by_one
from bot.phases.rules import PhaseKind, Promise, SprintPromise, TrustPromise
from bot.workspaces.public_holidays import calendar_of
from bot.workspaces.rules import from_json

_phases = schema.phases
_people = schema.phase_people
_items = schema.set_aside_items
_profiles = schema.people
_workspaces = schema.workspaces

#: Fields of the model that are not copied from a column of the same name.
_BUILT_FIELDS = {
    "kind",
    "is_active",
    "promise",
    "people",
    "set_aside_items",
    "settings",
    "how_we_work",
    "calendar",
}


async def load(tx: AsyncConnection, workspace_id: str, phase_id: str) -> Phase | None:
    return await _load_one(tx, _phase_query(workspace_id, phase_id))


async def lock(tx: AsyncConnection, workspace_id: str, phase_id: str) -> Phase | None:
    """Return the phase, locked against changes by others until the transaction ends.

    Rows that refer to it may still be written.
    """
    query = _phase_query(workspace_id, phase_id).with_for_update(key_share=True, of=_phases)
    return await _load_one(tx, query)


async def active_in(tx: AsyncConnection, workspace_id: str, channel_id: str) -> Phase | None:
    """Return the phase that runs in a channel now."""
    return await _load_one(tx, _channel_query(workspace_id, channel_id).where(_is_active()))


async def latest_in(tx: AsyncConnection, workspace_id: str, channel_id: str) -> Phase | None:
    """Return the phase of a channel that started last, whether it still runs or not."""
    newest = _channel_query(workspace_id, channel_id).order_by(_phases.c.started_at.desc()).limit(1)
    return await _load_one(tx, newest)


async def last_sprint_in(tx: AsyncConnection, workspace_id: str, channel_id: str) -> Phase | None:
    """Return the results sprint of a channel that started last, whether it still runs or not."""
    newest = (
        _channel_query(workspace_id, channel_id)
        .where(_phases.c.kind == PhaseKind.RESULTS_SPRINT)
        .order_by(_phases.c.started_at.desc())
        .limit(1)
    )
    return await _load_one(tx, newest)


async def phases_in(
    tx: AsyncConnection, workspace_id: str, channel_id: str, *, skip: int, limit: int
) -> tuple[Phase, ...]:
    """Return a channel's phases, newest first, without the `skip` newest; at most `limit`."""
    query = _channel_query(workspace_id, channel_id).order_by(
        _phases.c.started_at.desc(), _phases.c.phase_id.desc()
    )
    return await _load_all(tx, query.offset(skip).limit(limit))


async def active_or_paused_in(
    tx: AsyncConnection, workspace_id: str, channel_id: str
) -> tuple[Phase, ...]:
    """Return the phases that a change of a channel affects: running, or still paused."""
    affected = or_(_is_active(), _phases.c.paused_at.is_not(None))
    query = _channel_query(workspace_id, channel_id).where(affected).order_by(_phases.c.started_at)
    return await _load_all(tx, query)


async def active_ids(tx: AsyncConnection, workspace_id: str) -> tuple[str, ...]:
    """Return the ids of the phases that run in a workspace, in the order they were started."""
    ids = await tx.scalars(
        select(_phases.c.phase_id)
        .where(_phases.c.workspace_id == workspace_id, _is_active())
        .order_by(_phases.c.started_at, _phases.c.phase_id)
    )
    return tuple(ids)


async def zones_in(
    tx: AsyncConnection, workspace_id: str, channel_ids: Collection[str]
) -> dict[str, str]:
    """Return the zone of each channel's latest phase, without channels that never had one."""
    rows = await tx.execute(
        select(_phases.c.channel_id, _phases.c.zone)
        .where(
            _phases.c.workspace_id == workspace_id, _phases.c.channel_id.in_(padded(channel_ids))
        )
        .order_by(_phases.c.started_at)
    )
    return {row.channel_id: row.zone for row in rows}


async def phases_of(
    tx: AsyncConnection,
    workspace_id: str,
    user_id: str,
    *,
    channel_ids: Collection[str] = (),
    ended_since: datetime | None = None,
) -> tuple[Phase, ...]:
    """Return the running phases that a person leads or is a member of, or in these channels.

    With `ended_since`, theirs that ended after it as well. Newest first.
    """
    takes_part = _phases.c.phase_id.in_(
        select(_people.c.phase_id).where(
            _people.c.workspace_id == workspace_id,
            _people.c.user_id == user_id,
            _people.c.left_at.is_(None),
        )
    )
    wanted = and_(takes_part | _phases.c.channel_id.in_(padded(channel_ids)), _is_active())
    if ended_since is not None:
        wanted = or_(wanted, takes_part & (_phases.c.ended_at > ended_since))
    query = _workspace_query(workspace_id).where(wanted)
    return await _load_all(tx, query.order_by(_phases.c.started_at.desc(), _phases.c.phase_id))


async def others_of(
    tx: AsyncConnection,
    workspace_id: str,
    phase: Phase,
    user_ids: Collection[str],
    *,
    ended_since: datetime,
) -> tuple[Phase, ...]:
    """Return the phases of other channels that any of these people is in.

    They run, or ended after this time.
    """
    theirs = _phases.c.phase_id.in_(
        select(_people.c.phase_id).where(
            _people.c.workspace_id == workspace_id,
            _people.c.user_id.in_(padded(user_ids)),
            _people.c.left_at.is_(None),
        )
    )
    query = _workspace_query(workspace_id).where(theirs, _phases.c.channel_id != phase.channel_id)
    return await _load_all(tx, query.where(_is_active() | (_phases.c.ended_at > ended_since)))


async def too_similar_to(tx: AsyncConnection, workspace_id: str, phase: Phase) -> str | None:
    """Return an earlier phase beside which this one may show no levels; None: there is none.

    It ran when this one started, has one of its leads, and the same roster but for one person,
    whose answers the difference of the two would show. The earlier one's are never withheld.
    """
    leads = padded(phase.lead_ids)
    overlaps = or_(_is_active(), _phases.c.ended_at > phase.started_at)
    shares_a_lead = _phases.c.phase_id.in_(
        select(_people.c.phase_id)
        .where(_people.c.workspace_id == workspace_id, _people.c.user_id.in_(leads))
        .where(_people.c.role == "lead", _people.c.left_at.is_(None))
    )
    others = await _load_all(
        tx,
        _workspace_query(workspace_id)
        .where(shares_a_lead, overlaps, _phases.c.channel_id != phase.channel_id)
        .where(_phases.c.started_at <= phase.started_at),
    )
    similar = (
        other.phase_id
        for other in others
        if (other.started_at, other.phase_id) < (phase.started_at, phase.phase_id)
        and differ_by_one(phase.roster_ids, other.roster_ids)
    )
    return next(similar, None)


async def set_too_similar(
    tx: AsyncConnection, workspace_id: str, phase_id: str, other_id: str | None
) -> None:
    """Store the phase beside which this one shows no levels, or that there is none."""
    await tx.execute(
        update(_phases)
        .where(_phases.c.workspace_id == workspace_id, _phases.c.phase_id == phase_id)
        .values(too_similar_to=other_id)
    )


async def opted_out_ids(tx: AsyncConnection, workspace_id: str, channel_id: str) -> frozenset[str]:
    """Return the ids of people who want no direct messages about this channel."""
    optouts = schema.channel_optouts
    rows = await tx.scalars(
        select(optouts.c.user_id).where(
            optouts.c.workspace_id == workspace_id, optouts.c.channel_id == channel_id
        )
    )
    return frozenset(rows)


async def opted_out_channels(
    tx: AsyncConnection, workspace_id: str, user_id: str
) -> frozenset[str]:
    """Return the channels about which this person wants no direct messages."""
    optouts = schema.channel_optouts
    rows = await tx.scalars(
        select(optouts.c.channel_id).where(
            optouts.c.workspace_id == workspace_id, optouts.c.user_id == user_id
        )
    )
    return frozenset(rows)


async def past_sprints(
    tx: AsyncConnection, workspace_id: str, channel_id: str, since: date
) -> tuple[Span, ...]:
    """Return a channel's results sprints that ended on `since` or later, or still run, by start.

    One that was ended early counts up to the day it ended on.
    """
    rows = await tx.execute(
        _channel_query(workspace_id, channel_id)
        .where(_phases.c.kind == PhaseKind.RESULTS_SPRINT, _phases.c.ends_on >= since)
        .order_by(_phases.c.starts_on)
    )
    sprints = [_build(row, (), ()) for row in rows.mappings()]
    spans = [Span(starts_on=sprint.starts_on, ends_on=sprint.ended_on) for sprint in sprints]
    return tuple(span for span in spans if span.ends_on >= since)


def _is_active() -> Any:
    return _phases.c.state == "active"


def _workspace_query(workspace_id: str) -> Select[Any]:
    return (
        select(_phases, _workspaces.c.settings)
        .outerjoin(_workspaces, _workspaces.c.workspace_id == _phases.c.workspace_id)
        .where(_phases.c.workspace_id == workspace_id)
    )


def _phase_query(workspace_id: str, phase_id: str) -> Select[Any]:
    return _workspace_query(workspace_id).where(_phases.c.phase_id == phase_id)


def _channel_query(workspace_id: str, channel_id: str) -> Select[Any]:
    return _workspace_query(workspace_id).where(_phases.c.channel_id == channel_id)


async def _load_one(tx: AsyncConnection, query: Select[Any]) -> Phase | None:
    phases = await _load_all(tx, query)
    return phases[0] if phases else None


async def _load_all(tx: AsyncConnection, query: Select[Any]) -> tuple[Phase, ...]:
    rows = (await tx.execute(query)).mappings().all()
    if not rows:
        return ()
    workspace_id, ids = rows[0]["workspace_id"], [row["phase_id"] for row in rows]
    people = await _people_of(tx, workspace_id, ids)
    items = await _items_of(tx, workspace_id, ids)
    return tuple(_build(row, people[row["phase_id"]], items[row["phase_id"]]) for row in rows)


async def _people_of(
    tx: AsyncConnection, workspace_id: str, phase_ids: Collection[str]
) -> Mapping[str, Sequence[Participant]]:
    rows = await tx.execute(
        select(_people, _profiles.c.name, _profiles.c.zone, _profiles.c.is_deleted)
        .outerjoin(_profiles, _is_profile(_people.c.user_id))
        .where(_people.c.workspace_id == workspace_id, _people.c.phase_id.in_(padded(phase_ids)))
    )
    people_by_phase: dict[str, list[Participant]] = defaultdict(list)
    for row in rows.mappings():
        people_by_phase[row["phase_id"]].append(_participant(row))
    for people in people_by_phase.values():
        people.sort(key=listing_order)
    return people_by_phase


async def _items_of(
    tx: AsyncConnection, workspace_id: str, phase_ids: Collection[str]
) -> Mapping[str, Sequence[SetAsideItem]]:
    rows = await tx.execute(
        select(_items, _profiles.c.name)
        .outerjoin(_profiles, _is_profile(_items.c.owner_id))
        .where(_items.c.workspace_id == workspace_id, _items.c.phase_id.in_(padded(phase_ids)))
        .order_by(_items.c.position)
    )
    items_by_phase: dict[str, list[SetAsideItem]] = defaultdict(list)
    for row in rows.mappings():
        items_by_phase[row["phase_id"]].append(_item(row))
    return items_by_phase


def _is_profile(user_id: Any) -> Any:
    """Return the condition that a profile is this person's, in the workspace of the joined row."""
    workspace_id = user_id.table.c.workspace_id
    return and_(_profiles.c.workspace_id == workspace_id, _profiles.c.user_id == user_id)


def _build(row: RowMapping, people: Sequence[Participant], items: Sequence[SetAsideItem]) -> Phase:
    kind = PhaseKind(row["kind"])
    settings = from_json(row["settings"] or {})
    stored = {name: row[name] for name in Phase.__dataclass_fields__ if name not in _BUILT_FIELDS}
    return Phase(
        kind=kind,
        is_active=row["state"] == "active",
        promise=_promise(kind, row["promise"]),
        people=tuple(people),
        set_aside_items=tuple(items),
        how_we_work=working_agreement.from_json(row["how_we_work"]),
        settings=settings,
        calendar=calendar_of(settings.country),
        **stored,
    )


def _promise(kind: PhaseKind, stored: Mapping[str, str]) -> Promise:
    return SprintPromise(**stored) if kind is PhaseKind.RESULTS_SPRINT else TrustPromise(**stored)


def _participant(row: RowMapping) -> Participant:
    return Participant(
        user_id=row["user_id"],
        name=row["name"] or row["user_id"],
        zone=row["zone"],
        is_lead=row["role"] == "lead",
        has_left=row["left_at"] is not None,
        contribution=row["contribution"],
        expectation=row["expectation"],
        expectation_reply=row["expectation_reply"],
        thanks_line=row["thanks_line"],
        is_reachable=not row["is_deleted"],
        is_on_roster=row["is_on_roster"],
    )


def _item(row: RowMapping) -> SetAsideItem:
    return SetAsideItem(
        position=row["position"],
        text=row["text"],
        owner_id=row["owner_id"],
        owner_name=row["name"] or "",
        outcome=row["outcome"],
        parked_until=row["parked_until"],
        back_on=row["back_on"],
        back_reason=row["back_reason"],
    )
