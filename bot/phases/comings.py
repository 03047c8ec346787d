"""Who comes to a phase's channel and who goes: asked from the next round on, or not any more."""

from datetime import datetime
from functools import partial
from typing import Any

from slack_bolt.async_app import AsyncApp, AsyncBoltContext
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db import schema
from bot.db.writing import put
from bot.phases import channels, lifecycle, store
from bot.slack.events import is_new
from bot.workspaces.services import Services

Body = dict[str, Any]


def register(app: AsyncApp, services: Services) -> None:
    app.event("member_joined_channel")(partial(joined, services))
    app.event("member_left_channel")(partial(left, services))


async def joined(services: Services, body: Body, context: AsyncBoltContext) -> None:
    """A colleague who comes during a phase is of its team; guests, bots and outsiders are not."""
    if body["event"]["user"] == context.bot_user_id:
        await channels.changed(services, body, context)
        return
    workspace_id, event = str(context.team_id), body["event"]
    client = services.client_for(workspace_id)
    person = await services.people.one(client, workspace_id, event["user"])
    now = services.clock.now()
    async with services.db.transaction() as tx:
        if not await is_new(tx, workspace_id, body, now):
            return
        phase = await store.active_in(tx, workspace_id, event["channel"])
        if phase is None or person is None or not person.is_full_member:
            return
        await _come(tx, workspace_id, phase.phase_id, person.user_id, now)
        await lifecycle.tell(tx, workspace_id, phase.phase_id, now)


async def left(services: Services, body: Body, context: AsyncBoltContext) -> None:
    """Who leaves the channel is not written to any more and cannot answer."""
    if body["event"]["user"] == context.bot_user_id:
        await channels.changed(services, body, context)
        return
    workspace_id, event = str(context.team_id), body["event"]
    now = services.clock.now()
    async with services.db.transaction() as tx:
        if not await is_new(tx, workspace_id, body, now):
            return
        phase = await store.active_in(tx, workspace_id, event["channel"])
        if phase is None:
            return
        people = schema.phase_people
        await tx.execute(
            update(people)
            .where(
                people.c.workspace_id == workspace_id,
                people.c.phase_id == phase.phase_id,
                people.c.user_id == event["user"],
            )
            .values(left_at=now)
        )
        await lifecycle.tell(tx, workspace_id, phase.phase_id, now)


async def _come(
    tx: AsyncConnection, workspace_id: str, phase_id: str, user_id: str, now: datetime
) -> None:
    """As a member, or as what they were before they left."""
    known = await store.people_of(tx, workspace_id, phase_id)
    was_lead = any(one.is_lead for one in known if one.user_id == user_id)
    key = {"workspace_id": workspace_id, "phase_id": phase_id, "user_id": user_id}
    role = "lead" if was_lead else "member"
    await put(tx, schema.phase_people, key, role=role, joined_at=now, left_at=None)
