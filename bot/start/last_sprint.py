"""The channel's earlier sprints as they bear on a new phase: budget, recovery, and results."""

from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.phases import rules, store
from bot.phases.history import sprint_history
from bot.phases.rules import PhaseLimits, Proposal, SprintHistory
from bot.results.store import latest_shown
from bot.results.summary import levels_with_round
from bot.start import wording


async def history_with_results(
    tx: AsyncConnection,
    workspace_id: str,
    proposal: Proposal,
    limits: PhaseLimits,
    continues: str | None,
) -> SprintHistory:
    """Return the channel's sprints until now.

    Where the proposal starts in the recovery of the last one, with what the team said of it: the
    levels of the last results that the team was shown, and nothing finer.
    """
    past = await sprint_history(tx, workspace_id, proposal, limits, continues)
    if not rules.starts_in_recovery(proposal, past):
        return past
    return replace(past, team_said=await _team_said(tx, workspace_id, proposal.channel_id))


async def _team_said(tx: AsyncConnection, workspace_id: str, channel_id: str) -> str:
    last = await store.last_sprint_in(tx, workspace_id, channel_id)
    shown = await latest_shown(tx, workspace_id, [last]) if last else {}
    results = shown.get(last.phase_id) if last else None
    if results is None or not results.figures:
        return wording.NOTHING_SHOWN
    return levels_with_round(results)
