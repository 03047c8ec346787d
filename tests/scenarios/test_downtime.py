"""Delivery times after downtime, halted senders and changes of time zone."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.outbox import sender_leases
from bot.rounds.lifecycle import plan_rounds
from bot.workspaces.lifecycle import install
from tests.harness import ANA, BEN, LAUNCH, MEMBERS, WORKSPACE, BotHarness
from tests.rounds.round_rows import NOW, a_phase, the_phase
from tests.scenarios.lead import Lead

WEEKLY_OPENS = datetime(2026, 11, 30, 20, tzinfo=UTC)  # Tuesday 10:00 where days begin first


@pytest.fixture
async def phase_started(harness: BotHarness) -> BotHarness:
    """A phase started on Monday, before its first round."""
    async with harness.bot.db.transaction() as tx:
        await a_phase(tx)
        await plan_rounds(tx, WORKSPACE, await the_phase(tx), NOW)
    await harness.settle()
    return harness


def posted_at(harness: BotHarness, user_id: str) -> list[datetime]:
    """Return the person's local time of each of their direct messages from the bot."""
    zone = ZoneInfo(harness.slack.workspace.users[user_id].tz or "UTC")
    messages = harness.slack.as_user(user_id).dm_with_bot()
    return [datetime.fromtimestamp(float(one["ts"]), UTC).astimezone(zone) for one in messages]


async def stay_down_until(harness: BotHarness, instant: datetime) -> None:
    """Let time pass without the bot, then restart it."""
    harness.clock.move_to(instant)
    us = (await harness.bot.client.auth_test()).data
    assert isinstance(us, dict)
    await install(harness.bot.db, us, harness.clock.now())  # as at startup
    await harness.settle()


@pytest.mark.parametrize(
    "restarted_at",
    [
        datetime(2026, 11, 25, 3, tzinfo=UTC),  # the first round is some hours late
        datetime(2026, 11, 28, 3, tzinfo=UTC),  # a Saturday: the first round is out of date
        datetime(2026, 12, 1, 3, tzinfo=UTC),  # the next round is just due
        datetime(2026, 12, 20, 3, tzinfo=UTC),  # the phase should have ended
        datetime(2027, 1, 15, 3, tzinfo=UTC),
    ],
)
async def test_direct_messages_stay_within_working_hours_after_downtime(
    phase_started: BotHarness, restarted_at: datetime
) -> None:
    await stay_down_until(phase_started, restarted_at)
    await phase_started.wait(days=4)

    for user_id in (ANA, *MEMBERS):
        for at in posted_at(phase_started, user_id):
            assert at.weekday() < 5, at
            assert time(8) <= at.time() <= time(20, 1), at


async def test_round_that_closed_during_downtime_asks_nobody(phase_started: BotHarness) -> None:
    """The downtime begins after the round opened and before anybody was asked."""
    await phase_started.travel_to(
        datetime(2026, 11, 23, 20, tzinfo=UTC)
    )  # opened, nobody asked yet
    await stay_down_until(phase_started, datetime(2026, 11, 28, 3, tzinfo=UTC))
    await phase_started.wait(days=2)

    for user_id in (ANA, *MEMBERS):
        assert phase_started.slack.as_user(user_id).dm_with_bot() == []

    await phase_started.travel_to(datetime(2026, 12, 1, 23, tzinfo=UTC))
    (asked,) = phase_started.slack.as_user(BEN).dm_with_bot()
    assert asked["text"].startswith("Three quick questions")


async def test_direct_message_delayed_by_a_halted_sender_is_not_sent_at_night(
    phase_started: BotHarness,
) -> None:
    """The sender checks working hours again if a queued message is delayed."""
    await phase_started.travel_to(datetime(2026, 11, 24, 7, tzinfo=UTC))
    assert posted_at(phase_started, BEN) == []
    async with phase_started.bot.db.transaction() as tx:
        await sender_leases.halt(tx, WORKSPACE, "token_expired")
    await phase_started.travel_to(datetime(2026, 11, 24, 22, tzinfo=UTC))  # asked at 09:00 in Lagos
    async with phase_started.bot.db.transaction() as tx:
        await sender_leases.resume(tx, WORKSPACE)
    await phase_started.wait(hours=12)

    (at,) = posted_at(phase_started, BEN)
    assert at.date().isoformat() == "2026-11-25"
    assert at.time() >= time(8)


async def test_channel_message_delayed_by_a_halt_waits_for_the_leads_working_hours(
    harness: BotHarness,
) -> None:
    """A phase ends on a Monday at 17:00 in Lisbon; Slack is back on Tuesday at 03:00."""
    await Lead(harness).starts()
    await harness.travel_to(datetime(2026, 12, 7, 16, 30, tzinfo=UTC))
    before = len(harness.slack.as_user(BEN).visible(LAUNCH))
    async with harness.bot.db.transaction() as tx:
        await sender_leases.halt(tx, WORKSPACE, "token_expired")
    harness.clock.move_to(datetime(2026, 12, 7, 17, 5, tzinfo=UTC))
    await harness.settle()
    harness.clock.move_to(datetime(2026, 12, 8, 3, tzinfo=UTC))
    async with harness.bot.db.transaction() as tx:
        await sender_leases.resume(tx, WORKSPACE)
    await harness.settle()
    assert len(harness.slack.as_user(BEN).visible(LAUNCH)) == before

    await harness.travel_to(datetime(2026, 12, 8, 8, tzinfo=UTC))
    (posted,) = harness.slack.as_user(BEN).visible(LAUNCH)[before:]
    assert "has wrapped up" in posted["text"]


async def test_member_who_changes_time_zone_is_asked_once_at_the_new_local_time(
    phase_started: BotHarness,
) -> None:
    await phase_started.travel_to(WEEKLY_OPENS + timedelta(hours=1))
    before = len(posted_at(phase_started, BEN))
    phase_started.slack.set_tz(BEN, "America/Los_Angeles")
    await phase_started.settle()
    await phase_started.travel_to(datetime(2026, 12, 1, 23, tzinfo=UTC))

    (at,) = posted_at(phase_started, BEN)[before:]
    assert (at.date().isoformat(), at.time().hour) == ("2026-12-01", 10)


async def test_weekly_round_reuses_stored_profiles_without_users_info_calls(
    phase_started: BotHarness,
) -> None:
    await phase_started.travel_to(datetime(2026, 11, 27, 12, tzinfo=UTC))
    assert "users.info" in {call.method for call in phase_started.slack.calls}
    phase_started.slack.calls.clear()

    await phase_started.travel_to(datetime(2026, 12, 11, 12, tzinfo=UTC))

    called = {call.method for call in phase_started.slack.calls}
    assert "chat.postMessage" in called
    assert "users.info" not in called


async def test_time_zone_change_missed_during_downtime_still_moves_the_question(
    phase_started: BotHarness,
) -> None:
    await phase_started.travel_to(WEEKLY_OPENS + timedelta(hours=1))
    before = len(posted_at(phase_started, BEN))
    phase_started.slack.workspace.users[BEN].tz = "America/Los_Angeles"  # without an event
    await stay_down_until(phase_started, WEEKLY_OPENS + timedelta(hours=2))
    await phase_started.travel_to(datetime(2026, 12, 1, 23, tzinfo=UTC))

    (at,) = posted_at(phase_started, BEN)[before:]
    assert (at.date().isoformat(), at.time().hour) == ("2026-12-01", 10)


async def test_profiles_are_refreshed_one_at_a_time_after_startup(
    phase_started: BotHarness,
) -> None:
    await phase_started.travel_to(datetime(2026, 11, 27, 12, tzinfo=UTC))
    phase_started.slack.calls.clear()
    await stay_down_until(phase_started, datetime(2026, 11, 27, 13, tzinfo=UTC))
    await phase_started.wait(minutes=1)

    reads = [call for call in phase_started.slack.calls if call.method == "users.info"]
    assert sorted(call.args["user"] for call in reads) == sorted((ANA, *MEMBERS))
    assert len({call.at for call in reads}) == len(reads)
