"""Adjustments of the reference model after downtime, as a round may have opened late or not at all.

`slots` checks against the calendar that everyone was asked at a permitted time.
"""

import asyncio
from datetime import datetime

from tests.model import downtime
from tests.soak.people import BotProcess
from tests.soak.simulated_workspace import SimulatedWorkspace

ROUND_COLUMNS = (
    *("round_id", "phase_id", "number", "kind", "opened_at", "closes_at", "shown_at", "asked"),
    *("check_kind", "check_subject"),
)


async def adopt_late_rounds(workspaces: dict[str, SimulatedWorkspace], bot: BotProcess) -> None:
    rounds = await bot.rows("rounds", "workspace_id", *ROUND_COLUMNS)
    people = await bot.rows(
        "round_people", *("workspace_id", "round_id", "user_id", "role", "slot_at")
    )
    await asyncio.to_thread(_adopt_late_rounds, workspaces, rounds, people)


def _adopt_late_rounds(
    workspaces: dict[str, SimulatedWorkspace], rounds: list[list], people: list[list]
) -> None:
    by_phase: dict[str, list[dict]] = {}
    by_round: dict[str, list[dict]] = {}
    for _, round_id, user_id, role, slot_at in people:
        slot = _instant(slot_at) if slot_at else None
        row = {"round_id": round_id, "user_id": user_id, "role": role, "slot_at": slot}
        by_round.setdefault(round_id, []).append(row)
    for workspace_id, *values in rounds:
        row = _row(values)
        by_phase.setdefault(workspace_id + row["phase_id"], []).append(row)
    for workspace in workspaces.values():
        mine = {
            phase.phase_id: sorted(
                by_phase.get(workspace.workspace_id + phase.phase_id, []),
                key=lambda row: row["number"],
            )
            for phase in workspace.reference_model.phases
        }
        ids = [row["round_id"] for rows in mine.values() for row in rows]
        listed = [row for one in ids for row in by_round.get(one, [])]
        downtime.adopt(workspace.reference_model, mine.__getitem__, listed)
        workspace.reference_model.advance(workspace.reference_model.now)


def _row(values: list) -> dict:
    row = dict(zip(ROUND_COLUMNS, values, strict=True))
    times = ("opened_at", "closes_at", "shown_at")
    return row | {name: _instant(row[name]) if row[name] else None for name in times}


def _instant(value: str) -> datetime:
    return datetime.fromisoformat(value)
