"""Consequences of a message that Slack refused for good, as listed in `failure_policy`.

Delivery calls `on_refused` in the transaction that marks the message. That only writes agenda
items, so delivery hardly waits and one failure holds up no other message. The agenda then carries
each one out once, retrying it if it fails.
"""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda import schedule
from bot.agenda.actions import ActionName, AgendaAction, PausedPhase, UndeliveredMessage
from bot.agenda.schedule import AgendaItem, run_item
from bot.channel_health import messages as words
from bot.channel_health import pause
from bot.channel_health.failure_policy import (
    PAUSE_REASONS,
    PERSONAL_KINDS,
    SCOPES,
    TARGET_MISSING,
    Failure,
    FailureAction,
    action_for,
)
from bot.log import log
from bot.metrics import malformed_messages
from bot.outbox import enqueue, keys, requeue
from bot.outbox.enqueue import Operation
from bot.outbox.failed_message import FailedMessage
from bot.outbox.keys import MessageKey, MessageKind
from bot.phases import store
from bot.phases.model import Phase
from bot.rounds.store import round_of
from bot.services import Services
from bot.slack.errors import ErrorKind
from bot.slack.ids import is_person
from bot.workspaces.token_health import token_refused

#: Kinds of messages to a member that may contain a personal line from a lead.
TO_MEMBERS = (MessageKind.GOODBYE, MessageKind.LATE_THANKS)
#: After these, the leads are told about a message that the team is waiting for.
REPORTED_ACTIONS = (FailureAction.REPORT, FailureAction.NO_REPLY, FailureAction.MALFORMED)


async def on_refused(tx: AsyncConnection, refusal: FailedMessage, now: datetime) -> None:
    """Schedule the consequences of a refusal. Never calls Slack."""
    if refusal.error_kind is ErrorKind.WORKSPACE:
        await token_refused(tx, refusal.workspace_id, refusal.reason, now)
        return
    consequence = action_for(
        Failure(
            reason=refusal.reason,
            operation=refusal.operation,
            to_person=is_person(refusal.conversation),
        )
    )
    if consequence is FailureAction.MALFORMED:
        malformed_messages.labels(refusal.operation).inc()
        log.error("refused_as_malformed", **_log_fields(refusal))
    if consequence is FailureAction.MISSING_PERMISSION:
        await _note_missing_scope(tx, refusal)
    for action, subject in await _consequences(tx, refusal, consequence):
        workspace_id = refusal.workspace_id
        await schedule.add(tx, workspace_id, action=action, subject=subject, due_at=now)


async def report_missing_announcement(services: Services, item: AgendaItem) -> None:
    """Handle an announcement that was deleted in Slack: stop edits, post replies as messages.

    It is not posted again automatically, because it may have been deleted on purpose.
    """
    now = services.clock.now()
    async with run_item(services.db, item) as tx:
        phase = await store.load(tx, item.workspace_id, item.subject)
        if phase is None:
            return
        key = keys.announcement(item.subject)
        await requeue.mark_deleted(tx, item.workspace_id, key=key, reason="deleted in Slack")
        await enqueue.unbookmark(tx, item.workspace_id, of=key, now=now)
        await requeue.retry_failed(
            tx,
            item.workspace_id,
            conversation=phase.channel_id,
            reasons=tuple(TARGET_MISSING),
            now=now,
            operations=(Operation.POST,),
        )
        if not phase.is_active:
            return
        content = words.missing(phase)
        for lead in phase.reachable_leads:
            notice_key = keys.announcement_missing(item.subject, lead.user_id)
            await pause.send_or_edit(tx, item.workspace_id, phase, lead, notice_key, content, now)


async def report_undelivered(services: Services, item: AgendaItem) -> None:
    """Tell the leads, once per message, that a message the team is waiting for was refused."""
    unsaid = UndeliveredMessage.parse(item.subject)
    now = services.clock.now()
    async with run_item(services.db, item) as tx:
        refused = await requeue.failed_message(tx, item.workspace_id, unsaid.message_id)
        if refused is None:
            return
        key, to = refused
        consequence = FailureAction(unsaid.consequence)
        phase_id = await _phase_of(tx, item.workspace_id, key)
        phase = await store.load(tx, item.workspace_id, phase_id)
        if phase is None:
            return
        if key.kind in PERSONAL_KINDS and is_person(to):
            await _report_lost_words(tx, item.workspace_id, phase, key, to, consequence, now)
            return
        repostable = key == keys.announcement(phase_id) and phase.is_active
        content = words.not_posted(phase, key.kind, consequence, post_again=repostable)
        # A reposted announcement may be refused again, and is then reported again.
        notify = pause.send_or_edit if repostable else pause.send_once
        for lead in phase.reachable_leads:
            notice_key = keys.not_delivered(key, lead.user_id)
            await notify(tx, item.workspace_id, phase, lead, notice_key, content, now)


ACTIONS = (
    AgendaAction(name=ActionName.PAUSE_PHASE, run=pause.pause_phase),
    AgendaAction(name=ActionName.CHECK_CHANNEL, run=pause.check_channel),
    AgendaAction(name=ActionName.REPORT_MISSING_ANNOUNCEMENT, run=report_missing_announcement),
    AgendaAction(name=ActionName.REPORT_UNDELIVERED, run=report_undelivered),
)


async def _report_lost_words(
    tx: AsyncConnection,
    workspace_id: str,
    phase: Phase,
    key: MessageKey,
    to: str,
    consequence: FailureAction,
    now: datetime,
) -> None:
    """Report that something people wrote did not reach `to`. It stays in the outbox.

    If it was for a member, the leads are told; if it was for a lead, that lead is. If that lead
    cannot be written to, their co-leads have received the same; if there are none, admins are told.
    """
    reader = next((person for person in phase.people if person.user_id == to), None)
    if key.kind in TO_MEMBERS:
        recipients = phase.reachable_leads if reader and reader.thanks_line else ()
    elif reader and reader.is_reachable and consequence is not FailureAction.DROP_PERSON:
        recipients = (reader,)
    else:
        recipients = ()
        if not [person for person in phase.reachable_leads if person.user_id != to]:
            action, phase_id = ActionName.TELL_ADMINS, phase.phase_id
            await schedule.add(tx, workspace_id, action=action, subject=phase_id, due_at=now)
    content = words.undelivered(phase, key.kind, consequence, reader.name if reader else to)
    for lead in recipients:
        notice_key = keys.not_delivered(key, lead.user_id)
        await pause.send_once(tx, workspace_id, phase, lead, notice_key, content, now)


async def _consequences(
    tx: AsyncConnection, refusal: FailedMessage, consequence: FailureAction
) -> list[tuple[ActionName, str]]:
    """Return the agenda actions to schedule, with their subjects."""
    items: list[tuple[ActionName, str]] = []
    if consequence is FailureAction.DROP_PERSON:
        items.append((ActionName.DROP_PERSON, refusal.conversation))
    if _is_reported(refusal, consequence):
        items.append(
            (
                ActionName.REPORT_UNDELIVERED,
                str(UndeliveredMessage(refusal.message_id, consequence)),
            )
        )
    if consequence is FailureAction.MISSING:
        phase_id = await _phase_of(tx, refusal.workspace_id, refusal.key)
        items.append((ActionName.REPORT_MISSING_ANNOUNCEMENT, phase_id))
    if consequence is FailureAction.PAUSE:
        phase = await store.latest_in(tx, refusal.workspace_id, refusal.conversation)
        reason = PAUSE_REASONS[refusal.reason]
        if phase is not None and phase.pause_reason != reason:
            items.append((ActionName.PAUSE_PHASE, str(PausedPhase(phase.phase_id, reason))))
    return items


def _is_reported(refusal: FailedMessage, consequence: FailureAction) -> bool:
    """Return whether somebody is waiting for this message, or wrote part of it."""
    kind, posted = refusal.key.kind, refusal.operation is Operation.POST
    unspoken = consequence in REPORTED_ACTIONS or (
        consequence is FailureAction.MISSING_PERMISSION and posted
    )
    if posted and kind in PERSONAL_KINDS and is_person(refusal.conversation):
        if not (unspoken or consequence is FailureAction.DROP_PERSON):
            return False
        log.warning("personal_message_not_delivered", kind=kind, **_log_fields(refusal))
        return True
    return unspoken and kind in words.AWAITED


async def _phase_of(tx: AsyncConnection, workspace_id: str, key: MessageKey) -> str:
    """Return the id of the phase a message is about; its key names the phase or a round of it."""
    round_ = await round_of(tx, workspace_id, key.round_id) if key.round_id else None
    return round_.phase_id if round_ else key.phase_id or ""


async def _note_missing_scope(tx: AsyncConnection, refusal: FailedMessage) -> None:
    """Log a missing permission once, not for each message that needs it."""
    noted = await requeue.another_failed_alike(
        tx,
        refusal.workspace_id,
        other_than=refusal.message_id,
        operation=refusal.operation,
        reason=refusal.reason,
    )
    if not noted:
        log.warning("missing_permission", needs=SCOPES[refusal.operation], **_log_fields(refusal))


def _log_fields(refusal: FailedMessage) -> dict[str, str]:
    return {
        **refusal.key.log_fields,
        "workspace": refusal.workspace_id,
        "message": refusal.message_id,
        "reason": refusal.reason,
    }
