"""Proposals of members to put something on hold, and the answers of leads."""

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.announcement.contributions import running_phase_of_team
from bot.announcement.expectations import phase_to_write
from bot.announcement.part_messages import PHASE_OVER
from bot.db import schema
from bot.db.upserts import insert_if_new
from bot.on_hold import messages, rules, store
from bot.on_hold.items import add_item, check_owner, publish_change, refuse, reply
from bot.on_hold.messages import NO_PROPOSAL
from bot.on_hold.proposal_forms import Answer
from bot.on_hold.rules import HoldProposal
from bot.outbox import enqueue, keys
from bot.phases import store as phases
from bot.phases.model import Phase
from bot.phases.permissions import actor_of, lock_to_manage, require_writable
from bot.services import Services
from bot.slack.errors import Refused
from bot.slack.ids import form_digest
from bot.slack.request import Request

_proposals = schema.hold_proposals


async def phase_to_propose(services: Services, request: Request) -> Phase:
    """Return the running phase, for a person of its team.

    Raises:
        Refused: it has ended, the person is not in its team, or its channel can't be written in.
    """
    async with services.db.reading() as reader:
        phase = await running_phase_of_team(reader, request)
    return require_writable(phase)


async def propose(services: Services, request: Request, text: str, *, view_id: str) -> Phase:
    """Post a member's proposal in the announcement's thread, with their name; return the phase.

    The same form submitted twice proposes once.

    Raises:
        Refused: as for `phase_to_propose`; or the text is empty, too long, or there already.
    """
    now = services.clock.now()
    async with services.db.transaction() as tx:
        await phases.lock(tx, request.workspace_id, request.target_id)
        phase = require_writable(await running_phase_of_team(tx, request))
        proposal_id = form_digest(phase.phase_id, view_id)
        proposals = await store.proposals_of(tx, request.workspace_id, phase.phase_id)
        if any(each.proposal_id == proposal_id for each in proposals):
            return phase
        refusal = rules.refusal_to_propose(phase.set_aside_items, proposals, text)
        refuse({rules.NEW_TEXT: refusal} if refusal else {})
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
        await reply(tx, request.workspace_id, phase, key, content, now)
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
        proposal = await _proposal(
            reader, request.workspace_id, require_writable(phase), proposal_id
        )
    if not proposal.is_open:
        raise Refused(rules.ANSWERED.format(name=proposal.answer_name))
    return phase, proposal


async def answer(
    services: Services, request: Request, proposal_id: str, given: Answer, *, accepts: bool
) -> None:
    """Accept a proposal, which puts it on hold, or decline it; the answer stands in the thread.

    Raises:
        Refused: as for `proposal_to_answer`; or the line is missing or too long.
    """
    actor = await actor_of(services, request)
    await check_owner(services, request, given.owner_id, rules.NEW_OWNER)
    now = services.clock.now()
    workspace_id = request.workspace_id
    async with services.db.transaction() as tx:
        phase = await lock_to_manage(tx, request, actor)
        if not phase.is_active:
            raise Refused(PHASE_OVER)
        proposal = await _proposal(tx, workspace_id, require_writable(phase), proposal_id)
        items = phase.set_aside_items
        refusal = rules.refusal_to_answer(proposal, items, accepts=accepts, line=given.line)
        refuse({rules.REASON: refusal} if refusal else {})
        await _store_answer(tx, request, phase, proposal, given.line, accepts=accepts)
        if accepts:
            owner_id = given.owner_id or request.user_id
            await add_item(tx, workspace_id, phase, proposal.text, owner_id)
            phase = await publish_change(tx, request, phase, now)
        await _say_answer(tx, workspace_id, phase, proposal_id, now)


async def _store_answer(
    tx: AsyncConnection,
    request: Request,
    phase: Phase,
    proposal: HoldProposal,
    line: str,
    *,
    accepts: bool,
) -> None:
    await tx.execute(
        update(_proposals)
        .where(
            _proposals.c.workspace_id == request.workspace_id,
            _proposals.c.phase_id == phase.phase_id,
            _proposals.c.proposal_id == proposal.proposal_id,
        )
        .values(accepted=accepts, answered_by=request.user_id, answer=line or None)
    )


async def _say_answer(
    tx: AsyncConnection, workspace_id: str, phase: Phase, proposal_id: str, now: datetime
) -> None:
    """Reply with the answer, and take the buttons off the proposal."""
    proposal = await _proposal(tx, workspace_id, phase, proposal_id)
    asked = keys.hold_proposal(phase.phase_id, proposal_id)
    content = messages.proposed(phase, proposal)
    await enqueue.edit(tx, workspace_id, of=asked, content=content, now=now)
    key = keys.hold_answer(phase.phase_id, proposal_id)
    await reply(tx, workspace_id, phase, key, messages.answered(phase, proposal), now)


async def _proposal(
    tx: AsyncConnection, workspace_id: str, phase: Phase, proposal_id: str
) -> HoldProposal:
    proposal = await store.proposal_of(tx, workspace_id, phase.phase_id, proposal_id)
    if proposal is None:
        raise Refused(NO_PROPOSAL)
    return proposal
