"""The start of a phase: everything that follows from *Announce*, in one transaction."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.announcement import messages
from bot.announcement.refresh import schedule_dates
from bot.clock import new_id
from bot.dates import day
from bot.db import schema
from bot.db.upserts import insert_if_new
from bot.decisions.lifecycle import schedule_decision
from bot.ending import end
from bot.ending.summary import summarize
from bot.outbox import enqueue, keys
from bot.phases import rules, store
from bot.phases.history import ended_phase_ids
from bot.phases.model import Phase
from bot.phases.rules import PhaseLimits, Proposal, SprintHistory
from bot.phases.wording import EMOJI_NAMES, NAMES, bookmark_title, leads_as_subject
from bot.rounds.lifecycle import drop_rounds, plan_rounds
from bot.rounds.membership import add_non_participants
from bot.rounds.rules import FOLLOW_UP_WINDOW
from bot.services import Services
from bot.slack.errors import Refused
from bot.slack.people import stored_people
from bot.start import draft_store, wording
from bot.start.last_sprint import history_with_results
from bot.start.proposed_phase import phase_preview, roles_of, values_of
from bot.workspaces.rules import WorkspaceSettings
from bot.workspaces.store import add_audit_entry


@dataclass(frozen=True, kw_only=True)
class PhaseStart:
    """A phase that is to start."""

    proposal: Proposal
    settings: WorkspaceSettings  # as the request read them
    answers: Mapping[str, int | None] = field(default_factory=dict)  # the lead's first reflection
    shares_answers: bool = False  # the team sees them beside its own first results
    draft_id: str | None = None  # None: not written in a form
    continues: str | None = None  # the running phase that ends for this one
    channel_member_ids: tuple[
        str, ...
    ] = ()  # everybody when the lead chose the team; empty: not known


async def start_phase(services: Services, workspace_id: str, phase_start: PhaseStart) -> Phase:
    """Start and announce the phase, and return it. The same draft starts one phase only.

    1. The rules are checked again, with what is true now.
    2. Phase, people, set-aside items and the lead's first reflection are stored.
    3. Rounds and the days of its calendar are scheduled; older phases' rounds to come are dropped.
    4. The announcement is posted, pinned and bookmarked.

    Raises:
        Refused: another phase runs here, or the rules say no.
    """
    now = services.clock.now()
    async with services.db.transaction() as tx:
        started_id = await _started_before(tx, workspace_id, phase_start)
        if started_id is not None:
            phase = await store.load(tx, workspace_id, started_id)
            assert phase is not None  # a draft is deleted before its phase is
            return phase
        await _end_earlier_phases(tx, workspace_id, phase_start, now)
        past = await _check_rules(tx, workspace_id, phase_start)
        proposal = replace(phase_start.proposal, team_said=past.team_said)
        phase_start = replace(phase_start, proposal=proposal)
        phase_id = await _store_phase(tx, workspace_id, phase_start, now)
        phase = await _stored_phase(tx, workspace_id, phase_id, phase_start, now)
        phase = await _compared_with_others(tx, workspace_id, phase)
        await plan_rounds(tx, workspace_id, phase, now)
        await schedule_decision(tx, workspace_id, phase)
        await _announce(tx, workspace_id, phase, now)
        if phase_start.draft_id:
            await draft_store.mark_announced(tx, workspace_id, phase_start.draft_id, phase_id)
    return phase


async def _stored_phase(
    tx: AsyncConnection, workspace_id: str, phase_id: str, phase_start: PhaseStart, now: datetime
) -> Phase:
    """Return the phase as `_store_phase` wrote it."""
    proposal = phase_start.proposal
    owners = [item.owner_id for item in proposal.set_aside]
    ids = [*proposal.lead_ids, *proposal.member_ids, *owners]
    profiles = await stored_people(tx, workspace_id, ids)
    names = {user_id: person.name for user_id, person in profiles.items()}
    return replace(
        phase_preview(proposal, names, now, phase_start.settings),
        phase_id=phase_id,
        membership_synced_at=now if phase_start.channel_member_ids else None,
    )


async def _compared_with_others(tx: AsyncConnection, workspace_id: str, phase: Phase) -> Phase:
    """Return the phase, with another one beside which it may show no levels, if there is one."""
    other_id = await store.too_similar_to(tx, workspace_id, phase)
    if other_id is None:
        return phase
    await store.set_too_similar(tx, workspace_id, phase.phase_id, other_id)
    return replace(phase, too_similar_to=other_id)


def runs_already(phase: Phase, *, may_manage: bool) -> str:
    """Return why nothing can be started beside this phase, and what the person can do."""
    name = NAMES[phase.kind].lower()
    template = wording.RUNS_ALREADY_LEAD if may_manage else wording.RUNS_ALREADY
    return template.format(
        name=name if phase.is_sprint else f"{name} phase",
        day=day(phase.ends_on),
        leads=leads_as_subject(phase),
    )


async def _started_before(
    tx: AsyncConnection, workspace_id: str, phase_start: PhaseStart
) -> str | None:
    if phase_start.draft_id is None:
        return None
    lead_id = phase_start.proposal.lead_id
    stored = await draft_store.find(tx, workspace_id, phase_start.draft_id, lead_id, lock=True)
    if stored is None:
        raise Refused(wording.GONE)
    return stored.phase_id


async def _end_earlier_phases(
    tx: AsyncConnection, workspace_id: str, phase_start: PhaseStart, now: datetime
) -> None:
    """End the phase that this one continues; drop the rounds to come of those before."""
    proposal = phase_start.proposal
    running = await store.active_in(tx, workspace_id, proposal.channel_id)
    if running is not None and running.phase_id != phase_start.continues:
        raise Refused(_typed_in_vain(running, proposal.lead_id))
    if running is not None:
        await _end_phase(tx, workspace_id, running.phase_id, proposal.lead_id, now)
    since = proposal.starts_on - FOLLOW_UP_WINDOW
    for phase_id in await ended_phase_ids(tx, workspace_id, proposal.channel_id, since):
        await drop_rounds(tx, workspace_id, phase_id)


async def _end_phase(
    tx: AsyncConnection, workspace_id: str, phase_id: str, lead_id: str, now: datetime
) -> None:
    phase = await store.lock(tx, workspace_id, phase_id)
    if phase is None or not phase.is_active:  # it reached its end date a moment ago
        return
    phase = await end.end_now(tx, workspace_id, phase, by=lead_id, now=now)
    ended = await summarize(tx, workspace_id, phase)
    await end.post_closing(tx, workspace_id, ended, now)
    await end.ask_for_wrap_up(tx, workspace_id, ended, now)


async def _check_rules(
    tx: AsyncConnection, workspace_id: str, phase_start: PhaseStart
) -> SprintHistory:
    """Return the channel's sprints until now.

    Raises:
        Refused: the rules say no.
    """
    proposal = phase_start.proposal
    limits = PhaseLimits.of(phase_start.settings)
    past = await history_with_results(tx, workspace_id, proposal, limits, phase_start.continues)
    refusals = rules.refusals_to_start(proposal, past, limits, proposal.starts_on)
    if refusals:
        raise Refused(refusals[0].text)
    return past


async def _store_phase(
    tx: AsyncConnection, workspace_id: str, phase_start: PhaseStart, now: datetime
) -> str:
    proposal = phase_start.proposal
    ids = {"workspace_id": workspace_id, "phase_id": new_id()}
    values = {
        **values_of(proposal, now, phase_start.settings),
        "promise": asdict(proposal.promise),
        "membership_synced_at": now if phase_start.channel_member_ids else None,
    }
    # Of two at the same moment, the index on active phases accepts one.
    if not await insert_if_new(tx, schema.phases, **ids, state="active", **values):
        running = await store.active_in(tx, workspace_id, proposal.channel_id)
        raise Refused(_typed_in_vain(running, proposal.lead_id) if running else wording.GONE)
    people = [
        {**ids, "user_id": user_id, "role": role, "joined_at": now}
        for user_id, role in roles_of(proposal)
    ]
    await tx.execute(insert(schema.phase_people), people)
    if phase_start.channel_member_ids:
        onlookers = set(phase_start.channel_member_ids) - {person["user_id"] for person in people}
        await add_non_participants(tx, workspace_id, ids["phase_id"], onlookers)
    await _store_items(tx, ids, proposal)
    if phase_start.answers:
        await tx.execute(
            insert(schema.reflections).values(
                **ids,
                moment="start",
                user_id=proposal.lead_id,
                answers=dict(phase_start.answers),
                shared=phase_start.shares_answers,
            )
        )
    await _audit(tx, ids, proposal, now)
    return ids["phase_id"]


async def _store_items(tx: AsyncConnection, ids: Mapping[str, str], proposal: Proposal) -> None:
    items = [
        {**ids, "position": position, "text": item.text, "owner_id": item.owner_id}
        for position, item in enumerate(proposal.set_aside)
    ]
    if items:
        await tx.execute(insert(schema.set_aside_items), items)


async def _audit(
    tx: AsyncConnection, ids: Mapping[str, str], proposal: Proposal, now: datetime
) -> None:
    await add_audit_entry(
        tx,
        ids["workspace_id"],
        actor=proposal.lead_id,
        action="start_phase",
        subject=ids["phase_id"],
        before=None,
        after={
            "channel": proposal.channel_id,
            "kind": proposal.kind,
            "ends_on": proposal.ends_on.isoformat(),
        },
        now=now,
    )


async def _announce(tx: AsyncConnection, workspace_id: str, phase: Phase, now: datetime) -> None:
    key = keys.announcement(phase.phase_id)
    message = messages.announcement(phase, phase.starts_on)
    await enqueue.post(tx, workspace_id, key=key, to=phase.channel_id, content=message, now=now)
    await enqueue.pin(tx, workspace_id, of=key, now=now)
    await enqueue.bookmark(
        tx,
        workspace_id,
        of=key,
        title=bookmark_title(phase),
        emoji=EMOJI_NAMES[phase.kind],
        now=now,
    )
    await schedule_dates(tx, workspace_id, phase, now)


def _typed_in_vain(running: Phase, lead_id: str) -> str:
    refusal = runs_already(running, may_manage=running.is_led_by(lead_id))
    return f"{refusal} {wording.TYPED_IS_KEPT}"
