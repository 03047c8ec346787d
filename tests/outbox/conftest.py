from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession, ClientTimeout

from bot.clock import AdjustableClock
from bot.db.engine import Database
from bot.outbox import sender_leases
from bot.playground.server import FakeSlack
from tests.harness import WORKSPACE
from tests.outbox.sender import Sender


@pytest.fixture
async def sender(
    db: Database, clock: AdjustableClock, fake_slack: FakeSlack
) -> AsyncIterator[Sender]:
    async with db.transaction() as tx:
        await sender_leases.resume(tx, WORKSPACE)  # as installing the app does
    async with ClientSession(timeout=ClientTimeout(total=5)) as session:
        yield Sender(db, clock, fake_slack, session)
