"""Reads and writes of decisions."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db import schema
from bot.db.upserts import insert_if_new
from bot.decisions.model import Cause, Choice, Decision
from bot.slack.people import stored_name

_decisions = schema.decisions
_rounds = schema.rounds


@dataclass(frozen=True, kw_only=True)
class OpenRound:
    """A round whose results are still to come."""

    round_id: str
    closes_at: datetime


async def decision_of(
    tx: AsyncConnection, workspace_id: str, phase_id: str, decision_id: str
) -> Decision | None:
    """Return one decision of a phase, open or made."""
    condition = _decisions.c.decision_id == decision_id
    return await _read(tx, workspace_id, phase_id, condition)


async def open_decision(tx: AsyncConnection, workspace_id: str, phase_id: str) -> Decision | None:
    """Return the decision that the phase's leads have not made yet, if there is one."""
    return await _read(tx, workspace_id, phase_id, _decisions.c.choice.is_(None))


async def open_round(
    tx: AsyncConnection, workspace_id: str, phase_id: str, before: datetime
) -> OpenRound | None:
    """Return the phase's round that is open and closes before this time, if there is one."""
    row = (
        await tx.execute(
            select(_rounds.c.round_id, _rounds.c.closes_at)
            .where(
                _rounds.c.workspace_id == workspace_id,
                _rounds.c.phase_id == phase_id,
                _rounds.c.state == "open",
                _rounds.c.closes_at < before,
            )
            .order_by(_rounds.c.closes_at)
            .limit(1)
        )
    ).first()
    return None if row is None else OpenRound(round_id=row.round_id, closes_at=row.closes_at)


async def add(tx: AsyncConnection, workspace_id: str, decision: Decision) -> None:
    """Store an open decision."""
    await insert_if_new(
        tx,
        _decisions,
        workspace_id=workspace_id,
        phase_id=decision.phase_id,
        decision_id=decision.decision_id,
        cause=decision.cause,
        round_id=decision.round_id,
        asked_at=decision.asked_at,
    )


async def change(tx: AsyncConnection, workspace_id: str, decision: Decision, **values: Any) -> None:
    """Change these columns of a decision."""
    await tx.execute(update(_decisions).where(_is(workspace_id, decision)).values(**values))


async def remove(tx: AsyncConnection, workspace_id: str, decision: Decision) -> None:
    """Delete a decision that nobody made."""
    await tx.execute(delete(_decisions).where(_is(workspace_id, decision)))


def _is(workspace_id: str, decision: Decision) -> ColumnElement[bool]:
    return (
        (_decisions.c.workspace_id == workspace_id)
        & (_decisions.c.phase_id == decision.phase_id)
        & (_decisions.c.decision_id == decision.decision_id)
    )


async def _read(
    tx: AsyncConnection, workspace_id: str, phase_id: str, condition: ColumnElement[bool]
) -> Decision | None:
    found = await tx.execute(
        select(_decisions).where(
            _decisions.c.workspace_id == workspace_id,
            _decisions.c.phase_id == phase_id,
            condition,
        )
    )
    row = found.mappings().first()
    if row is None:
        return None
    by = row["decided_by"]
    return _decision(row, await stored_name(tx, workspace_id, by) if by else "")


def _decision(row: RowMapping, name: str) -> Decision:
    return Decision(
        decision_id=row["decision_id"],
        phase_id=row["phase_id"],
        cause=Cause(row["cause"]),
        round_id=row["round_id"],
        asked_at=row["asked_at"],
        choice=None if row["choice"] is None else Choice(row["choice"]),
        decided_by=row["decided_by"],
        name=name,
        decided_at=row["decided_at"],
    )
