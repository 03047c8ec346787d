"""A whole bot and its fake Slack, driven step by step from synchronous code."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import func, select

from bot.app import Imbalance
from bot.clock import AdjustableClock
from bot.db import schema
from bot.outbox.delivery import RetryTimings
from bot.playground.fake_slack.core import Call
from bot.playground.fake_slack.workspace_changes import EventDelivery, wait_for_delivery
from bot.playground.server import FakeSlack
from bot.settings import Settings
from tests.conftest import MANIFEST, MONDAY
from tests.harness import KEY, BotHarness, unfinished, without_limits
from tests.model.crashable_loop import CrashableTasks, abandoned_connections

T = TypeVar("T")

SETTLE_TIMEOUT = 60.0  # real seconds
STEP_TIMEOUT = 900.0  # real seconds; far more than any step takes, so that one that hangs is named
SHORT_ACK_SECONDS = 1.0  # until Slack considers an acknowledgement lost
POLL_SECONDS = 0.02
RETRY_TIMINGS = RetryTimings(settle=0, first_retry=0, picture_retry=0, picture_tries=2, poll=0.05)


class PatientFakeSlack(FakeSlack):
    """A fake Slack with a longer timeout, for a slow machine."""

    async def settled(self, timeout: float = SETTLE_TIMEOUT) -> None:
        await super().settled(timeout)


class World:
    """The running bot, which can be stopped, killed and restarted while Slack continues."""

    def __init__(self, url: str) -> None:
        self._runner = asyncio.Runner()
        self._bot_tasks = CrashableTasks(self._runner.get_loop())
        self._url = url
        self.clock = AdjustableClock(MONDAY)
        self.slack = PatientFakeSlack(clock=self.clock.now, manifest=MANIFEST)
        self._calls_read = 0
        self.do(self.slack.start())
        self.slack.core.dispatch.retry_after = (0.0,) * 20  # tolerates a slow bot
        self.harness = self.do(self._start_bot())

    def do(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(asyncio.wait_for(coroutine, STEP_TIMEOUT))

    def close(self) -> None:
        try:
            self.do(self.harness.bot.stop())
            self.do(self.slack.stop())
        finally:
            self._runner.close()

    @property
    def now(self) -> datetime:
        return self.clock.now()

    def settle(self) -> None:
        """Wait until all work due now is done, including retries."""
        self.do(self._settle())

    def travel_to(self, until: datetime) -> None:
        """Let time pass, stopping at everything that becomes due on the way."""
        self.do(self._travel_to(until))

    def clear_faults(self) -> None:
        """Remove all faults, so that user actions succeed; only background work may fail."""
        self.slack.faults.clear()

    def unread_calls(self) -> list[Call]:
        """Return the calls to Slack since the last time."""
        fresh, self._calls_read = self.slack.calls[self._calls_read :], len(self.slack.calls)
        return fresh

    def apply_change(self, change: Callable[[FakeSlack], EventDelivery]) -> None:
        """Change something in Slack, and wait until its event, if any, is delivered."""

        async def apply() -> None:
            await wait_for_delivery(change(self.slack))

        self.do(apply())

    def apply_change_with_lost_ack(self, change: Callable[[FakeSlack], EventDelivery]) -> None:
        """Like `apply_change`, but the acknowledgement is lost, so the event is redelivered."""
        dispatch = self.slack.core.dispatch
        normal_ack_seconds, dispatch.ack_seconds = dispatch.ack_seconds, SHORT_ACK_SECONDS
        self.slack.faults.lose_acks(1)
        self.apply_change(change)
        self.slack.faults.clear()
        dispatch.ack_seconds = normal_ack_seconds

    def renew_sockets(self, *, cut: bool) -> None:
        async def renew() -> None:
            if cut:
                self.slack.faults.cut_sockets()
            elif (renewing := self.slack.faults.refresh_sockets()) is not None:
                await renewing

        self.do(renew())

    def stop_bot_until(
        self, until: datetime, meanwhile: Callable[[FakeSlack], EventDelivery]
    ) -> None:
        """Stop the bot, apply the change, and restart it at `until`.

        Slack's events are delivered afterwards, as after a short outage.
        """
        self.slack.core.events.hold()
        self.do(self.harness.bot.stop())
        self.apply_change(meanwhile)
        self.clock.move_to(until)
        self.harness = self.do(self._start_bot())
        self.do(self.slack.core.events.release())
        self.settle()

    def kill_bot_at_work(self, calls: int, turns: int) -> None:
        """Kill the bot during its next due work, and start a new one at that moment.

        It is killed after this many calls to Slack and then this many turns of the event loop, or
        when its work is done.
        """
        self.do(self._kill_bot(calls, turns))
        self.harness = self.do(self._start_bot())
        self.do(self.slack.core.events.release())
        self.settle()

    async def _kill_bot(self, calls: int, turns: int) -> None:
        await self._settle()
        self.clock.move_to(await self._next_due() or self.now)
        self.slack.core.events.hold()
        before = len(self.slack.calls)
        working = self._bot_tasks.start(self.harness.bot.catch_up())
        while not working.done() and len(self.slack.calls) < before + calls:  # noqa: ASYNC110
            await asyncio.sleep(0)
        for _ in range(turns):
            await asyncio.sleep(0)
        with abandoned_connections():
            await self._bot_tasks.kill()
            await self.harness.bot.stop()  # releases what the killed tasks left open

    async def _start_bot(self) -> BotHarness:
        harness: BotHarness = await self._bot_tasks.start(self._build_bot())
        return harness

    async def _build_bot(self) -> BotHarness:
        settings = Settings(
            slack_bot_token=self.slack.bot_token,
            slack_app_token=self.slack.app_token,
            slack_signing_secret=self.slack.signing_secret,
            slack_api_url=self.slack.api_url,
            database_url=self._url,
            keys=(KEY,),
            tick_seconds=3600,
            http_port=0,
            metrics_port=0,
        )
        bot = Imbalance(settings, self.clock, **without_limits(RETRY_TIMINGS))
        await bot.start()
        return BotHarness(bot=bot, slack=self.slack, clock=self.clock)

    async def _settle(self) -> None:
        loop = asyncio.get_running_loop()
        give_up = loop.time() + SETTLE_TIMEOUT
        while True:
            await self.harness.settle()
            left = await unfinished(self.harness.bot.db, self.clock.now())
            if not left:
                return
            assert loop.time() < give_up, f"still to be done: {left}"
            await asyncio.sleep(POLL_SECONDS)

    async def _travel_to(self, until: datetime) -> None:
        await self._settle()
        while (due := await self._next_due()) is not None and due <= until:
            self.clock.move_to(max(due, self.now))
            await self._settle()
        self.clock.move_to(until)
        await self._settle()

    async def _next_due(self) -> datetime | None:
        """Return when the next action is due, or the next message may be sent."""
        messages = schema.messages
        waits = select(func.min(messages.c.not_before)).where(
            messages.c.state.in_(("pending", "unknown")), messages.c.not_before > self.now
        )
        async with self.harness.bot.db.reading() as reader:
            message_at = await reader.scalar(waits)
        action_at = await self.harness.bot.next_due()
        return min((one for one in (action_at, message_at) if one is not None), default=None)
