"""Past phases of a channel, as input for what is built of them."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from bot.history.model import HistoryPage, PastPhase
from bot.phases.model import Phase
from bot.promises.model import PromiseOutcome
from bot.results.model import ClosedRound
from tests.announcement.phases import SPRINT, TRUST
from tests.harness import LAUNCH
from tests.results.closed_rounds import PROMISE, START, TOO_FEW, WEEK

TODAY = date(2027, 3, 5)
AFTER = replace(WEEK, kind="after", opened_on=date(2026, 12, 29))


def ended(phase: Phase, last: date, **changes: Any) -> Phase:
    """The phase as it is after its last day."""
    at = datetime(last.year, last.month, last.day, 17, tzinfo=UTC)
    return replace(phase, is_active=False, ended_at=at, ends_on=last, **changes)


def moved(shown: ClosedRound, **by: int) -> ClosedRound:
    return replace(shown, opened_on=shown.opened_on + timedelta(**by))


#: Its last round before the end showed nothing about room for mistakes.
FIRST = PastPhase(
    phase=ended(
        replace(SPRINT, starts_on=date(2026, 11, 23)),
        date(2026, 12, 7),
        outcome="The beta is out.\nOne customer stayed.",
        recovery_until=date(2026, 12, 22),
    ),
    rounds=(START, WEEK, AFTER),
    promises=(
        replace(PROMISE, outcome=PromiseOutcome.KEPT),
        replace(PROMISE, promise_id="p2", outcome=PromiseOutcome.PARTLY),
        replace(PROMISE, promise_id="p3", outcome=PromiseOutcome.NOT),
    ),
)
SECOND = PastPhase(
    phase=ended(replace(TRUST, starts_on=date(2027, 1, 4), milestone=""), date(2027, 2, 12)),
    rounds=(moved(START, days=42), moved(TOO_FEW, days=42), moved(START, days=63)),
)
RUNNING = PastPhase(
    phase=replace(
        SPRINT,
        starts_on=date(2027, 2, 22),
        ends_on=date(2027, 3, 12),
        recovery_until=date(2027, 3, 31),
    ),
    rounds=(moved(START, days=91),),
)
SILENT = PastPhase(
    phase=ended(replace(TRUST, starts_on=date(2026, 9, 7)), date(2026, 10, 2)), rounds=()
)


def page(*phases: PastPhase, **changes: Any) -> HistoryPage:
    facts = HistoryPage(channel_id=LAUNCH, phases=phases, newer=0, has_older=False, today=TODAY)
    return replace(facts, **changes)


PAGE = page(RUNNING, SECOND, FIRST, SILENT)
