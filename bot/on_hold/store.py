"""Reads of what members proposed to put on hold."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db import schema
from bot.on_hold.rules import HoldProposal
from bot.slack.people import stored_people

_proposals = schema.hold_proposals


async def proposals_of(
    tx: AsyncConnection, workspace_id: str, phase_id: str
) -> tuple[HoldProposal, ...]:
    """Return the proposals of a phase, oldest first."""
    found = await tx.execute(
        select(_proposals)
        .where(_proposals.c.workspace_id == workspace_id, _proposals.c.phase_id == phase_id)
        .order_by(_proposals.c.proposed_at, _proposals.c.proposal_id)
    )
    rows = found.mappings().all()
    ids = {row[column] for row in rows for column in ("proposed_by", "answered_by")} - {None}
    people = await stored_people(tx, workspace_id, ids)
    names = {user_id: person.name for user_id, person in people.items()}
    return tuple(
        HoldProposal(
            proposal_id=row["proposal_id"],
            text=row["text"],
            proposed_by=row["proposed_by"],
            proposer_name=names.get(row["proposed_by"], row["proposed_by"]),
            accepted=row["accepted"],
            answered_by=row["answered_by"],
            answer_name=names.get(row["answered_by"], row["answered_by"] or ""),
            answer=row["answer"],
        )
        for row in rows
    )


async def proposal_of(
    tx: AsyncConnection, workspace_id: str, phase_id: str, proposal_id: str
) -> HoldProposal | None:
    """Return one proposal of a phase."""
    proposals = await proposals_of(tx, workspace_id, phase_id)
    return next((each for each in proposals if each.proposal_id == proposal_id), None)
