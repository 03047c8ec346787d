"""Example proposals, and helpers that store people and start phases."""

from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.phases.rules import PhaseKind, Proposal, SetAside, SprintPromise, TrustPromise
from bot.services import Services
from bot.slack.people import store_person
from bot.start.begin import PhaseStart, start_phase
from bot.workspaces.store import settings_of
from tests.harness import ANA, BEN, LAUNCH, MEMBERS, WORKSPACE

TODAY = date(2026, 11, 23)

SPRINT = Proposal(
    kind=PhaseKind.RESULTS_SPRINT,
    channel_id=LAUNCH,
    lead_id=ANA,
    member_ids=MEMBERS,
    milestone="ship the beta",
    starts_on=TODAY,
    ends_on=date(2026, 12, 7),
    zone="Europe/Lisbon",
    promise=SprintPromise(stakes="Two customers decide.", ask="Fast reviews."),
    set_aside=(SetAside(text="Dark mode", owner_id=BEN), SetAside(text="hiring", owner_id=ANA)),
)
TRUST = replace(
    SPRINT,
    kind=PhaseKind.TRUST_BUILDING,
    milestone="",
    promise=TrustPromise(purpose="Decide together.", mistakes_fine="Drafts."),
    set_aside=(),
)


async def store_people(services: Services, *user_ids: str) -> None:
    """Store these people; their names are their ids without the U0 prefix."""
    async with services.db.transaction() as tx:
        for user_id in user_ids or (ANA, *MEMBERS):
            await _remember(tx, services, user_id)


async def begin(services: Services, proposal: Proposal = SPRINT, **more: Any) -> str:
    """Start a phase; return its id."""
    async with services.db.reading() as reader:
        settings = await settings_of(reader, WORKSPACE)
    phase_start = PhaseStart(proposal=proposal, settings=settings, **more)
    phase = await start_phase(services, WORKSPACE, phase_start)
    return phase.phase_id


async def _remember(tx: AsyncConnection, services: Services, user_id: str) -> None:
    user = {"id": user_id, "name": user_id.removeprefix("U0").capitalize(), "tz": "Europe/Lisbon"}
    await store_person(tx, WORKSPACE, user, services.clock.now())
