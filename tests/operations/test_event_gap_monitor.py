"""After a while in which Slack could tell us nothing, it is asked what it told in vain."""

from collections.abc import Iterable

import pytest

from bot.agenda.actions import ActionName
from bot.clock import AdjustableClock
from bot.db import schema
from bot.db.engine import Database
from bot.operations.event_gap_monitor import EventGapMonitor
from bot.workspaces.lifecycle import ask_what_was_missed, install, uninstall
from tests.harness import WORKSPACE
from tests.rounds.evidence import agenda_of

US = {"team_id": WORKSPACE, "user_id": "U0BOT"}


async def misses(looks: Iterable[tuple[float, bool]]) -> int:
    """How often something was missed, looking at these times, with whether Slack could tell."""
    asked = 0
    now, hears = 0.0, True

    async def could_tell() -> bool:
        return hears

    async def missed() -> None:
        nonlocal asked
        asked += 1

    hearing = EventGapMonitor(could_tell, missed, lambda: now)
    for now, hears in looks:  # noqa: B007
        await hearing.look()
    return asked


@pytest.mark.parametrize(
    ("looks", "times"),
    [
        ([(60, True), (120, True), (180, True)], 0),
        ([(60, True), (120, False), (180, False), (240, True)], 0),  # Slack told again
        ([(60, True), *((60 * n, False) for n in range(2, 7)), (420, True), (480, True)], 1),
        ([(60, True), (4000, True), (4060, True)], 1),  # it slept
        ([(60, True), (4000, False), (8000, True), (12000, True)], 2),
    ],
)
async def test_only_what_slack_does_not_repeat_is_missed(
    looks: list[tuple[float, bool]], times: int
) -> None:
    assert await misses(looks) == times


async def test_what_cannot_be_noted_is_noted_with_the_next_look() -> None:
    now, failures = 0.0, iter([True, False])
    noted = []

    async def could_tell() -> bool:
        return True

    async def missed() -> None:
        if next(failures):
            raise TimeoutError
        noted.append(now)

    hearing = EventGapMonitor(could_tell, missed, lambda: now)
    now = 1000.0
    with pytest.raises(TimeoutError):
        await hearing.look()
    now = 1060.0
    await hearing.look()

    assert noted == [1060.0]


async def test_it_is_asked_wherever_we_are_installed(db: Database, clock: AdjustableClock) -> None:
    await install(db, US, clock.now())
    await install(db, {**US, "team_id": "T0GONE"}, clock.now())
    async with db.transaction() as tx:
        await uninstall(tx, "T0GONE", "token_revoked", clock.now())
        await tx.execute(schema.agenda.delete())

    async with db.transaction() as tx:
        await ask_what_was_missed(tx, clock.now())

    assert await agenda_of(db, ActionName.ASK_WHAT_WAS_MISSED) == {WORKSPACE: clock.now()}
