"""A delivery at work against the fake Slack, and what it left behind."""

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
from bot.slack.content import content, section
from tests.harness import BEN, LAUNCH, TINY_PNG, WORKSPACE

IMPATIENT = RetryTimings(settle=0, first_retry=0, picture_retry=0, picture_tries=2)


class Sender:
    """A delivery, and the words to give it work."""

    def __init__(
        self, db: Database, clock: AdjustableClock, slack: FakeSlack, session: ClientSession
    ):
        self.db, self.clock, self.slack = db, clock, slack
        self.client = AsyncWebClient(
            slack.bot_token, base_url=slack.api_url, retry_handlers=[], timeout=1, session=session
        )
        self.draws_fail = False
        self.delivery = self.another()

    def another(
        self,
        retry_timings: RetryTimings = IMPATIENT,
        *,
        limited: bool = False,
        client: AsyncWebClient | None = None,
        **more: Any,
    ) -> Delivery:
        """One that shares the database; `more` is what follows and when it suits."""

        async def draw(_: object) -> bytes:
            if self.draws_fail:
                raise TimeoutError
            return TINY_PNG

        pace = RateLimits(limited=limited)
        return Delivery(
            self.db,
            self.clock,
            lambda _: client or self.client,
            draw,
            pace=pace,
            retry_timings=retry_timings,
            **more,
        )

    async def say(self, key: str, to: str = LAUNCH, text: str = "", **more: Any) -> None:
        said = content(text or key, section(text or key))
        async with self.db.transaction() as tx:
            await enqueue.post(
                tx,
                WORKSPACE,
                key=MessageKey(key),
                to=to,
                content=said,
                now=self.clock.now(),
                **more,
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


def our_event(
    message_id: str, *, event_type: str = METADATA_TYPE, **changed: Any
) -> dict[str, Any]:
    """Slack's event that our bot posted this message to #launch."""
    return {
        "channel_id": LAUNCH,
        "message_ts": "1795424401.000000",
        "user_id": BOT_USER_ID,
        "metadata": {"event_type": event_type, "event_payload": {"id": message_id}},
        **changed,
    }


def our_context(team_id: str = WORKSPACE) -> AsyncBoltContext:
    """What Bolt knows of the workspace that an event comes from."""
    return AsyncBoltContext({"team_id": team_id, "bot_user_id": BOT_USER_ID})
