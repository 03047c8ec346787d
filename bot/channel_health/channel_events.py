"""Channel events: archived, deleted, left or joined by the bot, given another id.

Events come twice and in any order. So those that can be undone are only a reason to ask Slack how
the channel is now; what cannot be undone is acted on at once.
"""

from datetime import datetime
from functools import partial
from typing import Any

from slack_bolt.async_app import AsyncApp, AsyncBoltContext
from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda.slots import within_hours, working_day_after
from bot.announcement import refresh
from bot.channel_health import messages as words
from bot.channel_health import pause
from bot.db import schema
from bot.db.upserts import insert_if_new
from bot.ending import end, goodbyes
from bot.ending.summary import summarize
from bot.log import log
from bot.outbox import enqueue, keys, requeue
from bot.phases import store
from bot.phases.model import PauseReason, Phase
from bot.results.lifecycle import show_missed
from bot.rounds.lifecycle import drop_rounds
from bot.services import Services
from bot.slack.event_dedup import is_new

Body = dict[str, Any]

CHANGES = (
    "channel_archive",
    "channel_unarchive",
    "channel_left",
    "group_archive",
    "group_unarchive",
    "group_left",
)
DELETIONS = ("channel_deleted", "group_deleted")


def register(app: AsyncApp, services: Services) -> None:
    for name in CHANGES:
        app.event(name)(partial(on_channel_changed, services))
    for name in DELETIONS:
        app.event(name)(partial(on_channel_deleted, services))
    app.event("channel_id_changed")(partial(on_channel_id_changed, services))


async def on_channel_changed(services: Services, body: Body, context: AsyncBoltContext) -> None:
    """Something happened to a channel, or to our place in it."""
    workspace_id = str(context.team_id)
    now = services.clock.now()
    async with services.db.transaction() as tx:
        if not await is_new(tx, workspace_id, body, now):
            return
        for phase in await store.affected_in(tx, workspace_id, body["event"]["channel"]):
            await refresh.check_channel_soon(tx, workspace_id, phase.phase_id, now)


async def on_channel_deleted(services: Services, body: Body, context: AsyncBoltContext) -> None:
    """A phase ends with its channel: what waited is given back, members get their goodbye."""
    workspace_id = str(context.team_id)
    now = services.clock.now()
    async with services.db.transaction() as tx:
        if not await is_new(tx, workspace_id, body, now):
            return
        channel_id = body["event"]["channel"]
        concerned = await store.affected_in(tx, workspace_id, channel_id)
        latest = await store.latest_in(tx, workspace_id, channel_id)  # it may still ask
        for phase_id in sorted({one.phase_id for one in (*concerned, latest) if one is not None}):
            await _end_with_channel(tx, workspace_id, phase_id, now)


async def on_channel_id_changed(services: Services, body: Body, context: AsyncBoltContext) -> None:
    """Slack gave a channel another id, as when it is shared: all that names it moves along."""
    workspace_id, event = str(context.team_id), body["event"]
    old, new = event["old_channel_id"], event["new_channel_id"]
    now = services.clock.now()
    async with services.db.transaction() as tx:
        if not await is_new(tx, workspace_id, body, now) or old == new:
            return
        drafts = schema.phase_drafts  # before the phases, as where a phase begins with its draft
        await tx.execute(
            update(drafts)
            .where(drafts.c.workspace_id == workspace_id, drafts.c.channel_id == old)
            .values(channel_id=new)
        )
        await _move_phases(tx, workspace_id, old, new, now)
        await _move_optouts(tx, workspace_id, old, new)
        await requeue.change_conversation(tx, workspace_id, conversation=old, to=new)
        log.info("channel_moved", workspace=workspace_id, channel=new)
        for phase in await store.affected_in(tx, workspace_id, new):
            await refresh.check_channel_soon(tx, workspace_id, phase.phase_id, now)


async def _end_with_channel(
    tx: AsyncConnection, workspace_id: str, phase_id: str, now: datetime
) -> None:
    phase = await store.lock(tx, workspace_id, phase_id)
    if phase is None:
        return
    phase = await pause.store_pause(
        tx, workspace_id, phase, at=phase.paused_at or now, because=PauseReason.DELETED
    )
    if phase.is_active:
        phase = await end.end_now(tx, workspace_id, phase, by=None, now=now)
        await _tell_of_deletion(tx, workspace_id, phase, now)
    await show_missed(tx, workspace_id, phase, now)  # to nobody: their comments are deleted
    # Nobody can be read there any more, so nobody can be asked two weeks later.
    await drop_rounds(tx, workspace_id, phase_id)


async def _tell_of_deletion(
    tx: AsyncConnection, workspace_id: str, phase: Phase, now: datetime
) -> None:
    ended = await summarize(tx, workspace_id, phase)
    goodbyes_on = working_day_after(ended.ended_on, end.WAIT_FOR_LINES)
    for lead in ended.phase.reachable_leads:
        await enqueue.post(
            tx,
            workspace_id,
            key=keys.wrap_up(phase.phase_id, lead.user_id),
            to=lead.user_id,
            content=words.channel_deleted(ended, goodbyes_on),
            now=within_hours(now, lead.zone or ended.phase.zone),
        )
    await goodbyes.schedule_goodbyes(tx, workspace_id, ended.phase, goodbyes_on, now)


async def _move_phases(
    tx: AsyncConnection, workspace_id: str, old: str, new: str, now: datetime
) -> None:
    """One phase runs in a channel: one begun under the new id, before we heard of it, stays."""
    there = await store.active_in(tx, workspace_id, new)
    here = await store.active_in(tx, workspace_id, old)
    if there is not None and here is not None:
        await _silence(tx, workspace_id, here.phase_id, now)
    phases = schema.phases
    await tx.execute(
        update(phases)
        .where(phases.c.workspace_id == workspace_id, phases.c.channel_id == old)
        .values(channel_id=new)
    )


async def _silence(tx: AsyncConnection, workspace_id: str, phase_id: str, now: datetime) -> None:
    """It ends, unless its date came a moment before, and says nothing in the channel."""
    held = await store.lock(tx, workspace_id, phase_id)
    if held is None or not held.is_active:
        return
    paused = await pause.store_pause(tx, workspace_id, held, at=now, because=PauseReason.UNSEEN)
    await end.end_now(tx, workspace_id, paused, by=None, now=now)


async def _move_optouts(tx: AsyncConnection, workspace_id: str, old: str, new: str) -> None:
    optouts = schema.channel_optouts
    mine = (optouts.c.workspace_id == workspace_id) & (optouts.c.channel_id == old)
    for user_id in list(await tx.scalars(select(optouts.c.user_id).where(mine))):
        await insert_if_new(tx, optouts, workspace_id=workspace_id, channel_id=new, user_id=user_id)
    await tx.execute(delete(optouts).where(mine))
