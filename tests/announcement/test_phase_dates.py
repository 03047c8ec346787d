"""The agenda of a phase's dates: the daily edit, the question before the end, and the end."""

from datetime import UTC, date, datetime

import pytest

from bot.announcement import refresh
from bot.phases import store
from bot.services import Services
from tests.harness import WORKSPACE
from tests.rounds.evidence import agenda_of
from tests.rounds.round_rows import PHASE, a_phase

#: Nine in Rome, two working days before the end on Monday.
WARNED_AT = datetime(2026, 12, 3, 8, tzinfo=UTC)


async def schedule_at(services: Services, *instants: datetime) -> dict[str, datetime]:
    """Schedule the dates of a phase in Rome, one time after the other; return what is due."""
    async with services.db.transaction() as tx:
        await a_phase(tx, zone="Europe/Rome", ends_on=date(2026, 12, 7))
        phase = await store.load(tx, WORKSPACE, PHASE)
        assert phase is not None
        for now in instants:
            await refresh.schedule_dates(tx, WORKSPACE, phase, now)
    actions = ("refresh_announcement", "warn_end", "end_phase")
    agenda = {action: await agenda_of(services.db, action) for action in actions}
    assert all(set(due) <= {PHASE} for due in agenda.values())
    return {action: due[PHASE] for action, due in agenda.items() if due}


async def test_the_dates_are_days_in_the_zone_of_the_phase(services: Services) -> None:
    assert await schedule_at(services, datetime(2026, 11, 23, 23, 30, tzinfo=UTC)) == {
        "refresh_announcement": datetime(2026, 11, 24, 23, 1, tzinfo=UTC),
        "warn_end": WARNED_AT,
        "end_phase": datetime(2026, 12, 7, 16, tzinfo=UTC),
    }


@pytest.mark.parametrize(
    ("now", "warned"), [(WARNED_AT.replace(hour=7, minute=59), True), (WARNED_AT, False)]
)
async def test_a_phase_that_begins_when_it_would_be_asked_about_is_not(
    services: Services, now: datetime, warned: bool
) -> None:
    due = await schedule_at(services, datetime(2026, 11, 23, 9, tzinfo=UTC), now)

    assert ("warn_end" in due) is warned
