"""Slack refused a message for good: what the table says follows, carried out.

Delivery calls `refused` in the transaction that marks the message. There only a row of the agenda
is written, so that hardly anything is waited for and one failure stops no other message; the
agenda does the rest, once, and tries again where it fails.
"""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda import schedule
from bot.agenda.actions import ActionName, AgendaAction, PausedPhase, UnsaidMessage
from bot.agenda.schedule import AgendaItem, run_item
from bot.channel_health import messages as words
from bot.channel_health import pause
from bot.channel_health.failure_policy import (
    CLOSED,
    GONE,
    SCOPES,
    WORDS,
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
from bot.workspaces.token_health import token_refused

#: Kinds of messages for a member that hold a line of a lead.
TO_MEMBERS = (MessageKind.GOODBYE, MessageKind.LINE)
#: After these, who leads is told of what the team waits for.
UNSPOKEN = (FailureAction.UNSAID, FailureAction.NO_REPLY, FailureAction.DEFECT)


async def on_refused(tx: AsyncConnection, refusal: FailedMessage, now: datetime) -> None:
    """Note what follows from a refusal. Never calls Slack."""
    if refusal.meaning is ErrorKind.WORKSPACE:
        await token_refused(tx, refusal.workspace_id, refusal.reason, now)
        return
    what = action_for(
        Failure(
            reason=refusal.reason,
            operation=refusal.operation,
            to_person=_is_person(refusal.conversation),
        )
    )
    if what is FailureAction.DEFECT:
        malformed_messages.labels(refusal.operation).inc()
        log.error("refused_as_malformed", **_about(refusal))
    if what is FailureAction.WITHOUT:
        await _note_missing_scope(tx, refusal)
    for action, subject in await _to_do(tx, refusal, what):
        workspace_id = refusal.workspace_id
        await schedule.add(tx, workspace_id, action=action, subject=subject, due_at=now)


async def report_missing_announcement(services: Services, item: AgendaItem) -> None:
    """The announcement was deleted in Slack: edits stop, replies become messages of their own.

    It is not posted again by itself: who deleted it on purpose is not fought.
    """
    now = services.clock.now()
    async with run_item(services.db, item) as tx:
        phase = await store.load(tx, item.workspace_id, item.subject)
        if phase is None:
            return
        key = keys.announcement(item.subject)
        await requeue.mark_deleted(tx, item.workspace_id, key=key, reason="deleted in Slack")
        await enqueue.unbookmark(tx, item.workspace_id, of=key, now=now)
        await requeue.retry(
            tx,
            item.workspace_id,
            conversation=phase.channel_id,
            reasons=tuple(GONE),
            now=now,
            operations=(Operation.POST,),
        )
        if not phase.is_active:
            return
        said = words.missing(phase)
        for lead in phase.reachable_leads:
            told = keys.missing(item.subject, lead.user_id)
            await pause.send_or_edit(tx, item.workspace_id, phase, lead, told, said, now)


async def report_undelivered(services: Services, item: AgendaItem) -> None:
    """What the team waits for could not be said: its leads are told, once for each message."""
    about = UnsaidMessage.parse(item.subject)
    now = services.clock.now()
    async with run_item(services.db, item) as tx:
        refused = await requeue.refused(tx, item.workspace_id, about.message_id)
        if refused is None:
            return
        key, to = refused
        why = FailureAction(about.consequence)
        phase_id = await _phase_of(tx, item.workspace_id, key)
        phase = await store.load(tx, item.workspace_id, phase_id)
        if phase is None:
            return
        if key.kind in WORDS and _is_person(to):
            await _tell_of_words(tx, item.workspace_id, phase, key, to, why, now)
            return
        nowhere = key == keys.announcement(phase_id) and phase.is_active
        said = words.not_said(phase, key.kind, why, post_again=nowhere)
        tell = pause.send_or_edit if nowhere else pause.send_once  # refused anew, told anew
        for lead in phase.reachable_leads:
            told = keys.not_said(key, lead.user_id)
            await tell(tx, item.workspace_id, phase, lead, told, said, now)


ACTIONS = (
    AgendaAction(name=ActionName.PAUSE_PHASE, run=pause.pause_phase),
    AgendaAction(name=ActionName.LOOK_AT_CHANNEL, run=pause.check_channel),
    AgendaAction(name=ActionName.TELL_OF_MISSING, run=report_missing_announcement),
    AgendaAction(name=ActionName.TELL_OF_UNSAID, run=report_undelivered),
)


async def _tell_of_words(
    tx: AsyncConnection,
    workspace_id: str,
    phase: Phase,
    key: MessageKey,
    to: str,
    why: FailureAction,
    now: datetime,
) -> None:
    """What people wrote did not reach `to`. It stays in the outbox; who should know is told.

    Of what a member was to read those who lead are told; of what a lead was to read, that lead.
    Where the lead cannot be written to, co-leads have had the same; without any, admins are told.
    """
    reader = next((one for one in phase.people if one.user_id == to), None)
    if key.kind in TO_MEMBERS:
        told = phase.reachable_leads if reader and reader.thanks_line else ()
    elif reader and reader.is_reachable and why is not FailureAction.DROP_PERSON:
        told = (reader,)
    else:
        told = ()
        if not [one for one in phase.reachable_leads if one.user_id != to]:
            action, phase_id = ActionName.TELL_ADMINS, phase.phase_id
            await schedule.add(tx, workspace_id, action=action, subject=phase_id, due_at=now)
    said = words.undelivered(phase, key.kind, why, reader.name if reader else to)
    for lead in told:
        told_key = keys.not_said(key, lead.user_id)
        await pause.send_once(tx, workspace_id, phase, lead, told_key, said, now)


async def _to_do(
    tx: AsyncConnection, refusal: FailedMessage, what: FailureAction
) -> list[tuple[ActionName, str]]:
    """The agenda's actions and their subjects."""
    found: list[tuple[ActionName, str]] = []
    if what is FailureAction.DROP_PERSON:
        found.append((ActionName.DROP_PERSON, refusal.conversation))
    if _is_told_of(refusal, what):
        found.append((ActionName.TELL_OF_UNSAID, str(UnsaidMessage(refusal.message_id, what))))
    if what is FailureAction.MISSING:
        phase_id = await _phase_of(tx, refusal.workspace_id, refusal.key)
        found.append((ActionName.TELL_OF_MISSING, phase_id))
    if what is FailureAction.PAUSE:
        phase = await store.latest_in(tx, refusal.workspace_id, refusal.conversation)
        why = CLOSED[refusal.reason]
        if phase is not None and phase.paused_because != why:
            found.append((ActionName.PAUSE_PHASE, str(PausedPhase(phase.phase_id, why))))
    return found


def _is_told_of(refusal: FailedMessage, what: FailureAction) -> bool:
    """Whether somebody waits for this message, or wrote what is in it."""
    kind, posted = refusal.key.kind, refusal.operation is Operation.POST
    unspoken = what in UNSPOKEN or (what is FailureAction.WITHOUT and posted)
    if posted and kind in WORDS and _is_person(refusal.conversation):
        if not (unspoken or what is FailureAction.DROP_PERSON):
            return False
        log.warning("words_not_delivered", kind=kind, **_about(refusal))
        return True
    return unspoken and kind in words.AWAITED


def _is_person(conversation: str) -> bool:
    return conversation.startswith(("U", "W"))


async def _phase_of(tx: AsyncConnection, workspace_id: str, key: MessageKey) -> str:
    """The phase that a message is about; its key names the phase, or a round of it."""
    found = await round_of(tx, workspace_id, key.round_id) if key.round_id else None
    return found.phase_id if found else key.phase_id or ""


async def _note_missing_scope(tx: AsyncConnection, refusal: FailedMessage) -> None:
    """Once for each thing that is not granted, not for each message that needs it."""
    noted = await requeue.others_refused(
        tx,
        refusal.workspace_id,
        but=refusal.message_id,
        operation=refusal.operation,
        reason=refusal.reason,
    )
    if not noted:
        log.warning("not_granted", needs=SCOPES[refusal.operation], **_about(refusal))


def _about(refusal: FailedMessage) -> dict[str, str]:
    return {
        **refusal.key.log_fields,
        "workspace": refusal.workspace_id,
        "message": refusal.message_id,
        "reason": refusal.reason,
    }
