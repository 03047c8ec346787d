"""The three pages of the start form, each built from the stored draft and the current state."""

from collections.abc import Mapping
from dataclasses import replace

from slack_sdk.models.views import View
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.phases import rules, store
from bot.phases.budget import Span, compute_budget
from bot.phases.history import LOOKBACK, team_counts
from bot.phases.rules import PhaseKind, PhaseLimits, Proposal
from bot.rounds.questions import about_leads, reworded
from bot.rounds.rules import plan
from bot.services import Services
from bot.slack.errors import Refused
from bot.start import page_moment, page_preview, page_promise
from bot.start.command_args import Arguments
from bot.start.draft import Draft, proposal_of
from bot.start.draft_store import StoredDraft
from bot.start.eligibility import EligibleChannel, EligibleLead, names_of
from bot.start.page_moment import Moment
from bot.start.page_preview import Preview
from bot.start.page_promise import PromiseFacts
from bot.start.proposed_phase import phase_preview

MANY_SPRINT = (
    "{sprinting} of {teams} teams are in a results sprint, this one included. What should be "
    "exceptional is becoming normal here: talk to the other leads first."
)
NO_KIND = "Not done: it is not chosen yet whether results or trust comes first. Press Back."
TOO_SIMILAR = (
    "Another phase that you or a co-lead runs has the same team but for one person. Comparing the "
    "two would show what that person answered, so here the questions come to the channel as "
    "talking points. With a different team, people are asked one by one: go back to *More options*."
)
#: With fewer teams a share means nothing.
FEWEST_TEAMS = 3


async def moment(
    tx: AsyncConnection,
    lead: EligibleLead,
    stored: StoredDraft,
    *,
    resumed: bool = False,
    typed: Arguments | None = None,
) -> View:
    """Return page 1; `typed` are the command's arguments, where the command opens it."""
    facts = Moment(
        draft_id=stored.draft_id,
        channel_id=stored.channel_id,
        questions=reworded(lead.settings.questions),
        budget=await _budget(tx, lead, stored),
        resumed=resumed,
        typed=typed or Arguments(),
    )
    return page_moment.build(facts, stored.draft)


async def promise(
    tx: AsyncConnection,
    lead: EligibleLead,
    stored: StoredDraft,
    told: Mapping[str, str] | None = None,
) -> View:
    """Return page 2; `told` are sentences above fields that it did not show before."""
    kind = stored.draft.kind or PhaseKind.RESULTS_SPRINT
    limits = PhaseLimits.of(lead.settings)
    is_sprint = kind is PhaseKind.RESULTS_SPRINT
    facts = PromiseFacts(
        draft_id=stored.draft_id,
        channel_id=stored.channel_id,
        budget=await _budget(tx, lead, stored) if is_sprint else "",
        max_weeks=limits.max_weeks(kind),
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
    settings = eligible.settings
    phase = phase_preview(proposal, names, services.clock.now(), settings)
    async with services.db.reading() as reader:
        warnings = await _warnings(reader, eligible, proposal)
        other_id = await store.too_similar_to(reader, eligible.workspace_id, phase)
    if other_id is not None:
        phase, warnings = replace(phase, too_similar_to=other_id), (TOO_SIMILAR, *warnings)
    questions = about_leads([lead.name for lead in phase.leads], reworded(settings.questions))
    facts = Preview(
        draft_id=stored.draft_id,
        phase=phase,
        today=eligible.today,
        first_on=plan(proposal.starts_on, proposal.ends_on, proposal.weekday)[0].on,
        questions=questions,
        warnings=warnings,
        refusal=refusal,
    )
    return page_preview.build(facts)


def proposed(eligible: EligibleChannel, draft: Draft) -> Proposal:
    """Return what the draft proposes, today.

    Raises:
        Refused: page 1, which asks for the kind, was never sent.
    """
    if draft.kind is None:
        raise Refused(NO_KIND)
    return proposal_of(
        draft,
        channel_id=eligible.channel.channel_id,
        lead_id=eligible.lead.user_id,
        zone=eligible.zone,
        today=eligible.today,
    )


async def _budget(tx: AsyncConnection, lead: EligibleLead, stored: StoredDraft) -> str:
    """Return the budget's sentence; with this sprint, unless trust-building was chosen."""
    draft, today = stored.draft, lead.today
    since = today - LOOKBACK
    sprints = await store.past_sprints(tx, lead.workspace_id, stored.channel_id, since)
    if draft.kind is PhaseKind.RESULTS_SPRINT and draft.ends_on > today:
        return compute_budget(sprints, today, Span(starts_on=today, ends_on=draft.ends_on)).sentence
    return compute_budget(sprints, today).sentence


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
        return (*warnings, MANY_SPRINT.format(sprinting=sprinting, teams=team_count))
    return warnings
