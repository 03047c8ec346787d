"""A running phase, and queries for the rows that its end leaves behind."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Table, select

from bot.agenda.claims import due
from bot.app import ACTIONS
from bot.clock import real_now
from bot.db import schema
from bot.ending.wrap_up_form import WrapUp
from bot.phases import store
from bot.phases.model import MilestoneOutcome, Phase
from bot.phases.rules import Proposal
from bot.services import Services
from bot.slack.request import Request
from tests.harness import ANA, MEMBERS, OWNER, WORKSPACE
from tests.start.proposals import SPRINT, begin

FAR = datetime(2027, 12, 31, tzinfo=UTC)
ENDS_AT = datetime(2026, 12, 7, 17, tzinfo=UTC)  # SPRINT's, in Lisbon
SAID = WrapUp(
    milestone_outcome=MilestoneOutcome.HIT,
    outcome="Beta is out.",
    learning="Review earlier.",
    thanks="To all.",
)


async def running(services: Services, proposal: Proposal = SPRINT) -> str:
    """Start a phase of people from the fake Slack, each in their own time zone; return its id."""
    client = services.client_for(WORKSPACE)
    await services.people.get_many(client, WORKSPACE, (ANA, OWNER, *MEMBERS))
    return await begin(services, proposal)


def by(user_id: str, phase_id: str) -> Request:
    return Request(workspace_id=WORKSPACE, target_id=phase_id, user_id=user_id)


async def phase_of(services: Services, phase_id: str) -> Phase:
    async with services.db.reading() as reader:
        found = await store.load(reader, WORKSPACE, phase_id)
    assert found is not None
    return found


async def rows(services: Services, table: Table) -> list[Any]:
    async with services.db.reading() as reader:
        return list((await reader.execute(select(table))).mappings())


async def messages(services: Services, prefix: str) -> dict[str, Any]:
    """Return the messages whose key has this prefix, by key."""
    found = await rows(services, schema.messages)
    return {row["key"]: row for row in found if row["key"].startswith(prefix)}


async def planned(services: Services, action: str) -> dict[str, datetime]:
    """Return the due times of an action by the last part of their subject."""
    async with services.db.reading() as reader:
        items = await due(reader, FAR, FAR, 1_000)
    mine = [item for item in items if item.action == action]
    return {item.subject.split(":")[-1]: item.due_at for item in mine}


async def carry_out(services: Services, action: str) -> int:
    """Run the due items of one action; return their number."""
    async with services.db.reading() as reader:
        items = await due(reader, services.clock.now(), real_now(), 1_000)
    mine = [item for item in items if item.action == action]
    for item in mine:
        await ACTIONS[action].run(services, item)
    return len(mine)


async def evidence(services: Services) -> list[list[Any]]:
    """Return all rows that ending a phase may change, for comparison."""
    tables = (schema.phases, schema.phase_people, schema.set_aside_items, schema.audit)
    all_tables = (*tables, schema.agenda, schema.messages)
    return [sorted(map(str, await rows(services, table))) for table in all_tables]
