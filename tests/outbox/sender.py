"""A Delivery that sends to the fake Slack, and helpers to enqueue messages and read the results."""

from typing import Any

from aiohttp import ClientSession
from slack_bolt.async_app import AsyncBoltContext
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import select

from bot.clock import AdjustableClock
from bot.db import schema
from bot.db.engine import Database
from bot.outbox import enqueue
from bot.outbox.delivery import Delivery, RetryTimings
from bot.outbox.keys import MessageKey
from bot.outbox.rate_limits import RateLimits
from bot.outbox.web_api import METADATA_TYPE
from bot.playground.fake_slack.example_workspace import BOT_USER_ID
from bot.playground.server import FakeSlack
from bot.round_keys import RoundKeys
from bot.slack.content import content, section
from tests.harness import BEN, KEYS, LAUNCH, TINY_PNG, WORKSPACE

NO_DELAYS = RetryTimings(settle=0, first_retry=0, picture_retry=0, picture_tries=2)


class Sender:
    """A Delivery, with helpers to enqueue messages and read what was sent."""

    def __init__(
        self, db: Database, clock: AdjustableClock, slack: FakeSlack, session: ClientSession
    ):
        self.db, self.clock, self.slack = db, clock, slack
        self.client = AsyncWebClient(
            slack.bot_token, base_url=slack.api_url, retry_handlers=[], timeout=1, session=session
        )
        self.drawing_fails = False
        self.delivery = self.new_delivery()

    def new_delivery(
        self,
        retry_timings: RetryTimings = NO_DELAYS,
        *,
        limited: bool = False,
        client: AsyncWebClient | None = None,
        keys: RoundKeys = KEYS,
        **options: Any,
    ) -> Delivery:
        """A delivery on the same database; `options` are further arguments, such as callbacks."""

        async def draw(_: object) -> bytes:
            if self.drawing_fails:
                raise TimeoutError
            return TINY_PNG

        pace = RateLimits(limited=limited)
        return Delivery(
            self.db,
            self.clock,
            lambda _: client or self.client,
            draw,
            keys,
            rate_limits=pace,
            retry_timings=retry_timings,
            **options,
        )

    async def enqueue(self, key: str, to: str = LAUNCH, text: str = "", **options: Any) -> None:
        body = content(text or key, section(text or key))
        async with self.db.transaction() as tx:
            await enqueue.post(
                tx,
                WORKSPACE,
                key=MessageKey(key),
                to=to,
                content=body,
                now=self.clock.now(),
                **options,
            )

    async def deliver(self) -> None:
        while await self.delivery.deliver_due():
            pass

    async def row(self, key: str) -> Any:
        async with self.db.reading() as reader:
            messages = schema.messages
            return (await reader.execute(select(messages).where(messages.c.key == key))).one()

    def texts(self, channel: str = LAUNCH) -> list[str]:
        return [
            message["text"]
            for message in self.slack.as_user(BEN).visible(channel)
            if message.get("bot_id")
        ]


def message_posted_event(
    message_id: str, *, event_type: str = METADATA_TYPE, **changed: Any
) -> dict[str, Any]:
    """Slack's event that the bot posted this message to #launch."""
    return {
        "channel_id": LAUNCH,
        "message_ts": "1795424401.000000",
        "user_id": BOT_USER_ID,
        "metadata": {"event_type": event_type, "event_payload": {"id": message_id}},
        **changed,
    }


def bolt_context(team_id: str = WORKSPACE) -> AsyncBoltContext:
    """Bolt's context of an event from this workspace."""
    return AsyncBoltContext({"team_id": team_id, "bot_user_id": BOT_USER_ID})
