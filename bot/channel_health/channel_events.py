"""Channel events: archived, deleted, left or joined by the bot, given another id.

Slack repeats events and may send them out of order. An event about a reversible change therefore
only triggers a check of the channel in Slack; an irreversible one is acted on at once.
"""

from datetime import datetime
from functools import partial
from typing import Any

from slack_bolt.async_app import AsyncApp, AsyncBoltContext
from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda.slots import within_hours
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
from bot.results.lifecycle import schedule_missed_results
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
    """Schedule a check of a channel after it, or the bot's membership in it, has changed."""
    workspace_id = str(context.team_id)
    now = services.clock.now()
    async with services.db.transaction() as tx:
        if not await is_new(tx, workspace_id, body, now):
            return
        for phase in await store.active_or_paused_in(tx, workspace_id, body["event"]["channel"]):
            await refresh.check_channel_soon(tx, workspace_id, phase.phase_id, now)


async def on_channel_deleted(services: Services, body: Body, context: AsyncBoltContext) -> None:
    """End the phase with its channel: set-aside work resumes, and members get their goodbye."""
    workspace_id = str(context.team_id)
    now = services.clock.now()
    async with services.db.transaction() as tx:
        if not await is_new(tx, workspace_id, body, now):
            return
        channel_id = body["event"]["channel"]
        affected = await store.active_or_paused_in(tx, workspace_id, channel_id)
        # The latest phase may have ended, with rounds still to come.
        latest = await store.latest_in(tx, workspace_id, channel_id)
        for phase_id in sorted(
            {phase.phase_id for phase in (*affected, latest) if phase is not None}
        ):
            await _end_with_channel(tx, workspace_id, phase_id, now)


async def on_channel_id_changed(services: Services, body: Body, context: AsyncBoltContext) -> None:
    """Move everything to the new id that Slack gave a channel, for example when it is shared."""
    workspace_id, event = str(context.team_id), body["event"]
    old, new = event["old_channel_id"], event["new_channel_id"]
    now = services.clock.now()
    async with services.db.transaction() as tx:
        if not await is_new(tx, workspace_id, body, now) or old == new:
            return
        # Drafts are locked before phases, in the same order as when a phase starts.
        drafts = schema.phase_drafts
        await tx.execute(
            update(drafts)
            .where(drafts.c.workspace_id == workspace_id, drafts.c.channel_id == old)
            .values(channel_id=new)
        )
        await _move_phases(tx, workspace_id, old, new, now)
        await _move_optouts(tx, workspace_id, old, new)
        await requeue.change_conversation(tx, workspace_id, conversation=old, to=new)
        log.info("channel_id_changed", workspace=workspace_id, channel=new)
        for phase in await store.active_or_paused_in(tx, workspace_id, new):
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
        await _notify_leads(tx, workspace_id, phase, now)
    await schedule_missed_results(
        tx, workspace_id, phase, now
    )  # shown to nobody; deletes the comments
    # The members of a deleted channel cannot be read, so no later rounds are possible.
    await drop_rounds(tx, workspace_id, phase_id)


async def _notify_leads(
    tx: AsyncConnection, workspace_id: str, phase: Phase, now: datetime
) -> None:
    ended = await summarize(tx, workspace_id, phase)
    goodbyes_on = end.goodbyes_on(ended)
    for lead in ended.phase.reachable_leads:
        await enqueue.post(
            tx,
            workspace_id,
            key=keys.wrap_up(phase.phase_id, lead.user_id),
            to=lead.user_id,
            content=words.channel_deleted(ended, goodbyes_on),
            now=within_hours(now, lead.zone or ended.phase.zone, ended.phase.calendar),
        )
    await goodbyes.schedule_goodbyes(tx, workspace_id, ended.phase, goodbyes_on, now)


async def _move_phases(
    tx: AsyncConnection, workspace_id: str, old: str, new: str, now: datetime
) -> None:
    """Move the phases of a channel to its new id.

    A channel has one running phase: if one was started under the new id before this event arrived,
    it stays and the other one ends.
    """
    already_there = await store.active_in(tx, workspace_id, new)
    to_move = await store.active_in(tx, workspace_id, old)
    if already_there is not None and to_move is not None:
        await _end_silently(tx, workspace_id, to_move.phase_id, now)
    phases = schema.phases
    await tx.execute(
        update(phases)
        .where(phases.c.workspace_id == workspace_id, phases.c.channel_id == old)
        .values(channel_id=new)
    )


async def _end_silently(
    tx: AsyncConnection, workspace_id: str, phase_id: str, now: datetime
) -> None:
    """End the phase, unless it has ended meanwhile, without a message in the channel."""
    phase = await store.lock(tx, workspace_id, phase_id)
    if phase is None or not phase.is_active:
        return
    paused = await pause.store_pause(
        tx, workspace_id, phase, at=now, because=PauseReason.NOT_VISIBLE
    )
    await end.end_now(tx, workspace_id, paused, by=None, now=now)


async def _move_optouts(tx: AsyncConnection, workspace_id: str, old: str, new: str) -> None:
    optouts = schema.channel_optouts
    of_channel = (optouts.c.workspace_id == workspace_id) & (optouts.c.channel_id == old)
    for user_id in list(await tx.scalars(select(optouts.c.user_id).where(of_channel))):
        await insert_if_new(tx, optouts, workspace_id=workspace_id, channel_id=new, user_id=user_id)
    await tx.execute(delete(optouts).where(of_channel))
