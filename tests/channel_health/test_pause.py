"""Pausing and resuming a phase: its reason, its start, and the notices to leads."""

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


async def resume(services: Services, phase_id: str) -> None:
    async with services.db.transaction() as tx:
        await channel_health_pause.resume(tx, WORKSPACE, phase_id, services.clock.now())


async def pause_state(services: Services, phase_id: str) -> tuple[datetime | None, str | None]:
    phase = await phase_of(services, phase_id)
    return phase.paused_at, phase.pause_reason


async def end(services: Services, phase_id: str) -> None:
    phases = schema.phases
    async with services.db.transaction() as tx:
        ended = update(phases).where(phases.c.phase_id == phase_id)
        await tx.execute(ended.values(state="ended", ended_at=services.clock.now()))


async def test_new_pause_reason_keeps_the_pause_start_and_reuses_the_notice(
    services: Services, clock: AdjustableClock
) -> None:
    phase_id = await running(services)
    await pause(services, phase_id, PauseReason.BOT_REMOVED)
    clock.move_to(LATER)

    await pause(services, phase_id, PauseReason.ARCHIVED)

    assert await pause_state(services, phase_id) == (NOW, PauseReason.ARCHIVED)
    assert list(await messages(services, "paused:")) == [
        f"paused:{phase_id}:{int(NOW.timestamp())}:{ANA}"
    ]


async def test_pausing_twice_for_the_same_reason_changes_nothing(
    services: Services, clock: AdjustableClock
) -> None:
    phase_id = await running(services)
    for at in (NOW, LATER):
        clock.move_to(at)
        await pause(services, phase_id, PauseReason.ARCHIVED)

    assert await pause_state(services, phase_id) == (NOW, PauseReason.ARCHIVED)
    assert await messages(services, "edit:paused:") == {}


async def test_phase_of_a_deleted_channel_keeps_its_pause_reason(services: Services) -> None:
    phase_id = await running(services)
    async with services.db.transaction() as tx:
        phase = await the_phase(tx, phase_id)
        await channel_health_pause.store_pause(
            tx, WORKSPACE, phase, at=NOW, because=PauseReason.DELETED
        )

    await pause(services, phase_id, PauseReason.ARCHIVED)

    assert (await pause_state(services, phase_id))[1] == PauseReason.DELETED


async def test_pause_notice_goes_only_to_reachable_leads(services: Services) -> None:
    phase_id = await running(services, replace(SPRINT, co_lead_ids=(HANA, BEN)))
    people = schema.people
    async with services.db.transaction() as tx:
        await tx.execute(update(people).where(people.c.user_id == BEN).values(is_deleted=True))

    await pause(services, phase_id, PauseReason.ARCHIVED)

    notices = await messages(services, "paused:")
    assert {row["conversation"] for row in notices.values()} == {ANA, HANA}


async def test_pausing_an_ended_phase_sends_no_notice(services: Services) -> None:
    phase_id = await running(services)
    await end(services, phase_id)

    await pause(services, phase_id, PauseReason.ARCHIVED)

    assert (await pause_state(services, phase_id))[1] == PauseReason.ARCHIVED
    assert await messages(services, "paused:") == {}


@pytest.mark.parametrize("is_delivered", [True, False])
async def test_resuming_edits_a_delivered_pause_notice_and_expires_a_pending_one(
    services: Services, is_delivered: bool
) -> None:
    phase_id = await running(services)
    await pause(services, phase_id, PauseReason.ARCHIVED)
    (key,) = await messages(services, "paused:")
    if is_delivered:
        await delivered(services.db, key, ("D0ANA", "1.1"))

    await resume(services, phase_id)
    await resume(services, phase_id)  # the second call has no effect

    assert await pause_state(services, phase_id) == (None, None)
    assert len(await messages(services, "edit:paused:")) == is_delivered
    state = (await messages(services, "paused:"))[key]["state"]
    assert state == ("sent" if is_delivered else "expired")


async def test_try_again_is_refused_unless_the_phase_is_running_and_paused(
    services: Services,
) -> None:
    phase_id = await running(services)
    with pytest.raises(Refused, match="isn't paused any more"):
        await channel_health_pause.try_again(services, by(ANA, phase_id))
    await pause(services, phase_id, PauseReason.RESTRICTED)
    await channel_health_pause.try_again(services, by(ANA, phase_id))
    assert await pause_state(services, phase_id) == (None, None)

    await pause(services, phase_id, PauseReason.RESTRICTED)
    await end(services, phase_id)
    for press in (channel_health_pause.try_again, channel_health_pause.post_again):
        with pytest.raises(Refused, match="This phase has ended"):
            await press(services, by(ANA, phase_id))
    assert (await pause_state(services, phase_id))[1] == PauseReason.RESTRICTED


@pytest.mark.parametrize(
    ("known", "is_member", "is_archived", "expected"),
    [
        (None, True, False, None),
        (None, True, True, PauseReason.ARCHIVED),
        (None, False, False, PauseReason.BOT_REMOVED),
        (None, False, True, PauseReason.ARCHIVED),
        (PauseReason.BOT_REMOVED, False, True, PauseReason.ARCHIVED),
        (PauseReason.BOT_REMOVED, False, False, PauseReason.BOT_REMOVED),
        (PauseReason.BOT_REMOVED, True, False, None),
        (PauseReason.ARCHIVED, True, False, None),
        (
            PauseReason.ARCHIVED,
            False,
            False,
            None,
        ),  # archiving removes apps from a channel: the bot rejoins
        (
            PauseReason.RESTRICTED,
            True,
            False,
            PauseReason.RESTRICTED,
        ),  # conversations.info does not show this
        (PauseReason.RESTRICTED, True, True, PauseReason.ARCHIVED),
        (PauseReason.DELETED, True, False, PauseReason.DELETED),
        (PauseReason.DELETED, True, True, PauseReason.DELETED),
        (PauseReason.NOT_VISIBLE, True, False, None),
    ],
)
async def test_channel_check_pauses_or_resumes_the_phase(
    services: Services,
    fake_slack: FakeSlack,
    known: PauseReason | None,
    is_member: bool,
    is_archived: bool,
    expected: PauseReason | None,
) -> None:
    phase_id = await running(services)
    channel = fake_slack.workspace.conversations[LAUNCH]
    channel.is_archived = is_archived
    channel.members = [ANA, BOT_USER_ID] if is_member else [ANA]
    async with services.db.transaction() as tx:
        at = NOW if known else None
        phase = await the_phase(tx, phase_id)
        await channel_health_pause.store_pause(tx, WORKSPACE, phase, at=at, because=known)
        await schedule.add(tx, WORKSPACE, action="check_channel", subject=phase_id, due_at=NOW)

    assert await carry_out(services, "check_channel") == 1

    assert await pause_state(services, phase_id) == (NOW if expected else None, expected)
    assert await planned(services, "check_channel") == {}
    assert (BOT_USER_ID in channel.members) is (is_member or known is PauseReason.ARCHIVED)


async def test_private_channel_without_the_bot_is_unseen(
    services: Services, fake_slack: FakeSlack
) -> None:
    phase_id = await running(services)
    channel = fake_slack.workspace.conversations[LAUNCH]
    channel.is_private, channel.members = True, [ANA]
    async with services.db.transaction() as tx:
        await schedule.add(tx, WORKSPACE, action="check_channel", subject=phase_id, due_at=NOW)

    assert await carry_out(services, "check_channel") == 1

    assert (await pause_state(services, phase_id))[1] == PauseReason.NOT_VISIBLE


@pytest.mark.parametrize("known", [PauseReason.BOT_REMOVED, None])
async def test_refused_channel_check_keeps_the_known_pause_reason(
    services: Services, fake_slack: FakeSlack, known: PauseReason | None
) -> None:
    phase_id = await running(services)
    async with services.db.transaction() as tx:
        at = NOW if known else None
        phase = await the_phase(tx, phase_id)
        await channel_health_pause.store_pause(tx, WORKSPACE, phase, at=at, because=known)
        await schedule.add(tx, WORKSPACE, action="check_channel", subject=phase_id, due_at=NOW)
    fake_slack.faults.fail_next("conversations.info", error="missing_scope")

    assert await carry_out(services, "check_channel") == 1

    assert (await pause_state(services, phase_id))[1] == known


async def test_channel_check_stays_scheduled_after_a_server_error(
    services: Services, fake_slack: FakeSlack
) -> None:
    phase_id = await running(services)
    async with services.db.transaction() as tx:
        await schedule.add(tx, WORKSPACE, action="check_channel", subject=phase_id, due_at=NOW)
    fake_slack.faults.fail_next("conversations.info", status=500)

    with pytest.raises(SlackApiError):
        await carry_out(services, "check_channel")

    assert await planned(services, "check_channel") == {phase_id: NOW}


async def test_announcement_of_a_paused_phase_is_not_edited(
    services: Services, clock: AdjustableClock
) -> None:
    phase_id = await running(services)
    async with services.db.transaction() as tx:
        phase = await the_phase(tx, phase_id)
        await channel_health_pause.store_pause(
            tx, WORKSPACE, phase, at=NOW, because=PauseReason.BOT_REMOVED
        )

    clock.move_to(datetime(2026, 11, 24, 0, 1, tzinfo=UTC))
    assert await carry_out(services, "refresh_announcement") == 1

    assert await messages(services, "edit:") == {}
    assert await planned(services, "check_channel") == {phase_id: clock.now()}
    assert await planned(services, "refresh_announcement") == {
        phase_id: datetime(2026, 11, 25, 0, 1, tzinfo=UTC)
    }
