"""Reads about phases: facts for the whole room, for App Home and for the agenda."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import RowMapping, Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda.slots import zone_of
from bot.db import schema
from bot.phases.budget import SHARE, Span
from bot.phases.rules import Dates, Kind, Limits, Promise, SprintPromise, TrustPromise
from bot.slack.people import Person, known
from bot.workspaces.store import settings_of

_phases = schema.phases
_people = schema.phase_people
_items = schema.set_aside_items


@dataclass(frozen=True, kw_only=True)
class PhaseRow:
    """One phase. Its dates are calendar days in `zone`, the lead's."""

    phase_id: str
    channel_id: str
    kind: Kind
    is_active: bool
    lead_id: str  # who started it
    zone: str
    milestone: str  # may be empty for trust-building
    promise: Promise
    justification: str | None  # None: none was needed
    started_at: datetime
    starts_on: date
    ends_on: date
    first_ends_on: date  # before any extension
    extension_reason: str | None  # None: never extended
    recovery_until: date | None  # None: trust-building books none
    weekday: int  # 0 is Monday
    time_of_day: time  # in each person's own zone
    remind: bool
    comments_to: str  # leads, or team
    ended_at: datetime | None  # None: active
    ended_by: str | None  # None: active, or ended by its date
    outcome: str | None
    learning: str | None
    thanks: str | None
    wrapped_up_at: datetime | None  # None: no wrap-up was written (yet)
    wrapped_up_by: str | None  # a lead, or an admin

    @property
    def is_sprint(self) -> bool:
        return self.kind is Kind.RESULTS_SPRINT

    @property
    def dates(self) -> Dates:
        return Dates(
            kind=self.kind,
            starts_on=self.starts_on,
            ends_on=self.ends_on,
            first_ends_on=self.first_ends_on,
        )

    def day_of(self, instant: datetime) -> date:
        """The calendar day of an instant where the lead lives."""
        return instant.astimezone(zone_of(self.zone)).date()


@dataclass(frozen=True, kw_only=True)
class Participant:
    """A lead or a member. Who left is still here, with `has_left`."""

    user_id: str
    name: str  # the id where Slack's name is not known
    zone: str | None
    is_lead: bool
    has_left: bool
    contribution: str | None  # None: not said; never show who has not
    thanks_line: str | None  # None: the lead wrote none


@dataclass(frozen=True, kw_only=True)
class Item:
    """A piece of work that may wait, and what became of it at the end."""

    position: int
    text: str
    owner_id: str
    owner_name: str
    fate: str | None  # None: still set aside; resumed, dropped or parked
    parked_until: date | None  # None unless parked


@dataclass(frozen=True, kw_only=True)
class WholePhase:
    """A phase with its people (leads first) and what it set aside."""

    phase: PhaseRow
    people: tuple[Participant, ...]
    items: tuple[Item, ...]

    @property
    def leads(self) -> tuple[Participant, ...]:
        """Who started it first."""
        leads = [one for one in self.people if one.is_lead and not one.has_left]
        return tuple(sorted(leads, key=lambda one: one.user_id != self.phase.lead_id))

    @property
    def members(self) -> tuple[Participant, ...]:
        return tuple(one for one in self.people if not (one.is_lead or one.has_left))

    def is_led_by(self, user_id: str) -> bool:
        return any(one.user_id == user_id for one in self.leads)

    def has(self, user_id: str) -> bool:
        """Whether this person is of the phase's team now, as lead or member."""
        return any(one.user_id == user_id for one in (*self.leads, *self.members))


async def active_in(tx: AsyncConnection, workspace_id: str, channel_id: str) -> PhaseRow | None:
    """The phase that runs in a channel now."""
    running = _in_channel(workspace_id, channel_id).where(_phases.c.state == "active")
    return await _one(tx, running)


async def latest_in(tx: AsyncConnection, workspace_id: str, channel_id: str) -> PhaseRow | None:
    """The phase of a channel that started last, whether it still runs or not."""
    newest = _in_channel(workspace_id, channel_id).order_by(_phases.c.started_at.desc()).limit(1)
    return await _one(tx, newest)


async def phase(tx: AsyncConnection, workspace_id: str, phase_id: str) -> PhaseRow | None:
    return await _one(tx, _phase(workspace_id, phase_id))


async def phase_to_change(tx: AsyncConnection, workspace_id: str, phase_id: str) -> PhaseRow | None:
    """The phase, kept from being changed by others until the transaction ends."""
    return await _one(tx, _phase(workspace_id, phase_id).with_for_update())


async def whole(tx: AsyncConnection, workspace_id: str, phase_id: str) -> WholePhase | None:
    """Everything that is said of a phase."""
    found = await phase(tx, workspace_id, phase_id)
    if found is None:
        return None
    return WholePhase(
        phase=found,
        people=await people_of(tx, workspace_id, phase_id),
        items=await items_of(tx, workspace_id, phase_id),
    )


async def phases_of(
    tx: AsyncConnection, workspace_id: str, user_id: str, *, only_active: bool = True
) -> tuple[PhaseRow, ...]:
    """The phases that a person leads or is a member of, newest first."""
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
    if only_active:
        mine = mine.where(_phases.c.state == "active")
    return tuple(_as_phase(row) for row in (await tx.execute(mine)).mappings())


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
    )
