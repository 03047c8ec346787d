"""Slack asks to wait with a question: nobody asks that again before, and all else goes on."""

from datetime import timedelta

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import delete, func, select, update

from bot.agenda import schedule
from bot.agenda.actions import ActionName
from bot.agenda.ticker import AT_ONCE
from bot.clock import real_now
from bot.db import schema
from bot.db.engine import Database
from bot.metrics import rate_limited
from bot.slack.conversations import channel_of, member_ids
from bot.slack.errors import verdict
from bot.slack.people import People
from bot.slack.throttled_reads import ThrottledReads
from tests.harness import ANA, BEN, LAUNCH, MEMBERS, OWNER, PLATFORM, WORKSPACE, BotHarness
from tests.scenarios.lead import Lead, count
from tests.scenarios.screen import told

LONG = 3000  # seconds: no test waits for it


def asked(harness: BotHarness, method: str) -> int:
    return sum(call.method == method for call in harness.slack.calls)


def busy(harness: BotHarness, method: str) -> None:
    """Slack answers this method with 429 from now on."""
    harness.slack.calls.clear()
    harness.slack.faults.fail_next(method, status=429, retry_after=LONG, times=500)


async def passes(harness: BotHarness, **time: float) -> None:
    """So much time; what Slack refused is not waited for."""
    harness.clock.advance(timedelta(**time))
    await harness.settle()


async def over(harness: BotHarness) -> None:
    """The time that Slack asked for has passed."""
    harness.slack.faults.clear()
    async with harness.bot.db.transaction() as tx:
        await tx.execute(delete(schema.rate_limit_waits))
        failed = schema.agenda.c.attempts > 0
        await tx.execute(update(schema.agenda).where(failed).values(retry_at=None))


async def test_people_are_asked_about_again_when_slack_allows_it(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    harness.slack.workspace.users[BEN].tz = "Asia/Tokyo"  # unheard
    busy(harness, "users.info")
    async with harness.bot.db.transaction() as tx:
        now = harness.clock.now()
        await schedule.add(
            tx, WORKSPACE, action=ActionName.ASK_WHAT_WAS_MISSED, subject=WORKSPACE, due_at=now
        )
    harness.slack.leave(LAUNCH, MEMBERS[1])
    await passes(harness, minutes=1)

    in_vain = asked(harness, "users.info")
    assert 1 <= in_vain <= AT_ONCE  # what was under way when Slack said so
    assert asked(harness, "conversations.members") > 0  # who left was noticed
    await over(harness)
    await passes(harness, minutes=1)
    assert asked(harness, "users.info") == in_vain + await count(harness, schema.people)
    people = schema.people
    async with harness.bot.db.reading() as reader:
        zone = await reader.scalar(select(people.c.zone).where(people.c.user_id == BEN))
    assert zone == "Asia/Tokyo"


async def test_a_round_waits_to_open_until_slack_says_who_is_there(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    busy(harness, "conversations.members")
    harness.slack.join(LAUNCH, OWNER)
    await harness.settle()
    in_vain = asked(harness, "conversations.members")
    await passes(harness, hours=12)

    assert asked(harness, "conversations.members") == in_vain == 1
    await over(harness)
    await harness.wait(days=2)
    assert any("questions" in text for text in told(harness, BEN))


async def test_other_processes_and_methods_and_workspaces(
    db: Database, harness: BotHarness, database_url: str
) -> None:
    client: AsyncWebClient = harness.bot.client
    refusals = rate_limited.labels("users.info")._value.get()
    busy(harness, "users.info")
    with pytest.raises(SlackApiError):
        await harness.bot.services.people.one(client, WORKSPACE, BEN)

    other_reads = ThrottledReads(db)  # of another process
    other = People(db, harness.clock, other_reads)
    with pytest.raises(SlackApiError) as refused:
        await other.one(client, WORKSPACE, ANA)

    assert asked(harness, "users.info") == 1
    assert rate_limited.labels("users.info")._value.get() == refusals + 1
    assert LONG - 600 < (verdict(refused.value).retry_after or 0) <= LONG
    assert BEN in await member_ids(other_reads, client, WORKSPACE, LAUNCH)
    assert await channel_of(other_reads, client, WORKSPACE, PLATFORM) is not None
    harness.slack.faults.clear()
    assert await other.one(client, "T0OTHER", BEN) is not None


async def test_once_the_time_is_over_slack_is_asked(db: Database, harness: BotHarness) -> None:
    async with db.transaction() as tx:
        row = {"workspace_id": WORKSPACE, "method": "users_info"}
        past = real_now() - timedelta(seconds=1)
        await tx.execute(schema.rate_limit_waits.insert().values(**row, until=past))

    found = await People(db, harness.clock, ThrottledReads(db)).one(
        harness.bot.client, WORKSPACE, BEN
    )

    assert found is not None
    async with db.reading() as reader:
        assert await reader.scalar(select(func.count()).select_from(schema.rate_limit_waits)) == 1
