"""Recovery and budget to the day, on the card and in the reply to `/imbalance budget`."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from bot.clock import AdjustableClock
from bot.phases.budget import Budget, Span
from bot.phases.model import Phase
from bot.services import Services
from bot.slack.request import Request
from bot.status import card
from bot.status.model import ChannelStatus
from bot.status.store import budget_status, channel_state, channel_status
from bot.workspaces.rules import WorkspaceSettings
from tests.ending.ended_phases import over
from tests.harness import ANA, LAUNCH, OWNER, WORKSPACE
from tests.rounds.round_rows import a_person, a_phase, a_workspace

#: A Sunday; the working day after it is Monday, 4 January.
RECOVERED_ON = date(2027, 1, 3)
DAY = timedelta(days=1)
STARTS_ON, ENDS_ON = date(2026, 10, 5), date(2026, 10, 19)
#: Fifteen days of a sprint book fifteen of recovery.
RECOVERY_UNTIL = date(2026, 11, 3)
OURS = WorkspaceSettings()
HERE = Request(workspace_id=WORKSPACE, channel_id=LAUNCH, user_id=ANA)


def idle_status(last: Phase, today: date) -> str:
    facts = ChannelStatus(phase=last, budget=Budget(spent=15), today=today)
    return str(card.status(facts).blocks)


@pytest.mark.parametrize(("days", "rests"), [(-30, True), (-1, True), (0, True), (1, False)])
def test_recovery_is_named_through_its_last_day(days: int, rests: bool) -> None:
    last = replace(over().phase, recovery_until=RECOVERED_ON)

    shown = idle_status(last, RECOVERED_ON + days * DAY)

    assert ("*Recovery:* No new sprint before Mon 4 Jan" in shown) is rests


def test_a_phase_that_booked_no_recovery_names_none() -> None:
    shown = idle_status(replace(over().phase, recovery_until=None), over().phase.ends_on)
    assert "Recovery" not in shown


@pytest.mark.parametrize(("days", "now"), [(-1, True), (0, True), (1, False)])
def test_a_sprint_fits_now_from_its_first_free_day_on(days: int, now: bool) -> None:
    today = date(2026, 12, 4)
    shown = str(card.budget_card(Budget(spent=0), [], today + days * DAY, today).blocks)

    assert ("needs no extra reason now" in shown) is now
    assert ("from Sat 5 Dec on" in shown) is not now


async def sprint(
    services: Services, zone: str = "Europe/Lisbon", settings: WorkspaceSettings = OURS
) -> None:
    """A sprint of fifteen days that is over, and Ana in a time zone."""
    async with services.db.transaction() as tx:
        await a_workspace(tx, settings)
        await a_person(tx, ANA, zone=zone)
        await a_phase(
            tx,
            state="ended",
            starts_on=STARTS_ON,
            ends_on=ENDS_ON,
            ended_at=datetime(2026, 10, 19, 17, tzinfo=UTC),
            recovery_until=RECOVERY_UNTIL,
        )


async def test_two_weeks_fit_on_the_day_after_recovery(
    services: Services, clock: AdjustableClock
) -> None:
    clock.move_to(datetime(2026, 10, 21, 12, tzinfo=UTC))
    await sprint(services)

    budget, sprints, free, today = await budget_status(services, HERE)

    assert (budget.spent, today) == (15, date(2026, 10, 21))
    assert sprints == (Span(starts_on=STARTS_ON, ends_on=ENDS_ON),)
    assert free == RECOVERY_UNTIL + DAY


@pytest.mark.parametrize(
    ("ended_days_ago", "spent"), [(0, 15), (75, 15), (76, 14), (89, 1), (90, 0)]
)
async def test_ninety_days_are_counted_with_today(
    services: Services, clock: AdjustableClock, ended_days_ago: int, spent: int
) -> None:
    on = ENDS_ON + ended_days_ago * DAY
    clock.move_to(datetime(on.year, on.month, on.day, 18, tzinfo=UTC))
    await sprint(services)

    budget, sprints, _, _ = await budget_status(services, HERE)
    status = await channel_status(services, HERE)

    assert (budget.spent, len(sprints)) == (spent, 1 if spent else 0)
    assert status.budget.spent == spent


async def test_where_the_budget_is_smaller_two_weeks_fit_later(
    services: Services, clock: AdjustableClock
) -> None:
    clock.move_to(datetime(2026, 11, 9, 12, tzinfo=UTC))
    await sprint(services, settings=WorkspaceSettings(budget_percent=30))

    _, _, free, _ = await budget_status(services, HERE)

    # Of 27 days that fit, fourteen are the new sprint's: thirteen of the old may still count.
    assert free == STARTS_ON + 2 * DAY + 90 * DAY - 14 * DAY


@pytest.mark.parametrize(
    ("zone", "today"),
    [("Asia/Tokyo", date(2026, 10, 22)), ("America/Los_Angeles", date(2026, 10, 21))],
)
async def test_today_is_the_day_of_the_person_who_asks(
    services: Services, clock: AdjustableClock, zone: str, today: date
) -> None:
    clock.move_to(datetime(2026, 10, 21, 16, tzinfo=UTC))
    await sprint(services, zone=zone)

    assert (await channel_status(services, HERE)).today == today
    assert (await budget_status(services, HERE))[3] == today


@pytest.mark.parametrize(
    ("changes", "may_manage", "may_start"),
    [
        ({}, True, True),
        ({"is_guest": True}, False, False),
        ({"is_deleted": True}, False, False),
    ],
)
async def test_only_full_members_manage_and_start(
    services: Services, changes: dict[str, bool], may_manage: bool, may_start: bool
) -> None:
    async with services.db.transaction() as tx:
        await a_person(tx, ANA, **changes)
        await a_person(tx, OWNER, is_admin=True, **changes)
        await a_person(tx, "U0NEW", **changes)
        await a_phase(tx)

    for user_id in (ANA, OWNER):
        state = await channel_state(services, replace(HERE, user_id=user_id))
        assert (state.may_manage, state.refusal_to_start is None) == (may_manage, may_start)
    state = await channel_state(services, replace(HERE, user_id="U0NEW"))
    assert (state.may_manage, state.refusal_to_start is None) == (False, may_start)
