"""Agenda, outbox and round rows, read for assertions on what a transaction left behind."""

from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from bot.agenda.claims import due
from bot.app import ACTIONS
from bot.clock import real_now
from bot.db import schema
from bot.db.engine import Database
from bot.outbox.sealed_content import unseal_payload
from bot.services import Services
from tests.harness import KEYS, WORKSPACE


async def agenda_of(db: Database, action: str) -> dict[str, datetime]:
    """Return the due time of each scheduled item of an action, by subject."""
    async with db.reading() as reader:
        rows = await reader.execute(
            select(schema.agenda.c.subject, schema.agenda.c.due_at).where(
                schema.agenda.c.action == action
            )
        )
        return {row.subject: row.due_at for row in rows}


async def said(db: Database) -> dict[str, dict[str, Any]]:
    """Return the payload of every outbox message, by key; None of one that is erased."""
    async with db.reading() as reader:
        rows = await reader.execute(select(schema.messages.c.key, schema.messages.c.payload))
        return {row.key: opened(row.payload) for row in rows}


def opened(payload: Any) -> Any:
    """Return a message's payload as Slack will get it; None if it was erased."""
    return None if payload is None else unseal_payload(KEYS, WORKSPACE, payload)


async def the_round(db: Database) -> Any:
    """Return the only round, or None if there is none."""
    async with db.reading() as reader:
        return (await reader.execute(select(schema.rounds))).one_or_none()


async def carry_out(services: Services, action: str, subject: str | None = None) -> list[str]:
    """Run the due items of one action, optionally of one subject; return their subjects."""
    async with services.db.reading() as reader:
        items = await due(reader, services.clock.now(), real_now(), 1_000)
    selected = [item for item in items if item.action == action and subject in (None, item.subject)]
    for item in selected:
        await ACTIONS[action].run(services, item)
    return [item.subject for item in selected]


async def delivered(db: Database, key: str, place: tuple[str, str]) -> None:
    """Mark a message as sent; `place` is its channel and ts."""
    messages = schema.messages
    async with db.transaction() as tx:
        await tx.execute(
            update(messages)
            .where(messages.c.workspace_id == WORKSPACE, messages.c.key == key)
            .values(state="sent", payload=None, channel=place[0], ts=place[1])
        )
