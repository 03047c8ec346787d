"""A phase that waits: since when, for which reason, and what its leads hear of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from slack_sdk.errors import SlackApiError
from sqlalchemy import update

from bot.agenda import schedule
from bot.channel_health import pause as channel_health_pause
from bot.clock import AdjustableClock
from bot.db import schema
from bot.phases.model import PauseReason
from bot.playground.fake_slack.example_workspace import BOT_USER_ID
from bot.playground.server import FakeSlack
from bot.services import Services
from bot.slack.errors import Refused
from tests.ending.phase_rows import by, carry_out, messages, phase_of, planned, running
from tests.harness import ANA, BEN, HANA, LAUNCH, WORKSPACE
from tests.rounds.evidence import delivered
from tests.rounds.round_rows import NOW, the_phase
from tests.start.proposals import SPRINT

LATER = NOW + timedelta(hours=2)


async def pause(services: Services, phase_id: str, why: PauseReason) -> None:
    async with services.db.transaction() as tx:
        await channel_health_pause.pause(tx, WORKSPACE, phase_id, why, services.clock.now())


async def go_on(services: Services, phase_id: str) -> None:
    async with services.db.transaction() as tx:
        await channel_health_pause.resume(tx, WORKSPACE, phase_id, services.clock.now())


async def paused(services: Services, phase_id: str) -> tuple[datetime | None, str | None]:
    phase = await phase_of(services, phase_id)
    return phase.paused_at, phase.paused_because


async def end(services: Services, phase_id: str) -> None:
    phases = schema.phases
    async with services.db.transaction() as tx:
        ended = update(phases).where(phases.c.phase_id == phase_id)
        await tx.execute(ended.values(state="ended", ended_at=services.clock.now()))


async def test_a_second_reason_keeps_the_time_of_the_first_and_is_told_in_its_place(
    services: Services, clock: AdjustableClock
) -> None:
    phase_id = await running(services)
    await pause(services, phase_id, PauseReason.OUTSIDE)
    clock.move_to(LATER)

    await pause(services, phase_id, PauseReason.ARCHIVED)

    assert await paused(services, phase_id) == (NOW, PauseReason.ARCHIVED)
    assert list(await messages(services, "paused:")) == [
        f"paused:{phase_id}:{int(NOW.timestamp())}:{ANA}"
    ]


async def test_the_same_reason_twice_changes_nothing(
    services: Services, clock: AdjustableClock
) -> None:
    phase_id = await running(services)
    for at in (NOW, LATER):
        clock.move_to(at)
        await pause(services, phase_id, PauseReason.ARCHIVED)

    assert await paused(services, phase_id) == (NOW, PauseReason.ARCHIVED)
    assert await messages(services, "edit:paused:") == {}


async def test_of_a_deleted_channel_nothing_else_becomes_known(services: Services) -> None:
    phase_id = await running(services)
    async with services.db.transaction() as tx:
        phase = await the_phase(tx, phase_id)
        await channel_health_pause.store_pause(
            tx, WORKSPACE, phase, at=NOW, because=PauseReason.DELETED
        )

    await pause(services, phase_id, PauseReason.ARCHIVED)

    assert (await paused(services, phase_id))[1] == PauseReason.DELETED


async def test_each_lead_who_can_be_written_to_is_told_and_no_member(services: Services) -> None:
    phase_id = await running(services, replace(SPRINT, co_lead_ids=(HANA, BEN)))
    people = schema.people
    async with services.db.transaction() as tx:
        await tx.execute(update(people).where(people.c.user_id == BEN).values(is_deleted=True))

    await pause(services, phase_id, PauseReason.ARCHIVED)

    told = await messages(services, "paused:")
    assert {row["conversation"] for row in told.values()} == {ANA, HANA}


async def test_of_a_phase_that_is_over_nobody_is_told(services: Services) -> None:
    phase_id = await running(services)
    await end(services, phase_id)

    await pause(services, phase_id, PauseReason.ARCHIVED)

    assert (await paused(services, phase_id))[1] == PauseReason.ARCHIVED
    assert await messages(services, "paused:") == {}


@pytest.mark.parametrize("was_told", [True, False])
async def test_when_it_goes_on_who_was_told_reads_so_in_the_same_place(
    services: Services, was_told: bool
) -> None:
    phase_id = await running(services)
    await pause(services, phase_id, PauseReason.ARCHIVED)
    (key,) = await messages(services, "paused:")
    if was_told:
        await delivered(services.db, key, ("D0ANA", "1.1"))

    await go_on(services, phase_id)
    await go_on(services, phase_id)  # nothing more to do

    assert await paused(services, phase_id) == (None, None)
    assert len(await messages(services, "edit:paused:")) == was_told
    state = (await messages(services, "paused:"))[key]["state"]
    assert state == ("sent" if was_told else "expired")


async def test_only_a_paused_phase_that_runs_is_tried_again(services: Services) -> None:
    phase_id = await running(services)
    with pytest.raises(Refused, match="is not paused any more"):
        await channel_health_pause.try_again(services, by(ANA, phase_id))
    await pause(services, phase_id, PauseReason.RESTRICTED)
    await channel_health_pause.try_again(services, by(ANA, phase_id))
    assert await paused(services, phase_id) == (None, None)

    await pause(services, phase_id, PauseReason.RESTRICTED)
    await end(services, phase_id)
    for press in (channel_health_pause.try_again, channel_health_pause.post_again):
        with pytest.raises(Refused, match="this phase has ended"):
            await press(services, by(ANA, phase_id))
    assert (await paused(services, phase_id))[1] == PauseReason.RESTRICTED


@pytest.mark.parametrize(
    ("known", "is_there", "is_archived", "then"),
    [
        (None, True, False, None),
        (None, True, True, PauseReason.ARCHIVED),
        (None, False, False, PauseReason.OUTSIDE),
        (PauseReason.OUTSIDE, False, True, PauseReason.ARCHIVED),
        (PauseReason.OUTSIDE, False, False, PauseReason.OUTSIDE),
        (PauseReason.OUTSIDE, True, False, None),
        (PauseReason.ARCHIVED, True, False, None),
        (
            PauseReason.ARCHIVED,
            False,
            False,
            None,
        ),  # archiving emptied it of apps: the bot joins again
        (
            PauseReason.RESTRICTED,
            True,
            False,
            PauseReason.RESTRICTED,
        ),  # of that Slack tells nothing
        (PauseReason.RESTRICTED, True, True, PauseReason.ARCHIVED),
        (PauseReason.DELETED, True, False, PauseReason.DELETED),
    ],
)
async def test_a_look_at_the_channel_decides(
    services: Services,
    fake_slack: FakeSlack,
    known: PauseReason | None,
    is_there: bool,
    is_archived: bool,
    then: PauseReason | None,
) -> None:
    phase_id = await running(services)
    channel = fake_slack.workspace.conversations[LAUNCH]
    channel.is_archived = is_archived
    channel.members = [ANA, BOT_USER_ID] if is_there else [ANA]
    async with services.db.transaction() as tx:
        at = NOW if known else None
        phase = await the_phase(tx, phase_id)
        await channel_health_pause.store_pause(tx, WORKSPACE, phase, at=at, because=known)
        await schedule.add(tx, WORKSPACE, action="look_at_channel", subject=phase_id, due_at=NOW)

    assert await carry_out(services, "look_at_channel") == 1

    assert (await paused(services, phase_id))[1] == then
    assert await planned(services, "look_at_channel") == {}
    assert (BOT_USER_ID in channel.members) is (is_there or known is PauseReason.ARCHIVED)


@pytest.mark.parametrize("known", [PauseReason.OUTSIDE, None])
async def test_where_slack_will_not_say_what_was_known_holds(
    services: Services, fake_slack: FakeSlack, known: PauseReason | None
) -> None:
    phase_id = await running(services)
    async with services.db.transaction() as tx:
        at = NOW if known else None
        phase = await the_phase(tx, phase_id)
        await channel_health_pause.store_pause(tx, WORKSPACE, phase, at=at, because=known)
        await schedule.add(tx, WORKSPACE, action="look_at_channel", subject=phase_id, due_at=NOW)
    fake_slack.faults.fail_next("conversations.info", error="missing_scope")

    assert await carry_out(services, "look_at_channel") == 1

    assert (await paused(services, phase_id))[1] == known


async def test_where_slack_cannot_say_now_it_is_asked_again(
    services: Services, fake_slack: FakeSlack
) -> None:
    phase_id = await running(services)
    async with services.db.transaction() as tx:
        await schedule.add(tx, WORKSPACE, action="look_at_channel", subject=phase_id, due_at=NOW)
    fake_slack.faults.fail_next("conversations.info", status=500)

    with pytest.raises(SlackApiError):
        await carry_out(services, "look_at_channel")

    assert await planned(services, "look_at_channel") == {phase_id: NOW}


async def test_of_a_phase_that_waits_the_announcement_is_not_edited(
    services: Services, clock: AdjustableClock
) -> None:
    phase_id = await running(services)
    async with services.db.transaction() as tx:
        phase = await the_phase(tx, phase_id)
        await channel_health_pause.store_pause(
            tx, WORKSPACE, phase, at=NOW, because=PauseReason.OUTSIDE
        )

    clock.move_to(datetime(2026, 11, 24, 0, 1, tzinfo=UTC))
    assert await carry_out(services, "refresh_announcement") == 1

    assert await messages(services, "edit:") == {}
    assert await planned(services, "look_at_channel") == {phase_id: clock.now()}
    assert await planned(services, "refresh_announcement") == {
        phase_id: datetime(2026, 11, 25, 0, 1, tzinfo=UTC)
    }
