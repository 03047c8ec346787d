"""A phase begins: everything that follows from *Announce*, in one transaction."""

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
from bot.ending import end
from bot.ending.summary import summarize
from bot.outbox import enqueue, keys
from bot.phases import rules, store
from bot.phases.history import ended_since, past_of
from bot.phases.model import Phase
from bot.phases.rules import Limits, Proposal
from bot.phases.wording import EMOJI_NAMES, NAMES, bookmark_title
from bot.rounds.lifecycle import drop_rounds, plan_rounds
from bot.rounds.membership import add_non_participants
from bot.rounds.rules import NOTHING_AFTER
from bot.services import Services
from bot.slack.errors import Refused
from bot.slack.people import known
from bot.start import draft_store
from bot.start.proposed_phase import phase_preview, roles_of, values_of
from bot.workspaces.rules import WorkspaceSettings
from bot.workspaces.store import add_audit_entry

RUNS_ALREADY = (
    "Nothing was started: a {name} runs here until {day}, and one at a time keeps it clear. "
    "Use `/imbalance extend` or `/imbalance end` first. What you typed is kept for a week."
)
GONE = (
    "Nothing was started: this form is older than a week and was forgotten. Use "
    "`/imbalance start` again."
)


@dataclass(frozen=True, kw_only=True)
class PhaseStart:
    """What is to begin."""

    proposal: Proposal
    settings: WorkspaceSettings  # as the request read them
    answers: Mapping[str, int | None] = field(default_factory=dict)  # the lead's first reflection
    draft_id: str | None = None  # None: it was not written in a form
    continues: str | None = None  # the running phase that ends for this one
    in_channel: tuple[str, ...] = ()  # everybody, as the lead chose the team; empty: not known


async def start(services: Services, workspace_id: str, beginning: PhaseStart) -> Phase:
    """Begin and announce the phase, and return it. The same draft begins one phase only.

    1. The rules are asked again, with what is true now.
    2. Phase, people, what waits and the lead's first reflection are kept.
    3. Rounds and the days of its calendar are noted; older phases' rounds to come are dropped.
    4. The announcement is said, pinned and bookmarked.

    Raises:
        Refused: another phase runs here, or the rules say no.
    """
    now = services.clock.now()
    async with services.db.transaction() as tx:
        before = await _begun_before(tx, workspace_id, beginning)
        if before is not None:
            phase = await store.load(tx, workspace_id, before)
            assert phase is not None  # a draft is forgotten before its phase is
            return phase
        await _make_room(tx, workspace_id, beginning, now)
        await _ask_the_rules(tx, workspace_id, beginning)
        phase_id = await _keep(tx, workspace_id, beginning, now)
        phase = await _begun(tx, workspace_id, phase_id, beginning, now)
        await plan_rounds(tx, workspace_id, phase, now)
        await _announce(tx, workspace_id, phase, now)
        if beginning.draft_id:
            await draft_store.mark_announced(tx, workspace_id, beginning.draft_id, phase_id)
    return phase


async def _begun(
    tx: AsyncConnection, workspace_id: str, phase_id: str, beginning: PhaseStart, now: datetime
) -> Phase:
    """The phase as `_keep` wrote it."""
    proposal = beginning.proposal
    owners = [item.owner_id for item in proposal.set_aside]
    ids = [*proposal.lead_ids, *proposal.member_ids, *owners]
    profiles = await known(tx, workspace_id, ids)
    names = {user_id: person.name for user_id, person in profiles.items()}
    return replace(
        phase_preview(proposal, names, now, beginning.settings),
        phase_id=phase_id,
        membership_synced_at=now if beginning.in_channel else None,
    )


def runs_already(phase: Phase) -> str:
    """Why nothing can be started beside this phase."""
    name = NAMES[phase.kind].lower()
    full = name if phase.is_sprint else f"{name} phase"
    return RUNS_ALREADY.format(name=full, day=day(phase.ends_on))


async def _begun_before(
    tx: AsyncConnection, workspace_id: str, beginning: PhaseStart
) -> str | None:
    if beginning.draft_id is None:
        return None
    lead_id = beginning.proposal.lead_id
    kept = await draft_store.find(tx, workspace_id, beginning.draft_id, lead_id, to_write=True)
    if kept is None:
        raise Refused(GONE)
    return kept.phase_id


async def _make_room(
    tx: AsyncConnection, workspace_id: str, beginning: PhaseStart, now: datetime
) -> None:
    """End the phase that this one continues; drop the rounds to come of those before."""
    proposal = beginning.proposal
    running = await store.active_in(tx, workspace_id, proposal.channel_id)
    if running is not None and running.phase_id != beginning.continues:
        raise Refused(runs_already(running))
    if running is not None:
        await _end(tx, workspace_id, running.phase_id, proposal.lead_id, now)
    since = proposal.starts_on - NOTHING_AFTER
    for phase_id in await ended_since(tx, workspace_id, proposal.channel_id, since):
        await drop_rounds(tx, workspace_id, phase_id)


async def _end(
    tx: AsyncConnection, workspace_id: str, phase_id: str, lead_id: str, now: datetime
) -> None:
    phase = await store.lock(tx, workspace_id, phase_id)
    if phase is None or not phase.is_active:  # its date came a moment before
        return
    phase = await end.end_now(tx, workspace_id, phase, by=lead_id, now=now)
    ended = await summarize(tx, workspace_id, phase)
    await end.post_closing(tx, workspace_id, ended, now)
    await end.ask_for_wrap_up(tx, workspace_id, ended, now)


async def _ask_the_rules(tx: AsyncConnection, workspace_id: str, beginning: PhaseStart) -> None:
    proposal = beginning.proposal
    limits = Limits.of(beginning.settings)
    past = await past_of(tx, workspace_id, proposal, limits, beginning.continues)
    refusals = rules.refusals_to_start(proposal, past, limits, proposal.starts_on)
    if refusals:
        raise Refused(refusals[0].text)


async def _keep(
    tx: AsyncConnection, workspace_id: str, beginning: PhaseStart, now: datetime
) -> str:
    proposal = beginning.proposal
    mine = {"workspace_id": workspace_id, "phase_id": new_id()}
    values = {
        **values_of(proposal, now),
        "promise": asdict(proposal.promise),
        "membership_synced_at": now if beginning.in_channel else None,
    }
    # Two at the same moment: the index on active phases lets one of them in.
    if not await insert_if_new(tx, schema.phases, **mine, state="active", **values):
        raise Refused(await _who_was_first(tx, workspace_id, proposal.channel_id))
    people = [
        {**mine, "user_id": user_id, "role": role, "joined_at": now}
        for user_id, role in roles_of(proposal)
    ]
    await tx.execute(insert(schema.phase_people), people)
    if beginning.in_channel:
        onlookers = set(beginning.in_channel) - {one["user_id"] for one in people}
        await add_non_participants(tx, workspace_id, mine["phase_id"], onlookers)
    await _keep_items(tx, mine, proposal)
    if beginning.answers:
        await tx.execute(
            insert(schema.reflections).values(
                **mine,
                moment="start",
                user_id=proposal.lead_id,
                answers=dict(beginning.answers),
                shared=False,
            )
        )
    await _audit(tx, mine, proposal, now)
    return mine["phase_id"]


async def _keep_items(tx: AsyncConnection, mine: Mapping[str, str], proposal: Proposal) -> None:
    items = [
        {**mine, "position": position, "text": item.text, "owner_id": item.owner_id}
        for position, item in enumerate(proposal.set_aside)
    ]
    if items:
        await tx.execute(insert(schema.set_aside_items), items)


async def _audit(
    tx: AsyncConnection, mine: Mapping[str, str], proposal: Proposal, now: datetime
) -> None:
    await add_audit_entry(
        tx,
        mine["workspace_id"],
        actor=proposal.lead_id,
        action="start_phase",
        subject=mine["phase_id"],
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
    said = messages.announcement(phase, phase.starts_on)
    await enqueue.post(tx, workspace_id, key=key, to=phase.channel_id, content=said, now=now)
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


async def _who_was_first(tx: AsyncConnection, workspace_id: str, channel_id: str) -> str:
    running = await store.active_in(tx, workspace_id, channel_id)
    return runs_already(running) if running else GONE
