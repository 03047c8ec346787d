"""What a transaction left behind: rows of the agenda and the outbox, in the words of the tests."""

from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from bot.agenda.claims import due
from bot.app import ACTIONS
from bot.clock import real_now
from bot.db import schema
from bot.db.engine import Database
from bot.services import Services
from tests.harness import WORKSPACE


async def agenda_of(db: Database, action: str) -> dict[str, datetime]:
    """Subject -> when, of everything noted for an action."""
    async with db.reading() as reader:
        rows = await reader.execute(
            select(schema.agenda.c.subject, schema.agenda.c.due_at).where(
                schema.agenda.c.action == action
            )
        )
        return {row.subject: row.due_at for row in rows}


async def said(db: Database) -> dict[str, dict[str, Any]]:
    """Key -> payload of everything that is to be said."""
    async with db.reading() as reader:
        rows = await reader.execute(select(schema.messages.c.key, schema.messages.c.payload))
        return {row.key: row.payload for row in rows}


async def the_round(db: Database) -> Any:
    """The one round there is; None where there is none."""
    async with db.reading() as reader:
        return (await reader.execute(select(schema.rounds))).one_or_none()


async def carry_out(services: Services, action: str, subject: str | None = None) -> list[str]:
    """Carry out what is due of one action (of one subject). Returns the subjects."""
    async with services.db.reading() as reader:
        items = await due(reader, services.clock.now(), real_now(), 1_000)
    mine = [one for one in items if one.action == action and subject in (None, one.subject)]
    for item in mine:
        await ACTIONS[action].run(services, item)
    return [item.subject for item in mine]


async def delivered(db: Database, key: str, place: tuple[str, str]) -> None:
    """Pretend that Slack has this message."""
    messages = schema.messages
    async with db.transaction() as tx:
        await tx.execute(
            update(messages)
            .where(messages.c.workspace_id == WORKSPACE, messages.c.key == key)
            .values(state="sent", payload=None, channel=place[0], ts=place[1])
        )
