"""The people and channels of the example workspace, and a harness to run the bot and the clock."""

import base64
import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from bot.agenda.schedule import PARKED
from bot.app import Imbalance, advance_clock
from bot.clock import AdjustableClock, random_bytes
from bot.db import schema
from bot.db.engine import Database
from bot.keys import KeyRing
from bot.outbox.delivery import RetryTimings
from bot.outbox.queue_heads import OPEN
from bot.outbox.rate_limits import RateLimits
from bot.playground.server import FakeSlack
from bot.round_keys import RoundKeys

ANA, BEN, CHIARA, DEV = "U0ANA", "U0BEN", "U0CHI", "U0DEV"
EMI, FINN, GUSTAVO, HANA = "U0EMI", "U0FIN", "U0GUS", "U0HAN"
MEMBERS = (BEN, CHIARA, DEV, EMI, FINN, GUSTAVO, HANA)
OWNER, DEACTIVATED, GUEST, OTHER_BOT, EXTERNAL = "U0OWN", "U0OLD", "U0GST", "U0CIB", "U0EXT"
LAUNCH, PLATFORM, SECRET, PARTNER = "C0LAUNCH", "C0PLATF", "C0SECRET", "C0PARTN"
ARCHIVED, GENERAL = "C0OLDPR", "C0GENRAL"
WORKSPACE = "T0PLAY"

#: `make test ALL=1`: also the variants that only CI waits for.
ALL_VARIANTS = bool(os.environ.get("ALL_VARIANTS"))

KEY = bytes(range(32))
#: The keys of a bot without ROUND_KEYS_DIR; every test's bot can read what they wrapped.
KEY_RING = KeyRing([KEY])
KEYS = RoundKeys(None, KEY_RING)


def other_keys() -> RoundKeys:
    """Keys of a process that has neither this IMBALANCE_KEYS nor this ROUND_KEYS_DIR."""
    return RoundKeys(None, KeyRing([random_bytes(32)]))


#: A one-pixel image, so that no test has to draw a chart.
TINY_PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAsTj2FAAAAABJRU5ErkJggg=="
)


#: Nothing is waited for.
NO_WAITS = RetryTimings(settle=0, first_retry=0, picture_retry=0, picture_tries=2)


async def tiny_picture(_: object) -> bytes:
    return TINY_PNG


def without_limits(retry_timings: RetryTimings = NO_WAITS) -> dict[str, Any]:
    """Arguments of `Imbalance`: no rate limits, no waits by default, and a ready-made picture."""
    return {
        "rate_limits": RateLimits(limited=False),
        "retry_timings": retry_timings,
        "draw": tiny_picture,
    }


async def unfinished(db: Database, now: datetime) -> list[str]:
    """The actions that are due by this time, and the keys of the messages that are not delivered.

    What is parked until a token is valid again does not count.
    """
    agenda, messages = schema.agenda, schema.messages
    due = select(agenda.c.action).where(
        agenda.c.due_at <= now, func.coalesce(agenda.c.retry_at, now) < PARKED
    )
    undelivered = select(messages.c.key).where(
        messages.c.state.in_(OPEN), messages.c.not_before <= now
    )
    async with db.reading() as reader:
        return [*await reader.scalars(due), *await reader.scalars(undelivered)]


@dataclass(frozen=True, kw_only=True)
class BotHarness:
    """A running bot and its fake Slack."""

    bot: Imbalance
    slack: FakeSlack
    clock: AdjustableClock

    async def settle(self) -> None:
        """Wait until the bot and the fake Slack have nothing left to do at this time."""
        await self.slack.settled()
        await self.bot.catch_up()
        await self.slack.settled()

    async def travel_to(self, until: datetime) -> None:
        """Advance the clock to `until`, and run everything that becomes due on the way."""
        await advance_clock(self.bot, self.clock, until)
        await self.slack.settled()

    async def wait(self, **time: float) -> None:
        """Advance the clock by a `timedelta` of these arguments, such as hours=1."""
        await self.travel_to(self.clock.now() + timedelta(**time))
