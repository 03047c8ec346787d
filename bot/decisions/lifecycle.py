"""Asking the leads of a running phase for a decision, and what follows from their answer."""

from datetime import datetime, time

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda import schedule
from bot.agenda.actions import ActionName, AgendaAction, PhaseDecision
from bot.agenda.schedule import AgendaItem, complete_or_abort
from bot.agenda.slots import next_working_morning, slot, within_hours
from bot.agenda.work_calendar import MORNING
from bot.clock import new_id
from bot.decisions import messages, rules, store
from bot.decisions.decision_form import BLOCK, TEXT_LIMIT
from bot.decisions.model import Answer, Cause, Choice, Decision
from bot.outbox import enqueue, keys, requeue
from bot.phases import store as phases
from bot.phases.model import Phase
from bot.phases.permissions import CANNOT_POST, GONE, actor_of, lock_to_manage, phase_to_manage
from bot.promises.lifecycle import make
from bot.promises.model import Reply
from bot.services import Services
from bot.slack.errors import Refused
from bot.slack.people import stored_name
from bot.slack.request import Request
from bot.workspaces.rules import TEXT_TOO_LONG

#: In the lead's zone: early, so that the results of that day can carry the question.
ASK_AT = time(0, 5)


async def schedule_decision(tx: AsyncConnection, workspace_id: str, phase: Phase) -> None:
    """Schedule the question for the day of the phase's "stop if", if it has one."""
    if phase.promise.stop_if and phase.stop_if_on is not None:
        await schedule.add(
            tx,
            workspace_id,
            action=ActionName.ASK_DECISION,
            subject=str(PhaseDecision(phase.phase_id, Cause.DATE)),
            due_at=slot(phase.stop_if_on, ASK_AT, phase.zone),
        )


async def ask(
    tx: AsyncConnection,
    workspace_id: str,
    phase: Phase,
    cause: Cause,
    now: datetime,
    *,
    closing_round_id: str | None = None,
) -> None:
    """Ask the leads of a running phase for a decision, unless one is open.

    The question comes with the results of the round that the transaction is closing, or else of
    the one that is open; where there is neither, in a message of its own. The transaction holds
    the phase's lock, or the round's that it closes.
    """
    if await store.open_decision(tx, workspace_id, phase.phase_id) is not None:
        return
    round_id, asked_at = closing_round_id, within_hours(now, phase.zone, phase.calendar, MORNING)
    if round_id is None:
        carrier = await store.open_round(tx, workspace_id, phase.phase_id, phase.ends_at)
        if carrier is not None:
            round_id, asked_at = carrier.round_id, carrier.closes_at
    decision = Decision(
        decision_id=new_id(),
        phase_id=phase.phase_id,
        cause=cause,
        round_id=round_id,
        asked_at=asked_at,
        choice=None,
        decided_by=None,
        name="",
        decided_at=None,
    )
    await store.add(tx, workspace_id, decision)
    if round_id is None:
        await _post_question(tx, workspace_id, phase, decision, now)
    await _schedule_note(tx, workspace_id, phase, asked_at)


async def ask_decision(services: Services, item: AgendaItem) -> None:
    """Ask for a decision; in a paused phase, whose team could not read it, once it resumes."""
    now = services.clock.now()
    subject = PhaseDecision.parse(item.subject)
    async with services.db.transaction() as tx:
        phase = await phases.lock(tx, item.workspace_id, subject.phase_id)
        await complete_or_abort(tx, item)
        if phase is None or not phase.is_active:
            return
        if phase.is_paused:
            await _ask_later(tx, item.workspace_id, phase, Cause(subject.cause), now)
            return
        await ask(tx, item.workspace_id, phase, Cause(subject.cause), now)


async def ask_after_check(
    tx: AsyncConnection, workspace_id: str, phase: Phase, round_id: str, now: datetime
) -> None:
    """Ask for a decision with the results of a round whose team said that this shouldn't go on.

    The transaction closes the round. Nobody is asked of a phase that has ended.
    """
    if not phase.is_active:
        return
    if phase.is_paused:
        await _ask_later(tx, workspace_id, phase, Cause.CHECK, now)
        return
    await ask(tx, workspace_id, phase, Cause.CHECK, now, closing_round_id=round_id)


async def note_undecided(services: Services, item: AgendaItem) -> None:
    """Say in the announcement's thread that nothing is decided yet.

    If the results that were to carry the question never came, the leads are asked now instead.
    """
    now = services.clock.now()
    workspace_id = item.workspace_id
    async with services.db.transaction() as tx:
        phase = await phases.lock(tx, workspace_id, item.subject)
        await complete_or_abort(tx, item)
        if phase is None or not phase.is_active:
            return
        decision = await store.open_decision(tx, workspace_id, phase.phase_id)
        if decision is None:
            return
        if phase.is_paused:
            await _schedule_note(tx, workspace_id, phase, now)
        elif not await _is_asked(tx, workspace_id, phase, decision):
            await store.change(tx, workspace_id, decision, round_id=None, asked_at=now)
            await _post_question(tx, workspace_id, phase, decision, now)
            await _schedule_note(tx, workspace_id, phase, now)
        else:
            await enqueue.post(
                tx,
                workspace_id,
                key=keys.undecided(phase.phase_id, decision.decision_id),
                to=phase.channel_id,
                content=messages.undecided(phase, decision, phase.day_of(now)),
                now=within_hours(now, phase.zone, phase.calendar),
                thread_of=keys.announcement(phase.phase_id),
            )


ACTIONS = (
    AgendaAction(name=ActionName.ASK_DECISION, run=ask_decision),
    AgendaAction(name=ActionName.NOTE_UNDECIDED, run=note_undecided),
)


async def decision_to_make(
    services: Services, request: Request, decision_id: str
) -> tuple[Phase, Decision]:
    """Return an open decision and its phase, for the form.

    Raises:
        Refused: the person may not manage the phase, it has ended, its channel can't be written
            in, or the decision was made.
    """
    phase = await phase_to_manage(services, request)
    async with services.db.reading() as reader:
        return phase, await _to_make(reader, request.workspace_id, phase, decision_id)


async def decide(services: Services, request: Request, decision_id: str, answer: Answer) -> None:
    """Store the decision to go on or to change something; the thread has it, signed.

    Raises:
        Refused: as for `decision_to_make`, or the text is empty or too long.
    """
    _check_text(answer.text)
    actor = await actor_of(services, request)
    workspace_id, now = request.workspace_id, services.clock.now()
    async with services.db.transaction() as tx:
        try:
            phase = await lock_to_manage(tx, request, actor)
            decision = await _to_make(tx, workspace_id, phase, decision_id)
        except Refused as refusal:
            raise Refused(refusal.text, {BLOCK: refusal.text}) from refusal
        if answer.choice is Choice.ADJUST:
            promise = Reply(heard=None, text=answer.text, is_change=True)
            await make(
                tx,
                workspace_id,
                promise,
                phase_id=phase.phase_id,
                round_id=None,
                made_by=request.user_id,
                now=now,
            )
        await _answer(tx, workspace_id, phase, decision, answer, request.user_id, now)
        await schedule.remove(
            tx, workspace_id, action=ActionName.NOTE_UNDECIDED, subject=phase.phase_id
        )


async def close_with_phase(
    tx: AsyncConnection, workspace_id: str, phase: Phase, *, by: str | None, now: datetime
) -> None:
    """Make or drop the open decision of a phase that the transaction ends.

    A person who ends it has decided; if it ends by its date (`by` None), nobody has.
    """
    actions = (ActionName.ASK_DECISION, ActionName.NOTE_UNDECIDED)
    await schedule.remove_about(tx, workspace_id, actions=actions, about=phase.phase_id)
    decision = await store.open_decision(tx, workspace_id, phase.phase_id)
    if decision is None:
        return
    await enqueue.cancel(tx, workspace_id, keys=_question_keys(phase, decision))
    if by is None:
        await store.remove(tx, workspace_id, decision)
        return
    await _answer(tx, workspace_id, phase, decision, Answer(choice=Choice.END, text=""), by, now)


async def _ask_later(
    tx: AsyncConnection, workspace_id: str, phase: Phase, cause: Cause, now: datetime
) -> None:
    """Ask on the next working morning, by when a paused phase may have resumed."""
    await schedule.add(
        tx,
        workspace_id,
        action=ActionName.ASK_DECISION,
        subject=str(PhaseDecision(phase.phase_id, cause)),
        due_at=next_working_morning(now, phase.zone, phase.calendar),
    )


async def _to_make(
    tx: AsyncConnection, workspace_id: str, phase: Phase, decision_id: str
) -> Decision:
    decision = await store.decision_of(tx, workspace_id, phase.phase_id, decision_id)
    if not phase.is_active:
        raise Refused(messages.OVER)
    if decision is None:
        raise Refused(GONE)
    if decision.choice is not None:
        raise Refused(messages.already_decided(decision))
    if phase.is_paused:
        raise Refused(CANNOT_POST)
    return decision


async def _answer(
    tx: AsyncConnection,
    workspace_id: str,
    phase: Phase,
    decision: Decision,
    answer: Answer,
    by: str,
    now: datetime,
) -> None:
    """Store who decided what, and tell the team and the leads who were asked."""
    await store.change(
        tx,
        workspace_id,
        decision,
        choice=answer.choice,
        decided_by=by,
        decided_at=now,
        text=answer.text or None,
    )
    name = await stored_name(tx, workspace_id, by)
    if not phase.is_paused:
        await enqueue.post(
            tx,
            workspace_id,
            key=keys.decision(phase.phase_id, decision.decision_id),
            to=phase.channel_id,
            content=messages.decided(phase, decision.cause, name, answer),
            now=now,
            thread_of=keys.announcement(phase.phase_id),
        )
    shown = messages.asked_and_decided(phase, name)
    for key in _question_keys(phase, decision):
        await enqueue.edit(tx, workspace_id, of=key, content=shown, now=now)


async def _post_question(
    tx: AsyncConnection, workspace_id: str, phase: Phase, decision: Decision, now: datetime
) -> None:
    for lead in phase.reachable_leads:
        await enqueue.post(
            tx,
            workspace_id,
            key=keys.decision_asked(phase.phase_id, decision.decision_id, lead.user_id),
            to=lead.user_id,
            content=messages.asked(phase, decision),
            now=within_hours(now, lead.zone or phase.zone, phase.calendar, MORNING),
            expires_at=phase.ends_at,
        )


async def _is_asked(
    tx: AsyncConnection, workspace_id: str, phase: Phase, decision: Decision
) -> bool:
    if decision.round_id is None:
        return True
    for lead_id in phase.lead_ids:
        if await requeue.exists(tx, workspace_id, keys.lead_results(decision.round_id, lead_id)):
            return True
    return False


async def _schedule_note(
    tx: AsyncConnection, workspace_id: str, phase: Phase, asked_at: datetime
) -> None:
    due_at = rules.undecided_at(asked_at, phase.zone, phase.calendar)
    await schedule.add(
        tx,
        workspace_id,
        action=ActionName.NOTE_UNDECIDED,
        subject=phase.phase_id,
        due_at=due_at,
    )


def _question_keys(phase: Phase, decision: Decision) -> list[keys.MessageKey]:
    """Return the keys of the messages that ask for the decision alone; none if results do."""
    if decision.round_id is not None:
        return []
    ids = (phase.phase_id, decision.decision_id)
    return [keys.decision_asked(*ids, lead.user_id) for lead in phase.leads]


def _check_text(text: str) -> None:
    if not text:
        raise Refused(messages.EMPTY, {BLOCK: messages.EMPTY})
    if len(text) > TEXT_LIMIT:
        too_long = TEXT_TOO_LONG.format(length=len(text), limit=TEXT_LIMIT)
        raise Refused(too_long, {BLOCK: too_long})
