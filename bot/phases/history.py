"""Earlier phases of a channel and phases of other channels: reads for the start form."""

from datetime import date, timedelta

from sqlalchemy import case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db import schema
from bot.phases import rules, store
from bot.phases.budget import WINDOW_DAYS, compute_budget
from bot.phases.rules import PhaseKind, PhaseLimits, Proposal, SprintHistory

#: How far back sprints matter: the budget's window, and the longest one's recovery.
LOOKBACK = timedelta(days=2 * WINDOW_DAYS)

_phases = schema.phases


async def sprint_history(
    tx: AsyncConnection,
    workspace_id: str,
    proposal: Proposal,
    limits: PhaseLimits,
    continues: str | None,
) -> SprintHistory:
    """Return the channel's results sprints until now, as far as they matter for this proposal.

    `continues` is the running phase that the new one follows at once.
    """
    since = proposal.starts_on - LOOKBACK
    sprints = await store.past_sprints(tx, workspace_id, proposal.channel_id, since)
    proposed = proposal.span if proposal.kind is PhaseKind.RESULTS_SPRINT else None
    last = max(sprints, key=lambda span: span.ends_on, default=None)
    continued = await store.load(tx, workspace_id, continues) if continues else None
    return SprintHistory(
        budget=compute_budget(sprints, proposal.starts_on, proposed, limits.budget_share),
        last_sprint=last,
        recovery_until=rules.recovery_until(last) if last else None,
        was_extended=continued is not None and continued.extension_reason is not None,
    )


async def ended_phase_ids(
    tx: AsyncConnection, workspace_id: str, channel_id: str, since: date
) -> tuple[str, ...]:
    """Return the ids of a channel's phases that are over and were to end on `since` or later."""
    ids = await tx.scalars(
        select(_phases.c.phase_id).where(
            _phases.c.workspace_id == workspace_id,
            _phases.c.channel_id == channel_id,
            _phases.c.state == "ended",
            _phases.c.ends_on >= since,
        )
    )
    return tuple(ids)


async def last_learning(tx: AsyncConnection, workspace_id: str, channel_id: str) -> str | None:
    """Return what was learned in the channel's last phase; empty: nothing was written.

    None: the channel had no phase, or what was written in it was kept long enough and is deleted.
    """
    row = (
        await tx.execute(
            select(_phases.c.learning, _phases.c.texts_deleted)
            .where(_phases.c.workspace_id == workspace_id, _phases.c.channel_id == channel_id)
            .order_by(_phases.c.started_at.desc())
            .limit(1)
        )
    ).first()
    return None if row is None or row.texts_deleted else row.learning or ""


async def team_counts(
    tx: AsyncConnection, workspace_id: str, channel_id: str, today: date
) -> tuple[int, int]:
    """Return how many teams are in a results sprint now, and how many there are; this one in both.

    A team is a channel with a phase in the last 90 days.
    """
    sprinting = (_phases.c.state == "active") & (_phases.c.kind == PhaseKind.RESULTS_SPRINT)
    counts = await tx.execute(
        select(
            func.count(func.distinct(case((sprinting, _phases.c.channel_id)))),
            func.count(func.distinct(_phases.c.channel_id)),
        ).where(
            _phases.c.workspace_id == workspace_id,
            _phases.c.channel_id != channel_id,
            _phases.c.ends_on >= today - timedelta(days=WINDOW_DAYS),
        )
    )
    others_sprinting, others = counts.one()
    return others_sprinting + 1, others + 1
