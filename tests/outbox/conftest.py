from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession, ClientTimeout

from bot.clock import MovedClock
from bot.db.engine import Database
from bot.playground.server import StandIn
from tests.outbox.sender import Sender


@pytest.fixture
async def sender(db: Database, clock: MovedClock, standin: StandIn) -> AsyncIterator[Sender]:
    async with ClientSession(timeout=ClientTimeout(total=1)) as session:
        yield Sender(db, clock, standin, session)
