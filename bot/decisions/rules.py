"""The rules for when leads are asked for a decision, and from when their answer is late. Pure.

Days are calendar days in the zone of the lead who started the phase.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from bot.agenda.slots import slot, within_hours, zone_of
from bot.agenda.work_calendar import WorkCalendar
from bot.phases.budget import Span
from bot.phases.rules import end_warning_day

#: Without an answer by then, the thread says so.
WORKING_DAYS_TO_DECIDE = 2
#: Results come this long after their questions.
RESULTS_AFTER = timedelta(days=2)


def decision_day(
    chosen: date | None, span: Span, question_days: Iterable[date], calendar: WorkCalendar
) -> date:
    """Return the day on which the leads decide: the nearest to the chosen one with results.

    Then the question comes with the results, and not as one more message that week. Without
    questions it is the chosen day or, where that is no working day, the next one in the phase.
    `chosen` None: half way, and before the leads are asked to end or extend anyway.
    """
    before = span.ends_on if chosen else end_warning_day(span.ends_on, calendar)
    wanted = chosen or span.starts_on + max((span.ends_on - span.starts_on) / 2, timedelta(days=1))
    results_on = (calendar.working_day_from(on + RESULTS_AFTER) for on in question_days)
    with_results = [day for day in results_on if day < before]
    if with_results:
        return min(with_results, key=lambda day: (abs(day - wanted), wanted > day))
    working_day = calendar.working_day_from(wanted)
    return working_day if working_day <= span.ends_on else calendar.working_day_until(wanted)


def undecided_at(asked_at: datetime, zone: str, calendar: WorkCalendar) -> datetime:
    """Return when the thread says that nothing is decided: two working days after the question."""
    asked = asked_at.astimezone(zone_of(zone))
    day = calendar.working_day_after(asked.date(), WORKING_DAYS_TO_DECIDE)
    return within_hours(slot(day, asked.time(), zone), zone, calendar)
