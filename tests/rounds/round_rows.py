"""Builders that insert people, a phase, a round and a workspace as rows."""

from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db import schema
from bot.phases import store
from bot.phases.model import Phase
from bot.promises.lifecycle import make
from bot.promises.model import Reply
from bot.rounds.questions import about_leads
from bot.rounds.store import as_json
from bot.workspaces.rules import WorkspaceSettings
from bot.workspaces.store import remember_workspace, save_settings
from tests.harness import ANA, LAUNCH, MEMBERS, WORKSPACE

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
PHASE, ROUND = "phase1", "round1"
ZONES = {
    "U0ANA": "Europe/Lisbon",
    "U0BEN": "Africa/Lagos",
    "U0CHI": "Europe/Rome",
    "U0DEV": "Asia/Kolkata",
    "U0EMI": "Asia/Tokyo",
    "U0FIN": "America/New_York",
    "U0GUS": "America/Sao_Paulo",
    "U0HAN": "Europe/Prague",
}


async def a_person(tx: AsyncConnection, user_id: str, **changed: object) -> None:
    row = {
        "workspace_id": WORKSPACE,
        "user_id": user_id,
        "name": user_id.removeprefix("U0").title(),
        "zone": ZONES.get(user_id, "Europe/London"),
        "team_id": WORKSPACE,
        "is_bot": False,
        "is_guest": False,
        "is_deleted": False,
        "is_admin": False,
        "refreshed_at": NOW + timedelta(days=365),  # fresh: Slack is not asked
    }
    await tx.execute(insert(schema.people).values({**row, **changed}))


async def a_phase(
    tx: AsyncConnection,
    *,
    phase_id: str = PHASE,
    leads: tuple[str, ...] = (ANA,),
    members: tuple[str, ...] = MEMBERS,
    **changed: object,
) -> None:
    """Insert a four-week results sprint in #launch that started on a Monday."""
    row = {
        "workspace_id": WORKSPACE,
        "phase_id": phase_id,
        "channel_id": LAUNCH,
        "kind": "results_sprint",
        "state": "active",
        "lead_id": leads[0],
        "zone": "Europe/Lisbon",
        "milestone": "Ship the beta",
        "promise": {"stakes": "Two customers decide."},
        "started_at": NOW,
        "starts_on": date(2026, 11, 23),
        "ends_on": date(2026, 12, 18),
        "original_ends_on": date(2026, 12, 18),
        "weekday": 1,
        "time_of_day": time(10, 0),
        "remind": True,
        "comments_to": "leads",
    }
    await tx.execute(insert(schema.phases).values({**row, **changed}))
    roles = [(user_id, "lead") for user_id in leads] + [(user_id, "member") for user_id in members]
    for user_id, role in roles:
        await tx.execute(
            insert(schema.phase_people).values(
                workspace_id=WORKSPACE,
                phase_id=phase_id,
                user_id=user_id,
                role=role,
                joined_at=NOW,
            )
        )


async def a_round(
    tx: AsyncConnection,
    *,
    round_id: str = ROUND,
    phase_id: str = PHASE,
    leads: tuple[str, ...] = (ANA,),
    members: tuple[str, ...] = MEMBERS,
    note: str | None = None,
    **changed: object,
) -> None:
    """Insert an open weekly round that closes in two days, with a minimum of four answers."""
    row = {
        "workspace_id": WORKSPACE,
        "round_id": round_id,
        "phase_id": phase_id,
        "number": 1,
        "kind": "weekly",
        "state": "open",
        "opened_at": NOW,
        "closes_at": NOW + timedelta(days=2),
        "minimum": 4,
        "asked": len(members),
        "questions": as_json(about_leads(["Ana"])),
        "leads": ["Ana"],
    }
    await tx.execute(insert(schema.rounds).values({**row, **changed}))
    if note is not None:
        reply = Reply(heard=None, text=note, is_change=True)
        key = {"phase_id": phase_id, "round_id": round_id, "made_by": ANA}
        await make(tx, WORKSPACE, reply, **key, now=NOW)
    roles = [(user_id, "lead") for user_id in leads] + [(user_id, "member") for user_id in members]
    for user_id, role in roles:
        await tx.execute(
            insert(schema.round_people).values(
                workspace_id=WORKSPACE,
                round_id=round_id,
                user_id=user_id,
                role=role,
                slot_at=NOW,
            )
        )


async def a_workspace(tx: AsyncConnection, settings: WorkspaceSettings) -> None:
    """Insert the test workspace with these settings."""
    auth = {"team_id": WORKSPACE, "user_id": "U0BOT"}
    await remember_workspace(tx, auth, NOW)
    await save_settings(tx, WORKSPACE, settings, actor=ANA, now=NOW)


async def the_phase(tx: AsyncConnection, phase_id: str = PHASE) -> Phase:
    found = await store.load(tx, WORKSPACE, phase_id)
    assert found is not None
    return found
