"""Opening a round: who is asked, from how many answers on, until when. All of it is fixed then."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda import schedule
from bot.agenda.actions import ActionName, PhaseDay, PlannedRound, RoundPerson
from bot.agenda.schedule import AgendaItem, complete_or_abort
from bot.agenda.slots import slot, within_hours, zone_of
from bot.clock import new_id
from bot.db import schema
from bot.db.upserts import insert_if_new
from bot.log import log
from bot.phases import store as phase_store
from bot.phases.model import Phase
from bot.phases.privacy import minimum_for
from bot.rounds import ballots, membership, questions, rules, store
from bot.rounds.membership import ChannelMembership
from bot.rounds.rules import Candidate, RoundKind
from bot.services import Services
from bot.slack.people import Person

#: Where each day begins first: a round opens before it is time to ask anybody.
EARLIEST_ZONE = "Pacific/Kiritimati"
#: So long before its phase ends each of its rounds is open, at the latest.
BEFORE_ITS_END = timedelta(hours=1)
#: The first questions come in the morning after the announcement, whatever the weekly time.
FIRST_AT = time(9, 0)
TOO_LATE = "its time has passed"
#: A lead's answers in the start form, until the first round takes them over.
AT_START = "start"


@dataclass(frozen=True, kw_only=True)
class Opening:
    """A round about to open. `at` is when it is meant to, at the lead's place."""

    kind: RoundKind
    on: date | None  # the day of everybody's slot; None: each as soon as messages are welcome
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Opened:
    """What became of it; `asked` 0: the team is too small, its channel gets talking points."""

    asked: int
    closes_at: datetime


def opens_at(phase: Phase, kind: RoundKind, on: date) -> datetime:
    """When the round of that day opens: before the day's slot has come anywhere.

    The last one in the evening of the far east would come when its phase is over there.
    """
    opens = slot(on, time_of(phase, kind), EARLIEST_ZONE)
    if kind is RoundKind.AFTER:
        return opens
    return min(opens, phase.ends_at - BEFORE_ITS_END)


async def open_round(services: Services, item: AgendaItem) -> None:
    """Open a planned round, or leave it out where the rules say so."""
    planned = PlannedRound.parse(item.subject)
    phase_id, kind, on = planned.phase_id, planned.kind, planned.on
    seen = await membership.read_channel(services, item.workspace_id, phase_id)
    now = services.clock.now()
    async with services.db.transaction() as tx:
        phase = await phase_store.lock(tx, item.workspace_id, phase_id)
        await complete_or_abort(tx, item)
        if phase is None:
            return
        at = slot(on, time_of(phase, RoundKind(kind)), phase.zone)
        opening = Opening(kind=RoundKind(kind), on=on, at=at)
        if reason := await _why_not(tx, item.workspace_id, phase, opening, now):
            log.info("round_left_out", phase=phase_id, kind=kind, reason=reason)
            return
        if seen is None:
            log.warning("round_left_out", phase=phase_id, kind=kind, reason="nobody can be read")
            await schedule.add(
                tx,
                item.workspace_id,
                action=ActionName.LOOK_AT_CHANNEL,
                subject=phase_id,
                due_at=now,
            )
            return
        await open_now(tx, services, item.workspace_id, phase, opening, seen)


async def open_now(
    tx: AsyncConnection,
    services: Services,
    workspace_id: str,
    phase: Phase,
    opening: Opening,
    seen: ChannelMembership,
) -> Opened:
    """Write the round, its roster, its secret, and the actions that follow from it."""
    now = services.clock.now()
    phase = await _with_its_team(tx, workspace_id, phase, seen, now)
    profiles = seen.profiles
    optouts = await phase_store.opted_out(tx, workspace_id, phase.channel_id)
    team_now = rules.who_is_asked(_candidates(phase, profiles, optouts))
    settings = phase.settings
    if minimum_for(len(team_now), *settings.minimums) is None:
        await _talk_instead(tx, workspace_id, phase, opening, now)
        return Opened(asked=0, closes_at=now)
    leads = [one for one in phase.lead_ids if _reachable(profiles.get(one)) and one not in optouts]
    zones = {one: profiles[one].zone or settings.default_zone for one in (*team_now, *leads)}
    slots = _slots(phase, opening, zones, now)
    asked = sum(one in slots for one in team_now)
    minimum = minimum_for(asked, *settings.minimums)
    if minimum is None:  # for the others, on the far side of the earth, it is two days late
        log.info("round_left_out", phase=phase.phase_id, kind=opening.kind, reason=TOO_LATE)
        return Opened(asked=0, closes_at=now)
    opened = Opened(asked=asked, closes_at=rules.closes_at(list(slots.values())))
    wording = questions.for_member(phase.lead_names, questions.reworded(settings.questions))
    facts = {
        "kind": opening.kind,
        "opened_at": max(opening.at, now),
        "closes_at": opened.closes_at,
        "minimum": minimum,
        "asked": opened.asked,
        "questions": store.as_json(wording),
    }
    round_id = await _write(tx, workspace_id, phase, facts)
    await ballots.create_secret(tx, services.keys, workspace_id, round_id)
    await _list(tx, workspace_id, round_id, slots, leads)
    await schedule.add(
        tx, workspace_id, action=ActionName.CLOSE_ROUND, subject=round_id, due_at=opened.closes_at
    )
    return opened


async def _with_its_team(
    tx: AsyncConnection, workspace_id: str, phase: Phase, seen: ChannelMembership, now: datetime
) -> Phase:
    """The phase with the team that is there now, whether or not Slack told who came and went."""
    if not await membership.apply_membership(tx, workspace_id, phase, seen, now):
        return phase
    # Who came and went since is looked for again.
    for action in (ActionName.REFRESH_ANNOUNCEMENT, ActionName.FOLLOW_MEMBERS):
        await schedule.add(tx, workspace_id, action=action, subject=phase.phase_id, due_at=now)
    changed = await phase_store.load(tx, workspace_id, phase.phase_id)
    assert changed is not None  # it is held
    return changed


async def _why_not(
    tx: AsyncConnection, workspace_id: str, phase: Phase, opening: Opening, now: datetime
) -> str | None:
    """Why a planned round is left out, for the log; None: it opens."""
    if phase.is_paused:
        return "paused"
    if opening.kind is RoundKind.AFTER:
        if await phase_store.active_in(tx, workspace_id, phase.channel_id):
            return "another phase runs"
    elif not phase.is_active:
        return "the phase is over"
    if rules.asked_at(opening.at, now, phase.zone) is None:
        return TOO_LATE
    last = await store.last_opening(tx, workspace_id, phase.channel_id)
    # By the clock on the wall: a week with a change to summer time is an hour short.
    before = None if last is None else _on_the_wall(last, phase)
    return None if rules.may_open(_on_the_wall(opening.at, phase), before) else "too near"


def _on_the_wall(instant: datetime, phase: Phase) -> datetime:
    return instant.astimezone(zone_of(phase.zone)).replace(tzinfo=None)


def time_of(phase: Phase, kind: RoundKind) -> time:
    """When everybody is asked, by the clock on their wall."""
    return FIRST_AT if kind is RoundKind.FIRST else phase.time_of_day


def _slots(
    phase: Phase, opening: Opening, zones: Mapping[str, str], now: datetime
) -> dict[str, datetime]:
    """When each is asked; who would be asked two days late is left out."""
    at = time_of(phase, opening.kind)
    planned = {
        one: now if opening.on is None else slot(opening.on, at, zone)
        for one, zone in zones.items()
    }
    found = {one: rules.asked_at(planned[one], now, zone) for one, zone in zones.items()}
    return {one: asked_at for one, asked_at in found.items() if asked_at is not None}


def _candidates(
    phase: Phase, profiles: Mapping[str, Person], optouts: frozenset[str]
) -> list[Candidate]:
    return [
        Candidate(
            user_id=one,
            is_full_member=_reachable(profiles.get(one)),
            is_lead=one in phase.lead_ids,
            has_opted_out=one in optouts,
            has_left=one not in profiles,
        )
        for one in phase.member_ids
    ]


def _reachable(person: Person | None) -> bool:
    return person is not None and person.is_full_member


def talk_day(phase: Phase, opening: Opening) -> PhaseDay:
    """The subject of what the channel gets instead: once a day."""
    return PhaseDay(phase.phase_id, opening.at.date())


async def _talk_instead(
    tx: AsyncConnection, workspace_id: str, phase: Phase, opening: Opening, now: datetime
) -> None:
    subject = str(talk_day(phase, opening))
    due_at = within_hours(max(opening.at, now), phase.zone)
    await schedule.add(tx, workspace_id, action=ActionName.TALK, subject=subject, due_at=due_at)


async def _write(
    tx: AsyncConnection, workspace_id: str, phase: Phase, facts: dict[str, Any]
) -> str:
    round_id = new_id()
    number = await store.next_number(tx, workspace_id, phase.phase_id)
    key = {"workspace_id": workspace_id, "round_id": round_id, "phase_id": phase.phase_id}
    await tx.execute(insert(schema.rounds).values(**key, number=number, state="open", **facts))
    if number == 1:
        await _take_over_start(tx, workspace_id, phase, round_id)
    about = {"workspace": workspace_id, "phase": phase.phase_id, "round": round_id}
    log.info("round_opened", **about, asked=facts["asked"])
    return round_id


async def _list(
    tx: AsyncConnection,
    workspace_id: str,
    round_id: str,
    slots: Mapping[str, datetime],
    leads: list[str],
) -> None:
    """Fix who is asked, and note when."""
    key = {"workspace_id": workspace_id, "round_id": round_id}
    rows = [
        {**key, "user_id": one, "role": "lead" if one in leads else "member", "slot_at": slot_at}
        for one, slot_at in slots.items()
    ]
    await tx.execute(insert(schema.round_people), rows)
    due = {str(RoundPerson(round_id, user_id)): slot_at for user_id, slot_at in slots.items()}
    await schedule.add_all(tx, workspace_id, action=ActionName.ASK, due=due)


async def _take_over_start(
    tx: AsyncConnection, workspace_id: str, phase: Phase, round_id: str
) -> None:
    """Who reflected in the start form is not asked again in the first round."""
    for lead_id in phase.lead_ids:
        kept = await store.reflection(tx, workspace_id, phase.phase_id, AT_START, lead_id)
        if kept is not None:
            await insert_if_new(
                tx,
                schema.reflections,
                workspace_id=workspace_id,
                phase_id=phase.phase_id,
                moment=round_id,
                user_id=lead_id,
                answers=kept[0],
                shared=kept[1],
            )
