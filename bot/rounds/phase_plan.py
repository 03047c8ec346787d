"""The rounds of a phase by its dates, and the local time of each. Pure."""

from datetime import time

from bot.phases.model import Phase
from bot.rounds.rules import PlannedDay, RoundKind, plan

#: The first questions come in the morning after the announcement, whatever the weekly time.
FIRST_AT = time(9, 0)


def planned_rounds(phase: Phase) -> tuple[PlannedDay, ...]:
    """Return all rounds of a phase; of one that has ended, those after the day it ended."""
    planned = plan(
        phase.starts_on, phase.ended_on, phase.weekday, phase.time_of_day, phase.calendar
    )
    if phase.is_active:
        return planned
    return tuple(round_ for round_ in planned if round_.kind is RoundKind.AFTER)


def time_of(phase: Phase, kind: RoundKind) -> time:
    """Return the local time at which everybody is asked."""
    return FIRST_AT if kind is RoundKind.FIRST else phase.time_of_day
