"""What happens to work on hold: changes, proposals, answers, the end, and the day after parking."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda import schedule
from bot.agenda.actions import ActionName, AgendaAction, PhaseItem
from bot.agenda.schedule import AgendaItem, log_skipped, run_item
from bot.agenda.slots import MORNING, slot, within_hours, working_day_after, working_day_from
from bot.announcement.contributions import OVER, running_phase_of_team
from bot.announcement.expectations import phase_to_write
from bot.announcement.refresh import edit_announcement
from bot.db import schema
from bot.db.upserts import insert_if_new
from bot.on_hold import messages, rules, store
from bot.on_hold.rules import Change, HoldProposal, ItemDecision, ListChanges
from bot.outbox import enqueue, keys
from bot.phases import store as phases
from bot.phases.model import ItemOutcome, Phase, SetAsideItem
from bot.phases.permissions import GONE, actor_of, lock_to_manage
from bot.services import Services
from bot.slack.content import Content
from bot.slack.errors import Refused
from bot.slack.ids import form_digest
from bot.slack.people import stored_name, stored_people
from bot.slack.request import Request
from bot.workspaces.store import add_audit_entry

NOT_A_COLLEAGUE = (
    "Only a full member of this workspace can pick work up again. Choose somebody else."
)
CANNOT_POST = (
    "I can't write in the channel now, and the team should read this. Try again once I can: "
    "`/imbalance status` there says what's wrong."
)
NO_PROPOSAL = "I don't know this proposal any more. Ask for it again."

_items = schema.set_aside_items
_proposals = schema.hold_proposals


async def change_list(
    services: Services, request: Request, submitted: ListChanges, *, view_id: str
) -> Phase:
    """Bring items back, park them, and put one more on hold; return the phase as it is then.

    The announcement is edited, and the reason for what comes back early is said in its thread.

    Raises:
        Refused: the person may not manage the phase, it has ended, or a field is invalid.
    """
    actor = await actor_of(services, request)
    await _check_owner(services, request, submitted.new_owner, rules.NEW_OWNER)
    now = services.clock.now()
    async with services.db.transaction() as tx:
        phase = await lock_to_manage(tx, request, actor)
        if not phase.is_active:
            raise Refused(OVER)
        today = phase.day_of(now)
        _refuse(rules.refusals_to_change(phase.set_aside_items, submitted, phase.ends_on, today))
        back = {each.position for each in submitted.of_kind(Change.BACK)}
        if back and phase.is_paused:
            raise Refused(CANNOT_POST, {rules.REASON: CANNOT_POST})
        await _store_changes(tx, request, phase, submitted, today)
        changed = await _reload(tx, request.workspace_id, phase.phase_id)
        if changed.set_aside_items == phase.set_aside_items:
            return phase
        await _audit(tx, request, phase, changed, now)
        await schedule_follow_ups(tx, request.workspace_id, changed)
        await edit_announcement(tx, request.workspace_id, changed, now)
        if back:
            items = [item for item in changed.set_aside_items if item.position in back]
            by = await stored_name(tx, request.workspace_id, request.user_id)
            key = keys.back_early(phase.phase_id, form_digest(phase.phase_id, view_id))
            content = messages.back_early(items, by, submitted.reason)
            await _reply(tx, request.workspace_id, phase, key, content, now)
    return changed


async def phase_to_propose(services: Services, request: Request) -> Phase:
    """Return the running phase, for a person of its team.

    Raises:
        Refused: it has ended, the person is not in its team, or its channel can't be written in.
    """
    async with services.db.reading() as reader:
        phase = await running_phase_of_team(reader, request)
    return _writable(phase)


async def propose(services: Services, request: Request, text: str, *, view_id: str) -> Phase:
    """Post a member's proposal in the announcement's thread, with their name; return the phase.

    The same form submitted twice proposes once.

    Raises:
        Refused: as for `phase_to_propose`; or the text is empty, too long, or there already.
    """
    now = services.clock.now()
    async with services.db.transaction() as tx:
        await phases.lock(tx, request.workspace_id, request.target_id)
        phase = _writable(await running_phase_of_team(tx, request))
        proposal_id = form_digest(phase.phase_id, view_id)
        proposals = await store.proposals_of(tx, request.workspace_id, phase.phase_id)
        if any(each.proposal_id == proposal_id for each in proposals):
            return phase
        refusal = rules.refusal_to_propose(phase.set_aside_items, proposals, text)
        _refuse({rules.NEW_TEXT: refusal} if refusal else {})
        await insert_if_new(
            tx,
            _proposals,
            workspace_id=request.workspace_id,
            phase_id=phase.phase_id,
            proposal_id=proposal_id,
            text=text,
            proposed_by=request.user_id,
            proposed_at=now,
        )
        proposal = await _proposal(tx, request.workspace_id, phase, proposal_id)
        key = keys.hold_proposal(phase.phase_id, proposal_id)
        content = messages.proposed(phase, proposal)
        await _reply(tx, request.workspace_id, phase, key, content, now)
    return phase


async def proposal_to_answer(
    services: Services, request: Request, proposal_id: str
) -> tuple[Phase, HoldProposal]:
    """Return a proposal and its phase, for a lead who is about to answer.

    Raises:
        Refused: the person may not manage the phase, it has ended, its channel can't be written
            in, or the proposal was answered.
    """
    phase = await phase_to_write(services, request)
    async with services.db.reading() as reader:
        proposal = await _proposal(reader, request.workspace_id, _writable(phase), proposal_id)
    if not proposal.is_open:
        raise Refused(rules.ANSWERED.format(name=proposal.answer_name))
    return phase, proposal


async def answer(
    services: Services,
    request: Request,
    proposal_id: str,
    *,
    accepts: bool,
    line: str,
    owner_id: str | None,
) -> None:
    """Accept a proposal, which puts it on hold, or decline it; the answer stands in the thread.

    Raises:
        Refused: as for `proposal_to_answer`; or the line is missing or too long.
    """
    actor = await actor_of(services, request)
    await _check_owner(services, request, owner_id, rules.NEW_OWNER)
    now = services.clock.now()
    workspace_id = request.workspace_id
    async with services.db.transaction() as tx:
        phase = await lock_to_manage(tx, request, actor)
        if not phase.is_active:
            raise Refused(OVER)
        proposal = await _proposal(tx, workspace_id, _writable(phase), proposal_id)
        items = phase.set_aside_items
        refusal = rules.refusal_to_answer(proposal, items, accepts=accepts, line=line)
        _refuse({rules.REASON: refusal} if refusal else {})
        values = {"accepted": accepts, "answered_by": request.user_id, "answer": line or None}
        await tx.execute(
            update(_proposals)
            .where(_of(_proposals, workspace_id, phase.phase_id))
            .where(_proposals.c.proposal_id == proposal_id)
            .values(**values)
        )
        if accepts:
            await _add_item(tx, workspace_id, phase, proposal.text, owner_id or request.user_id)
            changed = await _reload(tx, workspace_id, phase.phase_id)
            await _audit(tx, request, phase, changed, now)
            await edit_announcement(tx, workspace_id, changed, now)
            phase = changed
        proposal = await _proposal(tx, workspace_id, phase, proposal_id)
        asked, told = (
            keys.hold_proposal(phase.phase_id, proposal_id),
            keys.hold_answer(phase.phase_id, proposal_id),
        )
        content = messages.proposed(phase, proposal)
        await enqueue.edit(tx, workspace_id, of=asked, content=content, now=now)
        await _reply(tx, workspace_id, phase, told, messages.answered(phase, proposal), now)


async def decide_items(
    tx: AsyncConnection,
    workspace_id: str,
    phase: Phase,
    decisions: Mapping[int, ItemDecision],
) -> tuple[SetAsideItem, ...]:
    """Store what becomes of the items at the end, and return them all.

    Undecided ones are resumed, those parked before stay parked, and those brought back early stay
    as they are.
    """
    decided = tuple(_decided(item, decisions.get(item.position)) for item in phase.set_aside_items)
    for item in decided:
        if item.is_waiting and item.position in decisions:
            outcome, until = item.outcome, item.parked_until
            await _set(tx, workspace_id, phase, item.position, outcome=outcome, parked_until=until)
    if decided:
        await tx.execute(
            update(_items)
            .where(_of(_items, workspace_id, phase.phase_id), _items.c.outcome.is_(None))
            .values(outcome=ItemOutcome.RESUMED)
        )
    await schedule_follow_ups(tx, workspace_id, replace(phase, set_aside_items=decided))
    return decided


async def schedule_follow_ups(tx: AsyncConnection, workspace_id: str, phase: Phase) -> None:
    """Schedule a message about each parked item: the morning of its day where its owner lives.

    A day off work moves to the next working day.
    """
    parked = [item for item in phase.waiting_items if item.is_parked]
    if not parked:
        return
    owners = await stored_people(tx, workspace_id, [item.owner_id for item in parked])
    due = {}
    for item in parked:
        owner = owners.get(item.owner_id)
        zone = (owner.zone if owner else None) or phase.zone
        assert item.parked_until is not None  # as it is parked
        subject = str(PhaseItem(phase.phase_id, item.position))
        due[subject] = slot(working_day_from(item.parked_until), MORNING, zone)
    await schedule.add_all(tx, workspace_id, action=ActionName.FOLLOW_UP_PARKED, due=due)


async def follow_up_parked(services: Services, agenda_item: AgendaItem) -> None:
    """Remind the owner of a parked item on its day; the channel, if the owner can't be reached.

    If the phase was extended past that day, the item waits until its end.
    """
    now = services.clock.now()
    subject = PhaseItem.parse(agenda_item.subject)
    workspace_id = agenda_item.workspace_id
    async with run_item(services.db, agenda_item) as tx:
        phase = await phases.load(tx, workspace_id, subject.phase_id)
        items = phase.waiting_items if phase is not None else ()
        parked = (item for item in items if item.position == subject.position and item.is_parked)
        item = next(parked, None)
        if phase is None or item is None or item.parked_until is None:
            return
        if phase.is_active and item.parked_until <= phase.ends_on:
            due_at = slot(working_day_after(phase.ends_on), MORNING, phase.zone)
            await schedule.add(
                tx,
                workspace_id,
                action=ActionName.FOLLOW_UP_PARKED,
                subject=agenda_item.subject,
                due_at=due_at,
            )
            return
        await _remind(tx, agenda_item, phase, item, item.parked_until, now)


ACTIONS = (AgendaAction(name=ActionName.FOLLOW_UP_PARKED, run=follow_up_parked),)


async def _remind(
    tx: AsyncConnection,
    agenda_item: AgendaItem,
    phase: Phase,
    item: SetAsideItem,
    until: date,
    now: datetime,
) -> None:
    workspace_id = agenda_item.workspace_id
    owner = (await stored_people(tx, workspace_id, [item.owner_id])).get(item.owner_id)
    participant = phase.participant(item.owner_id)
    has_left = participant is not None and participant.has_left
    if owner is not None and owner.is_full_member and not has_left:
        await enqueue.post(
            tx,
            workspace_id,
            key=keys.parked(phase.phase_id, item.position, until, item.owner_id),
            to=item.owner_id,
            content=messages.parked_until_today(phase, item),
            now=within_hours(now, owner.zone or phase.zone),
        )
    elif phase.is_paused:
        log_skipped(agenda_item, "neither the owner nor the channel can be written to")
    else:
        key = keys.parked_unowned(phase.phase_id, item.position, until)
        content = messages.parked_without_owner(phase, item)
        at = within_hours(now, phase.zone)
        await _reply(tx, workspace_id, phase, key, content, at)


async def _proposal(
    tx: AsyncConnection, workspace_id: str, phase: Phase, proposal_id: str
) -> HoldProposal:
    proposal = await store.proposal_of(tx, workspace_id, phase.phase_id, proposal_id)
    if proposal is None:
        raise Refused(NO_PROPOSAL)
    return proposal


def _writable(phase: Phase) -> Phase:
    if phase.is_paused:
        raise Refused(CANNOT_POST)
    return phase


def _refuse(refusals: Mapping[str, str]) -> None:
    if refusals:
        raise Refused(next(iter(refusals.values())), refusals)


async def _check_owner(
    services: Services, request: Request, owner_id: str | None, field: str
) -> None:
    if owner_id is None:
        return
    client = services.client_for(request.workspace_id)
    owner = await services.people.get(client, request.workspace_id, owner_id)
    if owner is None or not owner.is_full_member:
        raise Refused(NOT_A_COLLEAGUE, {field: NOT_A_COLLEAGUE})


async def _reload(tx: AsyncConnection, workspace_id: str, phase_id: str) -> Phase:
    phase = await phases.load(tx, workspace_id, phase_id)
    if phase is None:
        raise Refused(GONE)
    return phase


async def _store_changes(
    tx: AsyncConnection, request: Request, phase: Phase, submitted: ListChanges, today: date
) -> None:
    workspace_id = request.workspace_id
    for each in submitted.of_kind(Change.BACK):
        await _set(
            tx,
            workspace_id,
            phase,
            each.position,
            outcome=ItemOutcome.RESUMED,
            parked_until=None,
            back_on=today,
            back_reason=submitted.reason,
        )
    for each in submitted.of_kind(Change.PARK):
        await _set(
            tx,
            workspace_id,
            phase,
            each.position,
            outcome=ItemOutcome.PARKED,
            parked_until=each.until,
        )
    if submitted.new_text:
        owner_id = submitted.new_owner or request.user_id
        await _add_item(tx, workspace_id, phase, submitted.new_text, owner_id)


async def _set(
    tx: AsyncConnection, workspace_id: str, phase: Phase, position: int, **values: Any
) -> None:
    await tx.execute(
        update(_items)
        .where(_of(_items, workspace_id, phase.phase_id), _items.c.position == position)
        .values(**values)
    )


async def _add_item(
    tx: AsyncConnection, workspace_id: str, phase: Phase, text: str, owner_id: str
) -> None:
    position = max((item.position for item in phase.set_aside_items), default=-1) + 1
    await insert_if_new(
        tx,
        _items,
        workspace_id=workspace_id,
        phase_id=phase.phase_id,
        position=position,
        text=text,
        owner_id=owner_id,
    )


def _of(table: Any, workspace_id: str, phase_id: str) -> Any:
    return (table.c.workspace_id == workspace_id) & (table.c.phase_id == phase_id)


def _decided(item: SetAsideItem, decision: ItemDecision | None) -> SetAsideItem:
    if not item.is_waiting:
        return item
    if decision is not None:
        return replace(item, outcome=decision.outcome, parked_until=decision.until)
    return replace(item, outcome=item.outcome or ItemOutcome.RESUMED)


async def _reply(
    tx: AsyncConnection,
    workspace_id: str,
    phase: Phase,
    key: keys.MessageKey,
    content: Content,
    now: datetime,
) -> None:
    """Enqueue a reply in the announcement's thread."""
    await enqueue.post(
        tx,
        workspace_id,
        key=key,
        to=phase.channel_id,
        content=content,
        thread_of=keys.announcement(phase.phase_id),
        now=now,
    )


async def _audit(
    tx: AsyncConnection, request: Request, before: Phase, after: Phase, now: datetime
) -> None:
    await add_audit_entry(
        tx,
        request.workspace_id,
        actor=request.user_id,
        action="change_on_hold",
        subject=before.phase_id,
        before=_states(before),
        after=_states(after),
        now=now,
    )


def _states(phase: Phase) -> dict[str, str]:
    """Return what became of each item, by its position, without what people wrote."""
    return {
        str(item.position): f"{item.outcome or 'on hold'} {item.parked_until or ''}".strip()
        for item in phase.set_aside_items
    }
