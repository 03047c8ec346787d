"""Agenda actions that hit Slack's rate limits."""

from datetime import timedelta

import pytest
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import select, update

from bot.agenda import schedule
from bot.agenda.schedule import AgendaItem
from bot.agenda.ticker import Ticker
from bot.clock import AdjustableClock, real_now
from bot.db import schema
from bot.db.engine import Database
from bot.playground.server import FakeSlack
from tests.harness import LAUNCH, WORKSPACE


@pytest.mark.parametrize(
    ("attempts", "retry_after", "waits"), [(0, 300, 300), (9, 300, 600), (9, 900, 900)]
)
async def test_rate_limited_action_waits_for_retry_after_or_its_longer_backoff(
    db: Database,
    clock: AdjustableClock,
    fake_slack: FakeSlack,
    attempts: int,
    retry_after: int,
    waits: int,
) -> None:
    client = AsyncWebClient(fake_slack.bot_token, base_url=fake_slack.api_url, retry_handlers=[])

    async def call_slack(_: AgendaItem) -> None:
        await client.conversations_info(channel=LAUNCH)

    fake_slack.faults.fail_next("conversations.info", status=429, retry_after=retry_after)
    async with db.transaction() as tx:
        await schedule.add(tx, WORKSPACE, action="call_slack", subject="one", due_at=clock.now())
        await tx.execute(update(schema.agenda).values(attempts=attempts))
    await Ticker(db, clock, {"call_slack": call_slack}).tick()

    async with db.reading() as reader:
        again = (await reader.execute(select(schema.agenda.c.retry_at))).scalar_one()
    assert timedelta(seconds=waits - 100) < again - real_now() <= timedelta(seconds=waits)
