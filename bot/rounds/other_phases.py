"""The days on which people of one phase are asked about their other phases.

Nobody is asked about two phases on one day. Each round decides this for its own people when it
opens: it avoids the days of rounds that opened before, and those that older phases will want.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda import schedule
from bot.agenda.actions import ActionName, PlannedRound
from bot.agenda.slots import zone_of
from bot.db import schema
from bot.db.upserts import padded
from bot.phases import store as phase_store
from bot.phases.model import Phase
from bot.rounds.phase_plan import time_of
from bot.rounds.rules import FOLLOW_UP_WINDOW, MIN_APART, RoundKind, WantedDay, day_to_ask

_rounds = schema.rounds
_people = schema.round_people
#: Questions older than this are far enough from any new ones.
LOOKBACK = timedelta(days=12)


@dataclass(frozen=True, kw_only=True)
class OtherPhases:
    """The other phases of a phase's people, and when each person is asked about any of them."""

    phase: Phase
    older: Sequence[Phase] = ()  # that started before it, the oldest first
    #: The rounds of the older ones that are still to open, by phase id.
    planned: Mapping[str, Sequence[PlannedRound]] = field(default_factory=dict)
    #: When each person's rounds ask them, by user id and phase id; this phase included.
    slots: Mapping[str, Mapping[str, Sequence[datetime]]] = field(default_factory=dict)

    def day_for(self, user_id: str, zone: str, kind: RoundKind, on: date) -> date:
        """Return the day in their zone on which to ask a person whom a round wants on this day."""
        days = {
            phase_id: {instant.astimezone(zone_of(zone)).date() for instant in slots}
            for phase_id, slots in self.slots.get(user_id, {}).items()
        }
        older = [
            _wanted(other, RoundKind(planned.kind), planned.on, days)
            for other in self.older
            if _asks(other, user_id)
            for planned in self.planned.get(other.phase_id, ())
            if abs(planned.on - on) < MIN_APART
        ]
        taken: set[date] = set()
        taken.update(*(days[phase_id] for phase_id in days if phase_id != self.phase.phase_id))
        if not (older or taken):
            return on
        own = _wanted(self.phase, kind, on, days)
        return day_to_ask(own, older, taken, self.phase.calendar)


async def other_phases(
    tx: AsyncConnection,
    workspace_id: str,
    phase: Phase,
    user_ids: Collection[str],
    now: datetime,
    *,
    except_round: str | None = None,
) -> OtherPhases:
    """Read which other phases these people are in, and when they are asked.

    `except_round` is a round of the phase itself whose questions are being rescheduled.
    """
    others = await phase_store.others_of(
        tx, workspace_id, phase, user_ids, ended_since=now - FOLLOW_UP_WINDOW
    )
    if not others:
        return OtherPhases(phase=phase)
    older = sorted((other for other in others if _age(other) < _age(phase)), key=_age)
    # The rounds to come are read first: one that opens meanwhile is then in at least one of both.
    planned = await _planned_rounds(tx, workspace_id, [other.phase_id for other in older])
    phase_ids = [phase.phase_id, *(other.phase_id for other in others)]
    slots: dict[str, dict[str, list[datetime]]] = defaultdict(lambda: defaultdict(list))
    for row in await tx.execute(_slots_query(workspace_id, phase_ids, user_ids, now - LOOKBACK)):
        if row.round_id != except_round:
            slots[row.user_id][row.phase_id].append(row.slot_at)
    return OtherPhases(phase=phase, older=older, planned=planned, slots=slots)


async def _planned_rounds(
    tx: AsyncConnection, workspace_id: str, phase_ids: Sequence[str]
) -> Mapping[str, Sequence[PlannedRound]]:
    if not phase_ids:
        return {}
    planned: dict[str, list[PlannedRound]] = defaultdict(list)
    for subject in await schedule.subjects_about(
        tx, workspace_id, action=ActionName.OPEN_ROUND, about=phase_ids
    ):
        round_ = PlannedRound.parse(subject)
        planned[round_.phase_id].append(round_)
    return planned


def _slots_query(
    workspace_id: str, phase_ids: Collection[str], user_ids: Collection[str], since: datetime
) -> Select[Any]:
    return (
        select(_people.c.user_id, _people.c.slot_at, _rounds.c.phase_id, _rounds.c.round_id)
        .join(
            _rounds,
            (_rounds.c.workspace_id == _people.c.workspace_id)
            & (_rounds.c.round_id == _people.c.round_id),
        )
        .where(_people.c.workspace_id == workspace_id, _people.c.user_id.in_(padded(user_ids)))
        .where(_people.c.slot_at > since, _rounds.c.state != "cancelled")
        .where(_rounds.c.phase_id.in_(padded(phase_ids)))
    )


def _wanted(
    phase: Phase, kind: RoundKind, on: date, days: Mapping[str, Collection[date]]
) -> WantedDay:
    last_asked = max(days.get(phase.phase_id, ()), default=None)
    return WantedDay(on=on, at=time_of(phase, kind), last_asked=last_asked)


def _asks(phase: Phase, user_id: str) -> bool:
    """Return whether a phase asks this person one by one, as far as is known now."""
    person = phase.participant(user_id)
    if person is None or person.has_left or phase.is_paused or phase.minimum_answers is None:
        return False
    return person.is_lead or person.is_on_roster


def _age(phase: Phase) -> tuple[datetime, str]:
    return phase.started_at, phase.phase_id
