"""Pause a phase while the bot cannot post in its channel, and resume it afterwards."""

from dataclasses import replace
from datetime import datetime

from slack_sdk.errors import SlackApiError
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda.actions import PausedPhase
from bot.agenda.schedule import AgendaItem, complete_or_abort
from bot.agenda.slots import within_hours
from bot.announcement import messages, refresh
from bot.channel_health import messages as words
from bot.channel_health.failure_policy import PAUSE_REASONS
from bot.db import schema
from bot.ending import end
from bot.log import log
from bot.outbox import enqueue, keys, requeue
from bot.outbox.enqueue import Operation
from bot.outbox.keys import MessageKey
from bot.phases import store
from bot.phases.model import Participant, PauseReason, Phase
from bot.phases.permissions import actor_of, lock_to_manage
from bot.phases.wording import EMOJI_NAMES, bookmark_title
from bot.results.lifecycle import schedule_missed_results
from bot.services import Services
from bot.slack.content import Content
from bot.slack.conversations import Channel, fetch_channel
from bot.slack.errors import ErrorKind, Refused, classify, reason_of
from bot.slack.request import Request


async def pause_phase(services: Services, item: AgendaItem) -> None:
    """Pause a phase after Slack has refused a message in its channel."""
    target = PausedPhase.parse(item.subject)
    async with services.db.transaction() as tx:
        await store.lock(tx, item.workspace_id, target.phase_id)
        await complete_or_abort(tx, item)
        why, now = PauseReason(target.because), services.clock.now()
        await pause(tx, item.workspace_id, target.phase_id, why, now)


async def check_channel(services: Services, item: AgendaItem) -> None:
    """Read the channel from Slack, and pause or resume the phase accordingly.

    Only the current state counts, not the order or number of the events that led to it.
    """
    async with services.db.reading() as reader:
        phase = await store.load(reader, item.workspace_id, item.subject)
    looked = phase is not None and phase.pause_reason != PauseReason.DELETED
    reason = await _pause_reason(services, item.workspace_id, phase) if phase and looked else None
    now = services.clock.now()
    async with services.db.transaction() as tx:
        phase = await store.lock(tx, item.workspace_id, item.subject)
        await complete_or_abort(tx, item)
        if phase is None or not looked:
            return
        if reason is not None:
            await pause(tx, item.workspace_id, phase.phase_id, reason, now)
        elif phase.pause_reason != PauseReason.RESTRICTED:  # which a check cannot see
            await resume(tx, item.workspace_id, phase.phase_id, now)


async def try_again(services: Services, request: Request) -> None:
    """Resume a phase after somebody has fixed the cause; if Slack refuses again, it pauses again.

    Raises:
        Refused: the person is not a lead or admin, or the phase is not paused.
    """
    actor = await actor_of(services, request)
    async with services.db.transaction() as tx:
        phase = await lock_to_manage(tx, request, actor)
        if not phase.is_paused or not phase.is_active:
            raise Refused(words.NOT_PAUSED if phase.is_active else words.NOT_POSTED_AS_ENDED)
        await resume(tx, request.workspace_id, request.target_id, services.clock.now())


async def post_again(services: Services, request: Request) -> None:
    """Post the announcement again after it was deleted by mistake, or was refused.

    Raises:
        Refused: the person is not a lead or admin, or the phase has ended.
    """
    actor = await actor_of(services, request)
    now = services.clock.now()
    async with services.db.transaction() as tx:
        phase = await lock_to_manage(tx, request, actor)
        if not phase.is_active:
            raise Refused(words.NOT_POSTED_AS_ENDED)
        if not await requeue.may_be_delivered(
            tx, request.workspace_id, keys.announcement(request.target_id)
        ):
            await repost_announcement(tx, request.workspace_id, phase, now)
        await update_missing_notices(tx, request.workspace_id, phase, now)


async def pause(
    tx: AsyncConnection, workspace_id: str, phase_id: str, why: PauseReason, now: datetime
) -> None:
    """Stop channel messages and new rounds until the bot can post again; tell the leads once.

    Open rounds close as planned, and the end of the phase does not change.
    """
    phase = await store.lock(tx, workspace_id, phase_id)
    if phase is None or phase.pause_reason in (why, PauseReason.DELETED):
        return
    phase = await store_pause(tx, workspace_id, phase, at=phase.paused_at or now, because=why)
    log.warning("phase_paused", workspace=workspace_id, phase=phase_id, because=why)
    if not phase.is_active:
        return
    for lead in phase.reachable_leads:
        key = _paused_key(phase, lead.user_id)
        await send_or_edit(tx, workspace_id, phase, lead, key, words.paused(phase), now)


async def resume(tx: AsyncConnection, workspace_id: str, phase_id: str, now: datetime) -> None:
    """Resume a phase once its channel is usable, and catch up, once, on what was missed.

    If the phase has ended meanwhile, only its announcement is updated, without a message.
    """
    before = await store.lock(tx, workspace_id, phase_id)
    if before is None or not before.is_paused:
        return
    phase = await store_pause(tx, workspace_id, before, at=None, because=None)
    log.info("phase_resumed", workspace=workspace_id, phase=phase_id)
    announcement = keys.announcement(phase_id)
    if before.is_active and await requeue.has_failed(tx, workspace_id, announcement):
        await repost_announcement(tx, workspace_id, phase, now)
    await requeue.retry_failed(
        tx, workspace_id, conversation=before.channel_id, reasons=tuple(PAUSE_REASONS), now=now
    )
    await schedule_missed_results(tx, workspace_id, phase, now)
    if not before.is_active:
        await end.retire_announcement(tx, workspace_id, phase, now)
        return
    await refresh.edit_announcement(tx, workspace_id, phase, now)
    await _notify_resumed(tx, workspace_id, phase, before, now)


async def repost_announcement(
    tx: AsyncConnection, workspace_id: str, phase: Phase, now: datetime
) -> None:
    """Post the announcement as a new message, with its pin and bookmark."""
    key = keys.announcement(phase.phase_id)
    content = messages.announcement(phase, phase.day_of(now))
    await requeue.repost(tx, workspace_id, key=key, content=content, now=now)
    mark = {"title": bookmark_title(phase), "emoji": EMOJI_NAMES[phase.kind]}
    for operation, payload in ((Operation.PIN, {}), (Operation.BOOKMARK, mark)):
        await requeue.repin(tx, workspace_id, operation, of=key, payload=payload, now=now)
    await requeue.remove(tx, workspace_id, key=keys.unbookmark_of(key))


async def update_missing_notices(
    tx: AsyncConnection, workspace_id: str, phase: Phase, now: datetime
) -> None:
    """Edit the leads' notices that the announcement is missing; remove those not yet delivered."""
    content = words.posted_again(phase)
    phase_id = phase.phase_id
    for lead in phase.leads:
        for key in (
            keys.announcement_missing(phase_id, lead.user_id),
            keys.not_delivered(keys.announcement(phase_id), lead.user_id),
        ):
            if await requeue.may_be_delivered(tx, workspace_id, key):
                await enqueue.edit(tx, workspace_id, of=key, content=content, now=now)
            else:
                await requeue.remove(tx, workspace_id, key=key)


async def store_pause(
    tx: AsyncConnection,
    workspace_id: str,
    phase: Phase,
    *,
    at: datetime | None,
    because: PauseReason | None,
) -> Phase:
    """Store whether, since when and why a phase is paused; return the updated phase."""
    phases = schema.phases
    await tx.execute(
        update(phases)
        .where(phases.c.workspace_id == workspace_id, phases.c.phase_id == phase.phase_id)
        .values(paused_at=at, pause_reason=because)
    )
    return replace(phase, paused_at=at, pause_reason=because)


async def send_or_edit(
    tx: AsyncConnection,
    workspace_id: str,
    phase: Phase,
    lead: Participant,
    key: MessageKey,
    content: Content,
    now: datetime,
) -> None:
    """Send a lead a direct message in their working hours, or edit the one under this key."""
    if await requeue.exists(tx, workspace_id, key):
        await enqueue.edit(tx, workspace_id, of=key, content=content, now=now)
    else:
        await send_once(tx, workspace_id, phase, lead, key, content, now)


async def send_once(
    tx: AsyncConnection,
    workspace_id: str,
    phase: Phase,
    lead: Participant,
    key: MessageKey,
    content: Content,
    now: datetime,
) -> None:
    """Send a lead a direct message in their working hours, unless one under this key exists."""
    at = within_hours(now, lead.zone or phase.zone, phase.calendar)
    await enqueue.post(tx, workspace_id, key=key, to=lead.user_id, content=content, now=at)


def _paused_key(phase: Phase, user_id: str) -> MessageKey:
    assert phase.paused_at is not None
    return keys.paused(phase.phase_id, phase.paused_at, user_id)


async def _notify_resumed(
    tx: AsyncConnection, workspace_id: str, phase: Phase, before: Phase, now: datetime
) -> None:
    """Edit the leads' notices of the pause; cancel those not yet delivered."""
    for lead in phase.reachable_leads:
        key = _paused_key(before, lead.user_id)
        if await requeue.may_be_delivered(tx, workspace_id, key):
            content = words.resumed(phase)
            await enqueue.edit(tx, workspace_id, of=key, content=content, now=now)
        else:
            await enqueue.cancel(tx, workspace_id, keys=[key])


async def _pause_reason(services: Services, workspace_id: str, phase: Phase) -> PauseReason | None:
    """Return what keeps the bot from the channel, or None if Slack shows no obstacle.

    If Slack refuses to say, the last known reason stands.
    """
    client = services.client_for(workspace_id)
    try:
        channel = await fetch_channel(services.reads, client, workspace_id, phase.channel_id)
        reason = _closed_reason(channel)
        if reason is PauseReason.BOT_REMOVED and phase.pause_reason == PauseReason.ARCHIVED:
            await client.conversations_join(channel=phase.channel_id)
            return None  # not removed by a person: archiving removes apps from a channel
        return reason
    except SlackApiError as error:
        if classify(error).kind is not ErrorKind.PERMANENT:
            raise
        log.warning("channel_not_read", workspace=workspace_id, reason=reason_of(error))
        return PauseReason(phase.pause_reason) if phase.pause_reason else None


def _closed_reason(channel: Channel | None) -> PauseReason | None:
    if channel is None:
        return PauseReason.NOT_VISIBLE
    if channel.is_archived:
        return PauseReason.ARCHIVED
    return None if channel.is_member else PauseReason.BOT_REMOVED
