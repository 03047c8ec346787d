"""Reads and writes of promises."""

from collections.abc import Iterable

from sqlalchemy import RowMapping, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db import schema
from bot.db.upserts import padded
from bot.promises.model import OpenedRound, Promise, PromiseOutcome

_promises = schema.promises


async def of_phase(tx: AsyncConnection, workspace_id: str, phase_id: str) -> tuple[Promise, ...]:
    """Return the promises of a phase, oldest first."""
    return (await of_phases(tx, workspace_id, [phase_id])).get(phase_id, ())


async def of_phases(
    tx: AsyncConnection, workspace_id: str, phase_ids: Iterable[str]
) -> dict[str, tuple[Promise, ...]]:
    """Return the promises of these phases, oldest first, by the phase's id; one statement."""
    promises, people = _promises.c, schema.people.c
    is_author = (people.workspace_id == promises.workspace_id) & (
        people.user_id == promises.made_by
    )
    found = await tx.execute(
        select(_promises, func.coalesce(people.name, promises.made_by).label("name"))
        .outerjoin(schema.people, is_author)
        .where(promises.workspace_id == workspace_id, promises.phase_id.in_(padded(phase_ids)))
        .order_by(promises.made_at, promises.promise_id)
    )
    by_phase: dict[str, tuple[Promise, ...]] = {}
    for row in found.mappings():
        promise = _promise(row)
        by_phase[promise.phase_id] = (*by_phase.get(promise.phase_id, ()), promise)
    return by_phase


async def opened_rounds(
    tx: AsyncConnection, workspace_id: str, phase_id: str
) -> tuple[OpenedRound, ...]:
    """Return the phase's rounds that have opened, oldest first; no cancelled ones."""
    rounds = schema.rounds.c
    rows = await tx.execute(
        select(rounds.round_id, rounds.number, rounds.opened_at)
        .where(rounds.workspace_id == workspace_id, rounds.phase_id == phase_id)
        .where(rounds.state != "cancelled")
        .order_by(rounds.number)
    )
    return tuple(OpenedRound(**row) for row in rows.mappings())


async def was_asked_about(tx: AsyncConnection, workspace_id: str, promise: Promise) -> bool:
    """Return whether a round has asked, or is asking, the team about a promise."""
    rounds = schema.rounds.c
    asking = await tx.scalar(
        select(rounds.round_id)
        .where(rounds.workspace_id == workspace_id, rounds.phase_id == promise.phase_id)
        .where(rounds.check_subject == promise.promise_id, rounds.state != "cancelled")
        .limit(1)
    )
    return asking is not None


async def record_outcome(
    tx: AsyncConnection, workspace_id: str, promise_id: str, outcome: PromiseOutcome
) -> None:
    """Store whether a promise happened, in the transaction that closes the round that asked."""
    await tx.execute(
        update(_promises)
        .where(_promises.c.workspace_id == workspace_id, _promises.c.promise_id == promise_id)
        .values(outcome=outcome)
    )


def _promise(row: RowMapping) -> Promise:
    outcome = row["outcome"]
    return Promise(
        promise_id=row["promise_id"],
        phase_id=row["phase_id"],
        round_id=row["round_id"],
        made_by=row["made_by"],
        name=row["name"],
        made_at=row["made_at"],
        heard=row["heard"],
        text=row["text"],
        is_change=row["is_change"],
        outcome=None if outcome is None else PromiseOutcome(outcome),
    )
