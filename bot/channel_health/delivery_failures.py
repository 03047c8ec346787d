"""Slack refused a message for good: what the table says follows, carried out.

Delivery calls `refused` in the transaction that marks the message. There only a row of the agenda
is written, so that hardly anything is waited for and one failure stops no other message; the
agenda does the rest, once, and tries again where it fails.
"""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda import agenda
from bot.agenda.actions import AgendaAction
from bot.agenda.agenda import Item, carrying_out
from bot.announcement import refresh
from bot.channel_health import messages as words
from bot.channel_health import pause, unreachable_people
from bot.channel_health.failure_policy import (
    CLOSED,
    GONE,
    SCOPES,
    WORDS,
    Consequence,
    Refused,
    consequence_of,
)
from bot.log import log
from bot.metrics import defects
from bot.outbox import outbox, requeue
from bot.outbox.admin_queries import what_it_is_about
from bot.outbox.outbox import Operation
from bot.outbox.refusal import Refusal
from bot.phases import store
from bot.phases.model import Phase
from bot.rounds.opening import LOOK
from bot.rounds.store import round_of
from bot.services import Services
from bot.slack.errors import Meaning
from bot.workspaces.token_health import token_refused

MISSING, UNSAID = "tell_of_missing", "tell_of_unsaid"
#: Kinds of messages whose keys name a round.
ABOUT_ROUNDS = ("results", "ask", "comments", "lead_results")
#: Kinds of messages for a member that hold a line of a lead.
TO_MEMBERS = ("goodbye", "line")
#: After these, who leads is told of what the team waits for.
UNSPOKEN = (Consequence.UNSAID, Consequence.NO_REPLY, Consequence.DEFECT)


async def refused(tx: AsyncConnection, refusal: Refusal, now: datetime) -> None:
    """Note what follows from a refusal. Never calls Slack."""
    if refusal.meaning is Meaning.WORKSPACE:
        await token_refused(tx, refusal.workspace_id, refusal.reason, now)
        return
    what = consequence_of(
        Refused(
            reason=refusal.reason,
            operation=refusal.operation,
            to_person=_is_person(refusal.conversation),
        )
    )
    if what is Consequence.DEFECT:
        defects.labels(refusal.operation).inc()
        log.error("refused_as_malformed", **_about(refusal))
    if what is Consequence.WITHOUT:
        await _note_missing_scope(tx, refusal)
    for action, subject in await _to_do(tx, refusal, what):
        workspace_id = refusal.workspace_id
        await agenda.put(tx, workspace_id, action=action, subject=subject, due_at=now)


async def tell_of_missing(services: Services, item: Item) -> None:
    """The announcement was deleted in Slack: edits stop, replies become messages of their own.

    It is not posted again by itself: who deleted it on purpose is not fought.
    """
    now = services.clock.now()
    async with carrying_out(services.db, item) as tx:
        phase = await store.load(tx, item.workspace_id, item.subject)
        if phase is None:
            return
        key = refresh.announcement_key(item.subject)
        await requeue.forget_place(tx, item.workspace_id, key=key, reason="deleted in Slack")
        await outbox.unbookmark(tx, item.workspace_id, of=key, now=now)
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
            told = pause.missing_key(item.subject, lead.user_id)
            await pause.say_or_edit(tx, item.workspace_id, phase, lead, told, said, now)


async def tell_of_unsaid(services: Services, item: Item) -> None:
    """What the team waits for could not be said: its leads are told, once for each message."""
    message_id, what = item.subject.split(":")
    now = services.clock.now()
    async with carrying_out(services.db, item) as tx:
        refused = await requeue.refused(tx, item.workspace_id, message_id)
        if refused is None:
            return
        key, to = refused
        kind, subject = _named(key)
        phase_id = await _phase_of(tx, item.workspace_id, key)
        phase = await store.load(tx, item.workspace_id, phase_id)
        if phase is None:
            return
        if kind in WORDS and _is_person(to):
            await _tell_of_words(tx, item.workspace_id, phase, key, to, Consequence(what), now)
            return
        nowhere = key == refresh.announcement_key(phase_id) and phase.is_active
        said = words.not_said(phase, kind, Consequence(what), post_again=nowhere)
        tell = pause.say_or_edit if nowhere else pause.say_once  # refused anew, told anew
        for lead in phase.reachable_leads:
            told = pause.not_said_key(kind, subject, lead.user_id)
            await tell(tx, item.workspace_id, phase, lead, told, said, now)


ACTIONS = (
    AgendaAction(name=pause.PAUSE, run=pause.pause_phase),
    AgendaAction(name=LOOK, run=pause.look_at_channel),
    AgendaAction(name=MISSING, run=tell_of_missing),
    AgendaAction(name=UNSAID, run=tell_of_unsaid),
)


async def _tell_of_words(
    tx: AsyncConnection,
    workspace_id: str,
    phase: Phase,
    key: str,
    to: str,
    why: Consequence,
    now: datetime,
) -> None:
    """What people wrote did not reach `to`. It stays in the outbox; who should know is told.

    Of what a member was to read those who lead are told; of what a lead was to read, that lead.
    Where the lead cannot be written to, co-leads have had the same; without any, admins are told.
    """
    kind, *about = key.split(":")
    reader = next((one for one in phase.people if one.user_id == to), None)
    if kind in TO_MEMBERS:
        told = phase.reachable_leads if reader and reader.thanks_line else ()
    elif reader and reader.is_reachable and why is not Consequence.DROP_PERSON:
        told = (reader,)
    else:
        told = ()
        if not [one for one in phase.reachable_leads if one.user_id != to]:
            action, phase_id = unreachable_people.TELL_ADMINS, phase.phase_id
            await agenda.put(tx, workspace_id, action=action, subject=phase_id, due_at=now)
    said = words.undelivered(phase, kind, why, reader.name if reader else to)
    subject = about[0] if kind in ABOUT_ROUNDS else ":".join(about[:2])
    for lead in told:
        told_key = pause.not_said_key(kind, subject, lead.user_id)
        await pause.say_once(tx, workspace_id, phase, lead, told_key, said, now)


async def _to_do(tx: AsyncConnection, refusal: Refusal, what: Consequence) -> list[tuple[str, str]]:
    """The agenda's actions and their subjects."""
    found: list[tuple[str, str]] = []
    if what is Consequence.DROP_PERSON:
        found.append((unreachable_people.DROP, refusal.conversation))
    if _is_told_of(refusal, what):
        found.append((UNSAID, f"{refusal.message_id}:{what}"))
    if what is Consequence.MISSING:
        found.append((MISSING, await _phase_of(tx, refusal.workspace_id, refusal.key)))
    if what is Consequence.PAUSE:
        phase = await store.latest_in(tx, refusal.workspace_id, refusal.conversation)
        why = CLOSED[refusal.reason]
        if phase is not None and phase.paused_because != why:
            found.append((pause.PAUSE, f"{phase.phase_id}:{why}"))
    return found


def _is_told_of(refusal: Refusal, what: Consequence) -> bool:
    """Whether somebody waits for this message, or wrote what is in it."""
    kind, posted = _named(refusal.key)[0], refusal.operation is Operation.POST
    unspoken = what in UNSPOKEN or (what is Consequence.WITHOUT and posted)
    if posted and kind in WORDS and _is_person(refusal.conversation):
        if not (unspoken or what is Consequence.DROP_PERSON):
            return False
        log.warning("words_not_delivered", kind=kind, **_about(refusal))
        return True
    return unspoken and kind in words.AWAITED


def _is_person(conversation: str) -> bool:
    return conversation.startswith(("U", "W"))


async def _phase_of(tx: AsyncConnection, workspace_id: str, key: str) -> str:
    """The phase that a message is about; its key names the phase, or a round of it."""
    kind, subject = _named(key)
    found = await round_of(tx, workspace_id, subject) if kind in ABOUT_ROUNDS else None
    return found.phase_id if found else subject


async def _note_missing_scope(tx: AsyncConnection, refusal: Refusal) -> None:
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


def _named(key: str) -> tuple[str, str]:
    """What kind of message a key names, and whose; an edit or a pin is of the same kind."""
    kind, subject = what_it_is_about(key).split(":")[:2]
    return kind, subject


def _about(refusal: Refusal) -> dict[str, str]:
    return {
        "workspace": refusal.workspace_id,
        "message": refusal.message_id,
        "key": refusal.key,
        "reason": refusal.reason,
    }
