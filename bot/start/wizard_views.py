"""The three pages of the start form, each built from the stored draft and the current state."""

from collections.abc import Mapping
from dataclasses import replace

from slack_sdk.models.views import View
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.announcement.messages import TEAM_SAID
from bot.phases import rules, store
from bot.phases.budget import compute_budget
from bot.phases.history import LOOKBACK, last_learning, team_counts
from bot.phases.rules import (
    NEEDS_JUSTIFICATION,
    PhaseKind,
    PhaseLimits,
    Proposal,
    SprintHistory,
)
from bot.rounds.phase_plan import planned_rounds
from bot.rounds.questions import Question, questions_for
from bot.services import Services
from bot.slack.errors import Refused
from bot.slack.mrkdwn import labelled
from bot.start import page_moment, page_preview, page_promise, wording
from bot.start.command_args import Arguments
from bot.start.draft import Draft, proposal_of
from bot.start.draft_store import StoredDraft
from bot.start.eligibility import EligibleChannel, EligibleLead, names_of
from bot.start.last_sprint import history_with_results
from bot.start.page_moment import LastPhase, Moment
from bot.start.page_preview import Preview
from bot.start.page_promise import PromiseFacts
from bot.start.promise_texts import is_still_example
from bot.start.proposed_phase import phase_preview

#: With fewer teams a share means nothing.
FEWEST_TEAMS = 3
TEAM_SAID_SHOWN = 300


async def moment(
    tx: AsyncConnection,
    lead: EligibleLead,
    stored: StoredDraft,
    *,
    resumed: bool = False,
    typed: Arguments | None = None,
) -> View:
    """Return page 1, with the questions, the budget and the justification for the draft's kind.

    `typed` are the command's arguments, where the command opens it.
    """
    draft = stored.draft
    past = await history_of(tx, lead, draft) if draft.kind else None
    facts = Moment(
        draft_id=stored.draft_id,
        channel_id=stored.channel_id,
        questions=own_questions(lead.settings.questions, draft.kind),
        budget=await _budget(tx, lead, draft, past),
        last=await _last_phase(tx, lead, draft),
        resumed=resumed,
        typed=typed or Arguments(),
    )
    return page_moment.build(facts, with_justification_request(lead, draft, past))


def promise(lead: EligibleLead, stored: StoredDraft, told: Mapping[str, str] | None = None) -> View:
    """Return page 2; `told` are sentences above fields that it did not show before."""
    kind = stored.draft.kind or PhaseKind.RESULTS_SPRINT
    facts = PromiseFacts(
        draft_id=stored.draft_id,
        channel_id=stored.channel_id,
        max_weeks=PhaseLimits.of(lead.settings).max_weeks(kind),
        notices=told or {},
    )
    return page_promise.build(facts, stored.draft, kind)


async def preview(
    services: Services, eligible: EligibleChannel, stored: StoredDraft, refusal: str | None = None
) -> View:
    """Return page 3; with `refusal`, why *Announce* did not work."""
    proposal = proposed(eligible, stored.draft)
    owners = [item.owner_id for item in proposal.set_aside]
    ids = [*proposal.lead_ids, *proposal.member_ids, *owners]
    names = await names_of(services, eligible.workspace_id, ids)
    async with services.db.reading() as reader:
        if stored.draft.justification_request:
            past = await history_of(reader, eligible, stored.draft)
            proposal = replace(proposal, team_said=past.team_said)
        phase = phase_preview(proposal, names, services.clock.now(), eligible.settings)
        warnings = await _warnings(reader, eligible, proposal)
        other_id = await store.too_similar_to(reader, eligible.workspace_id, phase)
    if other_id is not None:
        phase, warnings = replace(phase, too_similar_to=other_id), (wording.TOO_SIMILAR, *warnings)
    if is_still_example(stored.draft, proposal.kind):
        warnings = (wording.STILL_EXAMPLE, *warnings)
    facts = Preview(
        draft_id=stored.draft_id,
        phase=phase,
        today=eligible.today,
        first_on=planned_rounds(phase)[0].on,
        warnings=warnings,
        refusal=refusal,
    )
    return page_preview.build(facts)


def with_justification_request(
    lead: EligibleLead, draft: Draft, past: SprintHistory | None
) -> Draft:
    """Return the draft that asks for a justification exactly where the rules do."""
    reason = rules.needs_justification(proposed(lead, draft), past) if past else None
    if past is None or reason is None:
        return replace(draft, justification_request=None)
    lines = [NEEDS_JUSTIFICATION.format(reason=reason)]
    if past.team_said:
        lines.append(labelled(f"*{TEAM_SAID}:*", past.team_said, TEAM_SAID_SHOWN))
    return replace(draft, justification_request="\n".join(lines))


async def history_of(tx: AsyncConnection, lead: EligibleLead, draft: Draft) -> SprintHistory:
    """Return the channel's sprints until now, as far as they matter for the draft."""
    limits = PhaseLimits.of(lead.settings)
    proposal = proposed(lead, draft)
    return await history_with_results(tx, lead.workspace_id, proposal, limits, draft.continues)


def proposed(lead: EligibleLead, draft: Draft) -> Proposal:
    """Return what the draft proposes, today.

    Raises:
        Refused: page 1, which asks for the kind, was never sent.
    """
    if draft.kind is None:
        raise Refused(wording.NO_KIND)
    return proposal_of(
        draft,
        channel_id=lead.channel_id,
        lead_id=lead.lead.user_id,
        zone=lead.zone,
        today=lead.today,
    )


def own_questions(
    reworded_questions: Mapping[str, Mapping[str, str]], kind: PhaseKind | None
) -> tuple[Question, ...]:
    """Return the questions to oneself for a kind, in the workspace's own words where it has any."""
    return questions_for(kind or PhaseKind.RESULTS_SPRINT, reworded_questions)


async def _last_phase(tx: AsyncConnection, lead: EligibleLead, draft: Draft) -> LastPhase | None:
    if draft.continues:
        return None
    learning = await last_learning(tx, lead.workspace_id, lead.channel_id)
    return None if learning is None else LastPhase(lesson=learning)


async def _budget(
    tx: AsyncConnection, lead: EligibleLead, draft: Draft, past: SprintHistory | None
) -> str:
    """Return the budget's sentence, with this sprint if it is one; empty for trust-building."""
    if draft.kind is PhaseKind.TRUST_BUILDING:
        return ""
    if past is not None:
        return past.budget.sentence
    since = lead.today - LOOKBACK
    sprints = await store.past_sprints(tx, lead.workspace_id, lead.channel_id, since)
    return compute_budget(sprints, lead.today).sentence


async def _warnings(
    tx: AsyncConnection, eligible: EligibleChannel, proposal: Proposal
) -> tuple[str, ...]:
    warnings = rules.warnings(proposal, PhaseLimits.of(eligible.settings))
    if proposal.kind is not PhaseKind.RESULTS_SPRINT:
        return warnings
    sprinting, team_count = await team_counts(
        tx, eligible.workspace_id, proposal.channel_id, proposal.starts_on
    )
    if team_count >= FEWEST_TEAMS and sprinting * 3 > team_count:
        return (*warnings, wording.MANY_SPRINT.format(sprinting=sprinting, teams=team_count))
    return warnings
