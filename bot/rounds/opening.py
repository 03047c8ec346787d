"""Opening a round. It fixes who is asked, the minimum number of answers, and the closing time."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda import schedule
from bot.agenda.actions import ActionName, PhaseDay, PlannedRound, RoundPerson
from bot.agenda.key_deletion_schedule import schedule_key_deletion
from bot.agenda.schedule import AgendaItem, complete_or_abort
from bot.agenda.slots import slot, within_hours, zone_of
from bot.clock import new_id
from bot.db import schema
from bot.db.upserts import insert_if_new
from bot.log import log
from bot.phases import store as phase_store
from bot.phases.model import Phase
from bot.phases.privacy import Rounding, rounding_for
from bot.rounds import ballots, membership, questions, rules, store
from bot.rounds.check_choice import check_columns
from bot.rounds.membership import ChannelMembership
from bot.rounds.model import Opening, PastRound
from bot.rounds.other_phases import OtherPhases, other_phases
from bot.rounds.phase_plan import time_of
from bot.rounds.rules import Candidate, RoundKind
from bot.services import Services
from bot.slack.people import Person

#: The zone where each day begins first, so that a round opens before anybody's slot.
EARLIEST_ZONE = "Pacific/Kiritimati"
#: Each round opens at least this long before its phase ends.
BEFORE_ITS_END = timedelta(hours=1)
TOO_LATE = "its time has passed"
#: The moment of a lead's answers in the start form, until they are copied to the first round.
AT_START = "start"


@dataclass(frozen=True, kw_only=True)
class OpeningResult:
    """The outcome; `asked` 0: nobody is, and the channel may get talking points instead."""

    asked: int
    closes_at: datetime
    is_too_similar: bool = False  # nobody is asked, because another phase has nearly the same team


def opens_at(phase: Phase, kind: RoundKind, on: date) -> datetime:
    """Return when the round of that day opens: before the day's slot has come anywhere.

    With an evening slot and a lead in the far east, the last round would otherwise open after its
    phase is over there.
    """
    opens = slot(on, time_of(phase, kind), EARLIEST_ZONE)
    if kind is RoundKind.AFTER:
        return opens
    return min(opens, phase.ends_at - BEFORE_ITS_END)


async def open_round(services: Services, item: AgendaItem) -> None:
    """Open a planned round, or skip it where the rules say so."""
    planned = PlannedRound.parse(item.subject)
    phase_id, kind, on = planned.phase_id, planned.kind, planned.on
    seen = await membership.read_channel(services, item.workspace_id, phase_id)
    now = services.clock.now()
    async with services.db.transaction() as tx:
        phase = await phase_store.lock(tx, item.workspace_id, phase_id)
        await complete_or_abort(tx, item)
        if phase is None or await _moved_to_working_day(tx, item, phase, planned):
            return
        at = slot(on, time_of(phase, RoundKind(kind)), phase.zone)
        opening = Opening(kind=RoundKind(kind), on=on, at=at)
        if reason := await _reason_to_skip(tx, item.workspace_id, phase, opening, now):
            log.info("round_skipped", phase=phase_id, kind=kind, reason=reason)
            return
        if seen is None:
            log.warning("round_skipped", phase=phase_id, kind=kind, reason="nobody can be read")
            await schedule.add(
                tx,
                item.workspace_id,
                action=ActionName.CHECK_CHANNEL,
                subject=phase_id,
                due_at=now,
            )
            return
        await open_now(tx, services, item.workspace_id, phase, opening, seen)


async def _moved_to_working_day(
    tx: AsyncConnection, item: AgendaItem, phase: Phase, planned: PlannedRound
) -> bool:
    """Move a round whose day is a holiday by now, or drop it; return whether it was one.

    Rounds are planned on working days, and planned anew when the workspace sets its country; a
    country may still decree a holiday afterwards.
    """
    kind = RoundKind(planned.kind)
    day = phase.calendar.working_day_from(planned.on, time_of(phase, kind))
    if day == planned.on:
        return False
    if kind is not RoundKind.AFTER and day > phase.ends_on:
        log.info("round_skipped", phase=phase.phase_id, kind=kind, reason="no working day is left")
        return True
    moved = PlannedRound(planned.phase_id, planned.kind, day)
    await schedule.add(
        tx,
        item.workspace_id,
        action=ActionName.OPEN_ROUND,
        subject=str(moved),
        due_at=opens_at(phase, kind, day),
    )
    log.info("round_moved", phase=phase.phase_id, kind=kind, reason="a public holiday")
    return True


async def open_now(
    tx: AsyncConnection,
    services: Services,
    workspace_id: str,
    phase: Phase,
    opening: Opening,
    seen: ChannelMembership,
) -> OpeningResult:
    """Store the round, its roster and its secret, and schedule the actions that follow from it."""
    now = services.clock.now()
    phase = await _with_current_team(tx, workspace_id, phase, seen, now)
    optouts = await phase_store.opted_out_ids(tx, workspace_id, phase.channel_id)
    earlier = await store.earlier_rounds(tx, workspace_id, phase.phase_id)
    roster = rules.roster_of(_candidates(phase, seen.profiles, optouts), is_first=not earlier)
    phase = await _with_roster(tx, workspace_id, phase, roster, now)
    minimum = phase.minimum_answers
    members = rules.members_to_ask(roster)
    can_answer = [candidate.user_id for candidate in roster if candidate.can_answer]
    if minimum is None or len(can_answer) < minimum or not members:
        await _schedule_talking_points(tx, workspace_id, phase, opening, now)
        return OpeningResult(
            asked=0, closes_at=now, is_too_similar=phase.too_similar_to is not None
        )
    leads = _leads_to_ask(phase, seen, optouts)
    others = await other_phases(tx, workspace_id, phase, (*members, *leads), now)
    slots = _slots(others, opening, _zones(phase, seen, (*members, *leads)), now)
    asked = [user_id for user_id in members if user_id in slots]
    if len(asked) < min(minimum, len(members)):  # for the others, far away, it is two days late
        log.info("round_skipped", phase=phase.phase_id, kind=opening.kind, reason=TOO_LATE)
        return OpeningResult(asked=0, closes_at=now)
    opened = OpeningResult(asked=len(roster), closes_at=rules.closes_at(list(slots.values())))
    columns = {
        **_columns(phase, opening, opened, now),
        **_limits(minimum, can_answer, earlier),
        **await check_columns(tx, workspace_id, phase, opening, can_answer, earlier),
    }
    round_id = await _store_round(tx, workspace_id, phase, columns)
    await ballots.create_secret(tx, services.keys, workspace_id, round_id, opened.closes_at)
    await schedule_key_deletion(tx, services.keys, workspace_id, opened.closes_at.date())
    await _store_roster(tx, workspace_id, round_id, can_answer, leads, slots)
    await schedule.add(
        tx, workspace_id, action=ActionName.CLOSE_ROUND, subject=round_id, due_at=opened.closes_at
    )
    return opened


def _leads_to_ask(phase: Phase, seen: ChannelMembership, optouts: Collection[str]) -> list[str]:
    return [
        user_id
        for user_id in phase.lead_ids
        if _reachable(seen.profiles.get(user_id)) and user_id not in optouts
    ]


async def _with_current_team(
    tx: AsyncConnection, workspace_id: str, phase: Phase, seen: ChannelMembership, now: datetime
) -> Phase:
    """Return the phase with its team of now, whether or not Slack reported who came and went."""
    changed = await membership.with_current_team(tx, workspace_id, phase, seen, now)
    if changed is phase or not changed.is_active:
        return changed
    # Later changes of the team are looked for again.
    for action in (ActionName.REFRESH_ANNOUNCEMENT, ActionName.SYNC_MEMBERS):
        await schedule.add(tx, workspace_id, action=action, subject=phase.phase_id, due_at=now)
    return changed


async def _with_roster(
    tx: AsyncConnection,
    workspace_id: str,
    phase: Phase,
    roster: Sequence[Candidate],
    now: datetime,
) -> Phase:
    """Store who has a place from now on and whether levels may be shown; return the phase so."""
    placed = {candidate.user_id for candidate in roster}
    people = tuple(
        replace(person, is_on_roster=person.is_lead or person.user_id in placed)
        for person in phase.people
    )
    with_roster = replace(phase, people=people)
    too_similar_to = await phase_store.too_similar_to(tx, workspace_id, with_roster)
    with_roster = replace(with_roster, too_similar_to=too_similar_to)
    if set(with_roster.roster_ids) != set(phase.roster_ids):
        await membership.store_roster(tx, workspace_id, phase.phase_id, placed)
    if too_similar_to != phase.too_similar_to:
        await phase_store.set_too_similar(tx, workspace_id, phase.phase_id, too_similar_to)
    if with_roster != phase:  # the announcement says how many are asked
        await schedule.add(
            tx,
            workspace_id,
            action=ActionName.REFRESH_ANNOUNCEMENT,
            subject=phase.phase_id,
            due_at=now,
        )
    return with_roster


async def _reason_to_skip(
    tx: AsyncConnection, workspace_id: str, phase: Phase, opening: Opening, now: datetime
) -> str | None:
    """Return why a planned round is skipped, for the log; None: it opens."""
    if phase.is_paused:
        return "paused"
    if opening.kind is RoundKind.AFTER:
        if await phase_store.active_in(tx, workspace_id, phase.channel_id):
            return "another phase runs"
    elif not phase.is_active:
        return "the phase is over"
    if rules.ask_time(opening.at, now, phase.zone, phase.calendar) is None:
        return TOO_LATE
    last = await store.last_opening(tx, workspace_id, phase.channel_id)
    # In local time: a week with a change to summer time is an hour short.
    previous = None if last is None else _local_time(last, phase)
    return None if rules.may_open(_local_time(opening.at, phase), previous) else "too near"


def _local_time(instant: datetime, phase: Phase) -> datetime:
    return instant.astimezone(zone_of(phase.zone)).replace(tzinfo=None)


def _zones(phase: Phase, seen: ChannelMembership, user_ids: Iterable[str]) -> dict[str, str]:
    return {
        user_id: seen.profiles[user_id].zone or phase.settings.default_zone for user_id in user_ids
    }


def _slots(
    others: OtherPhases, opening: Opening, zones: Mapping[str, str], now: datetime
) -> dict[str, datetime]:
    """Return when each person is asked, without those who would be asked two days late."""
    phase, kind = others.phase, opening.kind
    times: dict[str, datetime] = {}
    for user_id, zone in zones.items():
        planned = now if opening.on is None else slot(opening.on, time_of(phase, kind), zone)
        at = rules.ask_time(planned, now, zone, phase.calendar)
        if at is not None:
            times[user_id] = ask_apart(others, user_id, zone, kind, at)
    return times


def ask_apart(
    others: OtherPhases, user_id: str, zone: str, kind: RoundKind, at: datetime
) -> datetime:
    """Return when to ask a person: at this time, or on a day without another phase's questions."""
    on = at.astimezone(zone_of(zone)).date()
    day = others.day_for(user_id, zone, kind, on)
    return at if day == on else slot(day, time_of(others.phase, kind), zone)


def _candidates(
    phase: Phase, profiles: Mapping[str, Person], optouts: frozenset[str]
) -> list[Candidate]:
    return [
        Candidate(
            user_id=person.user_id,
            is_full_member=_reachable(profiles.get(person.user_id)),
            is_lead=person.is_lead,
            has_opted_out=person.user_id in optouts,
            has_left=person.has_left or person.user_id not in profiles,
            is_on_roster=person.is_on_roster,
        )
        for person in phase.people
    ]


def _reachable(person: Person | None) -> bool:
    return person is not None and person.is_full_member


def talking_points_day(phase: Phase, opening: Opening) -> PhaseDay:
    """Return the agenda subject of the channel's talking points: once a day in the lead's zone."""
    return PhaseDay(phase.phase_id, phase.day_of(opening.at))


async def _schedule_talking_points(
    tx: AsyncConnection, workspace_id: str, phase: Phase, opening: Opening, now: datetime
) -> None:
    subject = str(talking_points_day(phase, opening))
    due_at = within_hours(max(opening.at, now), phase.zone, phase.calendar)
    await schedule.add(
        tx, workspace_id, action=ActionName.POST_TALKING_POINTS, subject=subject, due_at=due_at
    )


def _columns(
    phase: Phase, opening: Opening, opened: OpeningResult, now: datetime
) -> dict[str, Any]:
    """The columns of a round that opens, except its ids, its number and its minimum."""
    asked = questions.questions_for(phase.kind, phase.settings.questions)
    return {
        "kind": opening.kind,
        "opened_at": max(opening.at, now),
        "closes_at": opened.closes_at,
        "asked": opened.asked,
        "questions": store.as_json(questions.about_leads(phase.lead_names, asked)),
        "leads": list(phase.lead_names),
    }


def _limits(
    minimum: int, can_answer: Collection[str], earlier: Iterable[PastRound]
) -> dict[str, Any]:
    """The columns for what is shown of a round: its minimum, and how fine its levels are."""
    fine = [past.can_answer for past in earlier if past.round.rounding is Rounding.HALF]
    return {"minimum": minimum, "rounding": rounding_for(can_answer, fine)}


async def _store_round(
    tx: AsyncConnection, workspace_id: str, phase: Phase, columns: dict[str, Any]
) -> str:
    round_id = new_id()
    number = await store.next_number(tx, workspace_id, phase.phase_id)
    key = {"workspace_id": workspace_id, "round_id": round_id, "phase_id": phase.phase_id}
    await tx.execute(insert(schema.rounds).values(**key, number=number, state="open", **columns))
    if number == 1:
        await _copy_start_reflections(tx, workspace_id, phase, round_id)
    about = {"workspace": workspace_id, "phase": phase.phase_id, "round": round_id}
    log.info("round_opened", **about, asked=columns["asked"])
    return round_id


async def _store_roster(
    tx: AsyncConnection,
    workspace_id: str,
    round_id: str,
    can_answer: Iterable[str],
    leads: Iterable[str],
    slots: Mapping[str, datetime],
) -> None:
    """Store who can answer and who reflects, and schedule when each of those asked is asked."""
    key = {"workspace_id": workspace_id, "round_id": round_id}
    roles = {
        **dict.fromkeys(can_answer, "member"),
        **dict.fromkeys(set(leads) & set(slots), "lead"),
    }
    rows = [
        {**key, "user_id": user_id, "role": role, "slot_at": slots.get(user_id)}
        for user_id, role in roles.items()
    ]
    await tx.execute(insert(schema.round_people), rows)
    due = {str(RoundPerson(round_id, user_id)): slot_at for user_id, slot_at in slots.items()}
    await schedule.add_all(tx, workspace_id, action=ActionName.ASK, due=due)


async def _copy_start_reflections(
    tx: AsyncConnection, workspace_id: str, phase: Phase, round_id: str
) -> None:
    """Copy start-form reflections to the first round, so that those leads are not asked again."""
    for lead_id in phase.lead_ids:
        reflection = await store.reflection(tx, workspace_id, phase.phase_id, AT_START, lead_id)
        if reflection is not None:
            await insert_if_new(
                tx,
                schema.reflections,
                workspace_id=workspace_id,
                phase_id=phase.phase_id,
                moment=round_id,
                user_id=lead_id,
                answers=dict(reflection.answers),
                shared=reflection.shared,
            )
