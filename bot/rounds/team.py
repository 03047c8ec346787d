"""The phase that a round belongs to, as far as rounds need it, and who is in its team."""

from collections.abc import Iterable

from sqlalchemy import RowMapping, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db import schema
from bot.rounds.model import PhaseFacts
from bot.slack.people import known

_phases = schema.phases
_people = schema.phase_people


async def phase_of(tx: AsyncConnection, workspace_id: str, phase_id: str) -> PhaseFacts | None:
    """What rounds need to know of a phase; None where there is none."""
    found = await tx.execute(
        select(_phases).where(
            _phases.c.workspace_id == workspace_id, _phases.c.phase_id == phase_id
        )
    )
    row = found.mappings().first()
    return None if row is None else await _phase(tx, workspace_id, row)


async def active_in(tx: AsyncConnection, workspace_id: str, channel_id: str) -> PhaseFacts | None:
    """The phase that runs in a channel."""
    found = await tx.execute(
        select(_phases).where(
            _phases.c.workspace_id == workspace_id,
            _phases.c.channel_id == channel_id,
            _phases.c.state == "active",
        )
    )
    row = found.mappings().first()
    return None if row is None else await _phase(tx, workspace_id, row)


async def lock_phase(tx: AsyncConnection, workspace_id: str, phase_id: str) -> None:
    """Let nobody else change this phase, or open a round of it, until the transaction ends.

    What refers to it may still be written.
    """
    await tx.execute(
        select(_phases.c.phase_id)
        .where(_phases.c.workspace_id == workspace_id, _phases.c.phase_id == phase_id)
        .with_for_update(key_share=True)
    )


async def opted_out(tx: AsyncConnection, workspace_id: str, channel_id: str) -> frozenset[str]:
    """Who wants no direct messages about this channel."""
    optouts = schema.channel_optouts
    rows = await tx.scalars(
        select(optouts.c.user_id).where(
            optouts.c.workspace_id == workspace_id, optouts.c.channel_id == channel_id
        )
    )
    return frozenset(rows)


async def names_of(
    tx: AsyncConnection, workspace_id: str, user_ids: Iterable[str]
) -> tuple[str, ...]:
    """Display names in the same order; the id of whom we do not know (yet)."""
    wanted = tuple(user_ids)
    people = await known(tx, workspace_id, wanted)
    return tuple(people[one].name if one in people else one for one in wanted)


async def _phase(tx: AsyncConnection, workspace_id: str, row: RowMapping) -> PhaseFacts:
    found = await tx.execute(
        select(_people.c.user_id, _people.c.role)
        .where(
            _people.c.workspace_id == workspace_id,
            _people.c.phase_id == row["phase_id"],
            _people.c.left_at.is_(None),
        )
        .order_by(_people.c.user_id != row["lead_id"], _people.c.user_id)
    )
    people = found.all()
    leads = tuple(one.user_id for one in people if one.role == "lead")
    return PhaseFacts(
        phase_id=row["phase_id"],
        channel_id=row["channel_id"],
        kind=row["kind"],
        is_active=row["state"] == "active",
        lead_ids=leads,
        lead_names=await names_of(tx, workspace_id, leads or (row["lead_id"],)),
        members=tuple(one.user_id for one in people if one.role == "member"),
        weekday=row["weekday"],
        time_of_day=row["time_of_day"],
        zone=row["zone"],
        started_at=row["started_at"],
        starts_on=row["starts_on"],
        ends_on=row["ends_on"],
        ended_at=row["ended_at"],
        remind=row["remind"],
        comments_to=row["comments_to"],
        is_paused=row["paused_at"] is not None,
    )
