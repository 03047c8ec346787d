"""After a gap in which Slack could not deliver events, the bot looks up what it missed."""

from collections.abc import Iterable

import pytest

from bot.agenda.actions import ActionName
from bot.clock import AdjustableClock
from bot.db import schema
from bot.db.engine import Database
from bot.operations.event_gap_monitor import EventGapMonitor
from bot.workspaces.lifecycle import install, schedule_catch_up, uninstall
from tests.harness import WORKSPACE
from tests.rounds.evidence import agenda_of

AUTH = {"team_id": WORKSPACE, "user_id": "U0BOT"}


async def missed_count(looks: Iterable[tuple[float, bool]]) -> int:
    """The number of reported gaps after looks at these times, each connected or not."""
    reports = 0
    now, connected = 0.0, True

    async def is_connected() -> bool:
        return connected

    async def report_gap() -> None:
        nonlocal reports
        reports += 1

    monitor = EventGapMonitor(is_connected, report_gap, lambda: now)
    for now, connected in looks:  # noqa: B007
        await monitor.check_once()
    return reports


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        ([(60, True), (120, True), (180, True)], 0),
        ([(60, True), (120, False), (180, False), (240, True)], 0),  # Slack still retries
        ([(60, True), *((60 * n, False) for n in range(2, 7)), (420, True), (480, True)], 1),
        ([(60, True), (4000, True), (4060, True)], 1),  # the process was suspended
        ([(60, True), (4000, False), (8000, True), (12000, True)], 2),
    ],
)
async def test_only_gaps_longer_than_slacks_retries_are_reported(
    looks: list[tuple[float, bool]], expected: int
) -> None:
    assert await missed_count(looks) == expected


async def test_failed_report_is_repeated_at_the_next_look() -> None:
    now, failures = 0.0, iter([True, False])
    reported_at = []

    async def is_connected() -> bool:
        return True

    async def report_gap() -> None:
        if next(failures):
            raise TimeoutError
        reported_at.append(now)

    monitor = EventGapMonitor(is_connected, report_gap, lambda: now)
    now = 1000.0
    with pytest.raises(TimeoutError):
        await monitor.check_once()
    now = 1060.0
    await monitor.check_once()

    assert reported_at == [1060.0]


async def test_missed_events_are_looked_up_in_installed_workspaces_only(
    db: Database, clock: AdjustableClock
) -> None:
    await install(db, AUTH, clock.now())
    await install(db, {**AUTH, "team_id": "T0GONE"}, clock.now())
    async with db.transaction() as tx:
        await uninstall(tx, "T0GONE", "token_revoked", clock.now())
        await tx.execute(schema.agenda.delete())

    async with db.transaction() as tx:
        await schedule_catch_up(tx, clock.now())

    assert await agenda_of(db, ActionName.CATCH_UP) == {WORKSPACE: clock.now()}
