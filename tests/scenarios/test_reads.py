"""Rate-limited reads: the method is not called again too soon, and everything else goes on."""

from datetime import timedelta

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import delete, func, select, update

from bot.agenda import schedule
from bot.agenda.actions import ActionName
from bot.agenda.ticker import MAX_CONCURRENT
from bot.clock import real_now
from bot.db import schema
from bot.db.engine import Database
from bot.metrics import rate_limited
from bot.slack.conversations import fetch_channel, fetch_member_ids
from bot.slack.errors import classify
from bot.slack.people import People
from bot.slack.throttled_reads import ThrottledReads
from tests.harness import ANA, BEN, LAUNCH, MEMBERS, OWNER, PLATFORM, WORKSPACE, BotHarness
from tests.scenarios.lead import Lead, count
from tests.scenarios.screen import dm_texts

RETRY_AFTER_SECONDS = 3000  # no test waits this long


def call_count(harness: BotHarness, method: str) -> int:
    return sum(call.method == method for call in harness.slack.calls)


def rate_limit(harness: BotHarness, method: str) -> None:
    """Make Slack answer this method with 429 from now on."""
    harness.slack.calls.clear()
    harness.slack.faults.fail_next(method, status=429, retry_after=RETRY_AFTER_SECONDS, times=500)


async def advance(harness: BotHarness, **time: float) -> None:
    """Let time pass without waiting for the rate limit to expire."""
    harness.clock.advance(timedelta(**time))
    await harness.settle()


async def end_rate_limit(harness: BotHarness) -> None:
    """End the rate limit, and forget its recorded waits."""
    harness.slack.faults.clear()
    async with harness.bot.db.transaction() as tx:
        await tx.execute(delete(schema.rate_limit_waits))
        failed = schema.agenda.c.attempts > 0
        await tx.execute(update(schema.agenda).where(failed).values(retry_at=None))


async def test_profile_lookups_resume_after_the_rate_limit(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    harness.slack.workspace.users[BEN].tz = "Asia/Tokyo"  # without an event
    rate_limit(harness, "users.info")
    async with harness.bot.db.transaction() as tx:
        now = harness.clock.now()
        await schedule.add(tx, WORKSPACE, action=ActionName.CATCH_UP, subject=WORKSPACE, due_at=now)
    harness.slack.leave(LAUNCH, MEMBERS[1])
    await advance(harness, minutes=1)

    limited_calls = call_count(harness, "users.info")
    assert 1 <= limited_calls <= MAX_CONCURRENT  # calls already under way at the first 429
    assert call_count(harness, "conversations.members") > 0  # the other method still works
    await end_rate_limit(harness)
    await advance(harness, minutes=1)
    assert call_count(harness, "users.info") == limited_calls + await count(harness, schema.people)
    people = schema.people
    async with harness.bot.db.reading() as reader:
        zone = await reader.scalar(select(people.c.zone).where(people.c.user_id == BEN))
    assert zone == "Asia/Tokyo"


async def test_round_opens_only_after_the_member_lookup_succeeds(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    rate_limit(harness, "conversations.members")
    harness.slack.join(LAUNCH, OWNER)
    await harness.settle()
    limited_calls = call_count(harness, "conversations.members")
    await advance(harness, hours=12)

    assert call_count(harness, "conversations.members") == limited_calls == 1
    await end_rate_limit(harness)
    await harness.wait(days=2)
    assert any("questions" in text for text in dm_texts(harness, BEN))


async def test_rate_limit_is_shared_by_processes_and_scoped_by_method_and_workspace(
    db: Database, harness: BotHarness, database_url: str
) -> None:
    client: AsyncWebClient = harness.bot.client
    refusals = rate_limited.labels("users.info")._value.get()
    rate_limit(harness, "users.info")
    with pytest.raises(SlackApiError):
        await harness.bot.services.people.get(client, WORKSPACE, BEN)

    other_reads = ThrottledReads(db)  # as in another process
    other = People(db, harness.clock, other_reads)
    with pytest.raises(SlackApiError) as refused:
        await other.get(client, WORKSPACE, ANA)

    assert call_count(harness, "users.info") == 1
    assert rate_limited.labels("users.info")._value.get() == refusals + 1
    assert (
        RETRY_AFTER_SECONDS - 600
        < (classify(refused.value).retry_after or 0)
        <= RETRY_AFTER_SECONDS
    )
    assert BEN in await fetch_member_ids(other_reads, client, WORKSPACE, LAUNCH)
    assert await fetch_channel(other_reads, client, WORKSPACE, PLATFORM) is not None
    harness.slack.faults.clear()
    assert await other.get(client, "T0OTHER", BEN) is not None


async def test_expired_rate_limit_allows_the_call(db: Database, harness: BotHarness) -> None:
    async with db.transaction() as tx:
        row = {"workspace_id": WORKSPACE, "method": "users_info"}
        past = real_now() - timedelta(seconds=1)
        await tx.execute(schema.rate_limit_waits.insert().values(**row, until=past))

    found = await People(db, harness.clock, ThrottledReads(db)).get(
        harness.bot.client, WORKSPACE, BEN
    )

    assert found is not None
    async with db.reading() as reader:
        assert await reader.scalar(select(func.count()).select_from(schema.rate_limit_waits)) == 1
