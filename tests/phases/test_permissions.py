"""Permissions to change a phase, which guests and deactivated accounts never have."""

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import update

from bot.agenda import schedule
from bot.channel_health.pause import post_again, try_again
from bot.clock import AdjustableClock
from bot.db import schema
from bot.ending.extend import extend
from bot.ending.extend_form import Extension
from bot.ending.wrap_up import wrap_up
from bot.phases.permissions import lock_to_manage, phase_to_manage
from bot.phases.rules import Actor
from bot.rounds.poll import poll
from bot.services import Services
from bot.slack.errors import Refused
from bot.slack.request import Request
from bot.status.store import channel_state
from bot.workspaces.lifecycle import change_settings, may_change
from tests.ending.phase_rows import SAID, by, carry_out, evidence, messages, planned, running
from tests.harness import ANA, BEN, LAUNCH, OWNER, WORKSPACE
from tests.rounds.round_rows import a_person

MORE = Extension(ends_on=date(2026, 12, 14), reason="The audit came late.")
WARNED_AT = datetime(2026, 12, 3, 9, tzinfo=UTC)
NOT_FULL_MEMBERS = [
    {"is_guest": True},
    {"is_deleted": True},
    {"is_bot": True},
    {"team_id": "T0PARTNER"},
]
CHANGES: dict[str, Callable[[Services, Request], Awaitable[object]]] = {
    "extend": lambda services, request: extend(services, request, MORE),
    "wrap_up": lambda services, request: wrap_up(services, request, SAID),
    "try_again": try_again,
    "post_again": post_again,
}


def poll_as(services: Services, user_id: str) -> Awaitable[str]:
    return poll(services, in_launch(user_id))


def in_launch(user_id: str) -> Request:
    return Request(workspace_id=WORKSPACE, channel_id=LAUNCH, user_id=user_id)


@pytest.mark.parametrize("account", NOT_FULL_MEMBERS)
async def test_admin_without_full_membership_cannot_change_anything(
    services: Services, account: dict[str, object]
) -> None:
    phase_id = await running(services)
    async with services.db.transaction() as tx:
        await a_person(tx, "U0ADM", is_admin=True, **account)
    before = await evidence(services)

    with pytest.raises(Refused, match="Guests"):
        await poll_as(services, "U0ADM")
    for change in CHANGES.values():
        with pytest.raises(Refused, match="Guests"):
            await change(services, by("U0ADM", phase_id))
    assert not await may_change(services, in_launch("U0ADM"))
    with pytest.raises(Refused, match="Only workspace admins"):
        await change_settings(services, in_launch("U0ADM"), lambda now: now)
    state = await channel_state(services, in_launch("U0ADM"))
    assert not state.may_manage
    assert state.refusal_to_start is not None
    assert await evidence(services) == before


@pytest.mark.parametrize("account", NOT_FULL_MEMBERS)
async def test_lead_who_lost_full_membership_cannot_manage_the_phase(
    services: Services, account: dict[str, object]
) -> None:
    phase_id = await running(services)
    people = schema.people
    async with services.db.transaction() as tx:
        await tx.execute(update(people).where(people.c.user_id == ANA).values(**account))

    for change in CHANGES.values():
        with pytest.raises(Refused, match="Guests"):
            await change(services, by(ANA, phase_id))
    assert not (await channel_state(services, in_launch(ANA))).may_manage


@pytest.mark.parametrize(("user_id", "manages"), [(ANA, True), (OWNER, True), (BEN, False)])
async def test_only_leads_and_admins_can_manage_and_poll(
    services: Services, user_id: str, manages: bool
) -> None:
    await running(services)

    state = await channel_state(services, in_launch(user_id))
    assert state.may_manage is manages
    assert state.refusal_to_start is None
    if manages:
        assert "are asked" in await poll_as(services, user_id)
    else:
        with pytest.raises(Refused, match="Only this phase's leads and workspace admins"):
            await poll_as(services, user_id)


async def test_change_of_an_unknown_phase_is_refused(services: Services) -> None:
    await running(services)
    for change in CHANGES.values():
        with pytest.raises(Refused, match="can't find this phase any more"):
            await change(services, by(OWNER, "another"))
    async with services.db.transaction() as tx:
        actor = Actor(user_id=OWNER, is_full_member=True, is_admin=True)
        with pytest.raises(Refused, match="can't find this phase any more"):
            await lock_to_manage(tx, by(OWNER, "another"), actor)
    with pytest.raises(Refused, match="can't find this phase any more"):
        await phase_to_manage(services, by(OWNER, "another"))


async def test_person_unknown_to_slack_cannot_change_anything(services: Services) -> None:
    phase_id = await running(services)
    for change in CHANGES.values():
        with pytest.raises(Refused, match="Guests"):
            await change(services, by("U0NOBODY", phase_id))
    with pytest.raises(Refused, match="Slack doesn't know you here"):
        await may_change(services, in_launch("U0NOBODY"))
    with pytest.raises(Refused, match="Guests"):
        await poll_as(services, "U0NOBODY")
    state = await channel_state(services, in_launch("U0NOBODY"))
    assert not state.may_manage
    assert state.refusal_to_start is not None


async def test_second_extension_is_refused_on_the_date_field(services: Services) -> None:
    phase_id = await running(services)
    await extend(services, by(ANA, phase_id), MORE)

    with pytest.raises(Refused) as refused:
        await extend(services, by(ANA, phase_id), MORE)
    assert list(refused.value.fields) == ["ends_on"]


async def test_early_end_cancels_the_end_warning(
    services: Services, clock: AdjustableClock
) -> None:
    phase_id = await running(services)
    assert await planned(services, "warn_end") == {phase_id: WARNED_AT}
    await wrap_up(services, by(ANA, phase_id), SAID)
    assert await planned(services, "warn_end") == {}

    # A warning that was already being sent finds the phase ended.
    clock.move_to(WARNED_AT)
    async with services.db.transaction() as tx:
        await schedule.add(tx, WORKSPACE, action="warn_end", subject=phase_id, due_at=WARNED_AT)
    assert await carry_out(services, "warn_end") == 1
    assert await messages(services, "warn:") == {}


async def test_early_end_expires_a_warning_that_waits_for_morning(
    services: Services, clock: AdjustableClock
) -> None:
    phase_id = await running(services)
    clock.move_to(datetime(2026, 12, 3, 21, tzinfo=UTC))  # late, and night in Lisbon
    await carry_out(services, "warn_end")
    (waiting,) = (await messages(services, "warn:")).values()
    assert waiting["not_before"] == datetime(2026, 12, 4, 8, tzinfo=UTC)
    assert waiting["expires_at"] == datetime(2026, 12, 7, 17, tzinfo=UTC)

    await wrap_up(services, by(ANA, phase_id), SAID)

    (row,) = (await messages(services, "warn:")).values()
    assert row["state"] == "expired"
