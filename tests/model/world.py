"""A whole bot and its Slack, driven from outside any event loop, one step after the other."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import func, select

from bot.agenda.schedule import PARKED
from bot.app import Imbalance
from bot.clock import AdjustableClock
from bot.db import schema
from bot.outbox.delivery import RetryTimings
from bot.outbox.rate_limits import RateLimits
from bot.playground.fake_slack.core import Call
from bot.playground.fake_slack.workspace_changes import Heard, done
from bot.playground.server import FakeSlack
from bot.settings import Settings
from tests.conftest import KEY, MANIFEST, MONDAY
from tests.harness import TINY_PNG, BotHarness
from tests.model.crashable_loop import Mortal

T = TypeVar("T")

SETTLES_WITHIN = 60.0  # real seconds
LOST_AFTER = 1.0  # that Slack takes an acknowledgement for lost
LOOK_EVERY = 0.02
PATIENCE = RetryTimings(settle=0, first_retry=0, picture_retry=0, picture_tries=2, look=0.05)


class Unhurried(FakeSlack):
    """A fake Slack that waits for a slow machine."""

    async def settled(self, timeout: float = SETTLES_WITHIN) -> None:
        await super().settled(timeout)


class World:
    """The running bot, which can be stopped and started; Slack goes on meanwhile."""

    def __init__(self, url: str) -> None:
        self._runner = asyncio.Runner()
        self._mortal = Mortal(self._runner.get_loop())
        self._url = url
        self.clock = AdjustableClock(MONDAY)
        self.slack = Unhurried(clock=self.clock.now, manifest=MANIFEST)
        self._read = 0
        self.do(self.slack.start())
        self.slack.core.dispatch.retry_after = (0.0,) * 20  # it may be slow for long
        self.harness = self.do(self._begun())

    def do(self, what: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(what)

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
        """Until nobody has anything left to do at this moment, whatever went wrong meanwhile."""
        self.do(self._settle())

    def travel_to(self, until: datetime) -> None:
        """Let time pass, stopping at everything that becomes due on the way."""
        self.do(self._travel_to(until))

    def calm(self) -> None:
        """What people wait for goes well: only what happens behind their backs may fail."""
        self.slack.faults.clear()

    def unread_calls(self) -> list[Call]:
        """What was asked of Slack since this was called last."""
        fresh, self._read = self.slack.calls[self._read :], len(self.slack.calls)
        return fresh

    def hears(self, happens: Callable[[FakeSlack], Heard]) -> None:
        """Something happens in Slack, and the bot has heard of it if it is told."""

        async def happen() -> None:
            await done(happens(self.slack))

        self.do(happen())

    def hears_again(self, happens: Callable[[FakeSlack], Heard]) -> None:
        """The same, and Slack loses the first acknowledgement: it tells the bot once more."""
        dispatch = self.slack.core.dispatch
        retry_timings, dispatch.ack_seconds = dispatch.ack_seconds, LOST_AFTER
        self.slack.faults.lose_acks(1)
        self.hears(happens)
        self.slack.faults.clear()
        dispatch.ack_seconds = retry_timings

    def renew_sockets(self, *, cut: bool) -> None:
        async def renew() -> None:
            if cut:
                self.slack.faults.cut_sockets()
            elif (renewing := self.slack.faults.refresh_sockets()) is not None:
                await renewing

        self.do(renew())

    def asleep_until(self, until: datetime, meanwhile: Callable[[FakeSlack], Heard]) -> None:
        """The bot is stopped, `meanwhile` happens, and it starts again then.

        What Slack had to tell reaches it afterwards, as after a short outage.
        """
        self.slack.core.events.hold()
        self.do(self.harness.bot.stop())
        self.hears(meanwhile)
        self.clock.move_to(until)
        self.harness = self.do(self._begun())
        self.do(self.slack.core.events.release())
        self.settle()

    def killed_at_work(self, calls: int, turns: int) -> None:
        """The bot dies at the next thing that is due, and a new one takes over at that moment.

        It dies once Slack has got so many calls, after so many turns of the loop, or at its end.
        """
        self.do(self._die(calls, turns))
        self.harness = self.do(self._begun())
        self.do(self.slack.core.events.release())
        self.settle()

    async def _die(self, calls: int, turns: int) -> None:
        await self._settle()
        self.clock.move_to(await self._next() or self.now)
        self.slack.core.events.hold()
        before = len(self.slack.calls)
        working = self._mortal.begin(self.harness.bot.catch_up())
        while not working.done() and len(self.slack.calls) < before + calls:  # noqa: ASYNC110
            await asyncio.sleep(0)
        for _ in range(turns):
            await asyncio.sleep(0)
        await self._mortal.kill()
        await self.harness.bot.stop()  # nothing of it is left that could do anything

    async def _begun(self) -> BotHarness:
        harness: BotHarness = await self._mortal.begin(self._started())
        return harness

    async def _started(self) -> BotHarness:
        async def draw(_: object) -> bytes:
            return TINY_PNG

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
        pace = RateLimits(limited=False)
        bot = Imbalance(settings, self.clock, pace=pace, retry_timings=PATIENCE, draw=draw)
        await bot.start()
        return BotHarness(bot=bot, slack=self.slack, clock=self.clock)

    async def _settle(self) -> None:
        loop = asyncio.get_running_loop()
        give_up = loop.time() + SETTLES_WITHIN
        while True:
            await self.harness.settle()
            left = await self._left()
            if not left:
                return
            assert loop.time() < give_up, f"still to be done: {left}"
            await asyncio.sleep(LOOK_EVERY)

    async def _left(self) -> list[str]:
        """What is due and not done."""
        now = self.clock.now()
        agenda, messages = schema.agenda, schema.messages
        due = select(agenda.c.action).where(
            agenda.c.due_at <= now, func.coalesce(agenda.c.retry_at, now) < PARKED
        )
        unsaid = select(messages.c.key).where(
            messages.c.state.in_(("pending", "sending", "unknown")), messages.c.not_before <= now
        )
        async with self.harness.bot.db.reading() as reader:
            return [*await reader.scalars(due), *await reader.scalars(unsaid)]

    async def _travel_to(self, until: datetime) -> None:
        await self._settle()
        while (due := await self._next()) is not None and due <= until:
            self.clock.move_to(max(due, self.now))
            await self._settle()
        self.clock.move_to(until)
        await self._settle()

    async def _next(self) -> datetime | None:
        """When the next thing is due, or may be said."""
        messages = schema.messages
        waits = select(func.min(messages.c.not_before)).where(
            messages.c.state.in_(("pending", "unknown")), messages.c.not_before > self.now
        )
        async with self.harness.bot.db.reading() as reader:
            said = await reader.scalar(waits)
        due = await self.harness.bot.next_due()
        return min((one for one in (due, said) if one is not None), default=None)
