"""The bot was away, or people moved: what they read afterwards, and when, in their own hours."""

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
async def running(harness: BotHarness) -> BotHarness:
    """A phase since Monday, before its first questions."""
    async with harness.bot.db.transaction() as tx:
        await a_phase(tx)
        await plan_rounds(tx, WORKSPACE, await the_phase(tx), NOW)
    await harness.settle()
    return harness


def read_at(harness: BotHarness, user_id: str) -> list[datetime]:
    """When each message in this person's conversation with the bot was posted, where they are."""
    zone = ZoneInfo(harness.slack.workspace.users[user_id].tz or "UTC")
    messages = harness.slack.as_user(user_id).dm_with_bot()
    return [datetime.fromtimestamp(float(one["ts"]), UTC).astimezone(zone) for one in messages]


async def away_until(harness: BotHarness, instant: datetime) -> None:
    """Time passes, and nobody is there to do anything; then the bot is back."""
    harness.clock.move_to(instant)
    us = (await harness.bot.client.auth_test()).data
    assert isinstance(us, dict)
    await install(harness.bot.db, us, harness.clock.now())  # as at its start
    await harness.settle()


@pytest.mark.parametrize(
    "back",
    [
        datetime(2026, 11, 25, 3, tzinfo=UTC),  # the first questions are some hours late
        datetime(2026, 11, 28, 3, tzinfo=UTC),  # a Saturday: they are out of date
        datetime(2026, 12, 1, 3, tzinfo=UTC),  # the next ones are just due
        datetime(2026, 12, 20, 3, tzinfo=UTC),  # the phase should have ended
        datetime(2027, 1, 15, 3, tzinfo=UTC),
    ],
)
async def test_woken_at_three_nobody_is_written_to_at_a_bad_hour(
    running: BotHarness, back: datetime
) -> None:
    await away_until(running, back)
    await running.wait(days=4)

    for user_id in (ANA, *MEMBERS):
        for at in read_at(running, user_id):
            assert at.weekday() < 5, at
            assert time(8) <= at.time() <= time(20, 1), at


async def test_questions_of_a_round_that_passed_are_never_asked(running: BotHarness) -> None:
    """Open, and then away for all of its time: no questions, no results of nobody."""
    await running.travel_to(datetime(2026, 11, 23, 20, tzinfo=UTC))  # opened, nobody asked yet
    await away_until(running, datetime(2026, 11, 28, 3, tzinfo=UTC))
    await running.wait(days=2)

    for user_id in (ANA, *MEMBERS):
        assert running.slack.as_user(user_id).dm_with_bot() == []

    await running.travel_to(datetime(2026, 12, 1, 23, tzinfo=UTC))
    (asked,) = running.slack.as_user(BEN).dm_with_bot()
    assert asked["text"].startswith("Three questions about this week")


async def test_what_could_not_be_sent_in_time_does_not_come_at_night(running: BotHarness) -> None:
    """Decided in time, held up on its way to Slack: it is put off where it is sent, too."""
    await running.travel_to(datetime(2026, 11, 24, 7, tzinfo=UTC))
    assert read_at(running, BEN) == []
    async with running.bot.db.transaction() as tx:
        await sender_leases.halt(tx, WORKSPACE, "token_expired")
    await running.travel_to(datetime(2026, 11, 24, 22, tzinfo=UTC))  # asked at 09:00 in Lagos
    async with running.bot.db.transaction() as tx:
        await sender_leases.resume(tx, WORKSPACE)
    await running.wait(hours=12)

    (at,) = read_at(running, BEN)
    assert at.date().isoformat() == "2026-11-25"
    assert at.time() >= time(8)


async def test_what_could_not_be_posted_in_time_comes_to_a_channel_in_its_leads_hours(
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
    assert "it's over" in posted["text"]


async def test_who_moves_is_asked_at_their_time_there_and_once(running: BotHarness) -> None:
    await running.travel_to(WEEKLY_OPENS + timedelta(hours=1))
    before = len(read_at(running, BEN))
    running.slack.set_tz(BEN, "America/Los_Angeles")
    await running.settle()
    await running.travel_to(datetime(2026, 12, 1, 23, tzinfo=UTC))

    (at,) = read_at(running, BEN)[before:]
    assert (at.date().isoformat(), at.time().hour) == ("2026-12-01", 10)


async def test_a_weekly_round_asks_slack_about_nobody_it_knows(running: BotHarness) -> None:
    await running.travel_to(datetime(2026, 11, 27, 12, tzinfo=UTC))
    assert "users.info" in {call.method for call in running.slack.calls}
    running.slack.calls.clear()

    await running.travel_to(datetime(2026, 12, 11, 12, tzinfo=UTC))

    called = {call.method for call in running.slack.calls}
    assert "chat.postMessage" in called
    assert "users.info" not in called


async def test_who_moved_while_nobody_was_there_is_asked_at_their_time_there(
    running: BotHarness,
) -> None:
    await running.travel_to(WEEKLY_OPENS + timedelta(hours=1))
    before = len(read_at(running, BEN))
    running.slack.workspace.users[BEN].tz = "America/Los_Angeles"  # unheard
    await away_until(running, WEEKLY_OPENS + timedelta(hours=2))
    await running.travel_to(datetime(2026, 12, 1, 23, tzinfo=UTC))

    (at,) = read_at(running, BEN)[before:]
    assert (at.date().isoformat(), at.time().hour) == ("2026-12-01", 10)


async def test_after_a_start_people_are_asked_about_one_after_the_other(
    running: BotHarness,
) -> None:
    await running.travel_to(datetime(2026, 11, 27, 12, tzinfo=UTC))
    running.slack.calls.clear()
    await away_until(running, datetime(2026, 11, 27, 13, tzinfo=UTC))
    await running.wait(minutes=1)

    reads = [call for call in running.slack.calls if call.method == "users.info"]
    assert sorted(call.args["user"] for call in reads) == sorted((ANA, *MEMBERS))
    assert len({call.at for call in reads}) == len(reads)
