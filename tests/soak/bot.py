"""The bot for many workspaces, in its own process, with a hand on its clock.

    python -m tests.soak.bot PORT

Told by requests what to do: the settings come first, as JSON on standard input.
"""

import asyncio
import json
import os
import resource
import sys
from datetime import date, datetime, time
from typing import Any

from aiohttp import web, web_app
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import func, select

import bot.slack.app
from bot.agenda.schedule import PARKED
from bot.app import Imbalance
from bot.clock import AdjustableClock
from bot.db import schema
from bot.ending import extend as ending_extend
from bot.ending import wrap_up
from bot.ending.extend_form import Extension
from bot.ending.wrap_up_form import WrapUp
from bot.log import configure
from bot.outbox.delivery import RetryTimings
from bot.outbox.rate_limits import RateLimits
from bot.phases.rules import Kind, Proposal, SetAside, SprintPromise, TrustPromise
from bot.rounds import poll as rounds_poll
from bot.settings import Settings
from bot.slack import deadline_app
from bot.slack.errors import Refused
from bot.slack.request import Request
from bot.start import begin
from bot.start.begin import PhaseStart
from bot.workspaces.lifecycle import install
from bot.workspaces.rules import WorkspaceSettings
from tests.harness import TINY_PNG
from tests.soak.simulated_workspace import BOT, CHANNEL

PATIENCE = RetryTimings(settle=0, first_retry=0, picture_retry=0, picture_tries=2)
SETTLES_WITHIN = 60.0
LOOK_EVERY = 0.01
SECRET = "soak-signing-secret"
OPEN = ("pending", "sending", "unknown")

Said = dict[str, Any]


class Many(Imbalance):
    """One process for many workspaces: each has its own token, and nothing else of its own."""

    def __init__(self, workspaces: list[str], settings: Settings, clock: AdjustableClock) -> None:
        async def draw(_: object) -> bytes:
            return TINY_PNG

        self._clients = {
            one: AsyncWebClient(
                token=f"xoxb-{one}", base_url=settings.slack_api_url, retry_handlers=[]
            )
            for one in workspaces
        }
        super().__init__(
            settings,
            clock,
            http=True,
            pace=RateLimits(limited=False),
            retry_timings=PATIENCE,
            draw=draw,
            host="127.0.0.1",
        )
        self.moved = clock

    def client_for(self, workspace_id: str) -> AsyncWebClient:
        return self._clients[workspace_id]

    async def _install(self) -> bot.slack.app.Authorize:
        for workspace_id, client in self._clients.items():
            client.session = self.client.session
            us = {"team_id": workspace_id, "user_id": BOT, "app_id": "A0SOAK"}
            await install(self.db, us, self.moved.now())

        async def authorize(team_id: str | None, **_: Any) -> AuthorizeResult | None:
            client = self._clients.get(team_id or "")
            if client is None:
                return None
            return AuthorizeResult(
                enterprise_id=None,
                team_id=team_id,
                bot_user_id=BOT,
                bot_id="B0BOT",
                bot_token=client.token,
            )

        return authorize

    async def settle(self) -> datetime | None:
        """Until nothing is left to do at this moment. Returns when something is due next."""
        loop = asyncio.get_running_loop()
        give_up = loop.time() + SETTLES_WITHIN
        while True:
            await self.catch_up()
            left = await self._left()
            if not left:
                return await self.next_due()
            if loop.time() >= give_up:
                raise RuntimeError(f"still to be done: {left[:9]}")
            await asyncio.sleep(LOOK_EVERY)

    async def _left(self) -> list[str]:
        now, agenda, messages = self.moved.now(), schema.agenda, schema.messages
        due = select(agenda.c.action).where(
            agenda.c.due_at <= now, func.coalesce(agenda.c.retry_at, now) < PARKED
        )
        unsaid = select(messages.c.key).where(
            messages.c.state.in_(OPEN), messages.c.not_before <= now
        )
        async with self.db.reading() as reader:
            return [*await reader.scalars(due), *await reader.scalars(unsaid)]


class Hand:
    """What the soak may tell the bot's process."""

    def __init__(self, told: Said) -> None:
        self._workspaces: list[str] = told["workspaces"]
        self._clock = AdjustableClock(datetime.fromisoformat(told["now"]))
        self._settings = Settings(
            slack_bot_token="xoxb-T0000",
            slack_signing_secret=SECRET,
            slack_api_url=told["slack"],
            database_url=told["database"],
            keys=(bytes(range(32)),),
            tick_seconds=3600,
            http_port=0,
            metrics_port=0,
        )
        self.app: Many | None = None

    async def back(self, told: Said) -> Said:
        """Start, at that time."""
        self._clock.move_to(datetime.fromisoformat(told["at"]))
        self.app = Many(self._workspaces, self._settings, self._clock)
        await self.app.start()
        return {"next": await self.app.settle(), "port": self.app.http_port}

    async def away(self, _: Said) -> Said:
        await self._bot.stop()
        self.app = None
        # aiohttp keeps the handlers of an app for its process; here many come after each other.
        web_app._cached_build_middleware.cache_clear()
        return {}

    async def to(self, told: Said) -> Said:
        self._clock.move_to(datetime.fromisoformat(told["at"]))
        return {"next": await self._bot.settle()}

    async def start(self, told: Said) -> Said:
        sprint = told["is_sprint"]
        promise = SprintPromise(stakes="It counts.") if sprint else TrustPromise(purpose="We grow.")
        proposal = Proposal(
            kind=Kind.RESULTS_SPRINT if sprint else Kind.TRUST_BUILDING,
            channel_id=CHANNEL,
            lead_id=told["lead"],
            member_ids=tuple(told["members"]),
            milestone="ship it",
            starts_on=date.fromisoformat(told["starts"]),
            ends_on=date.fromisoformat(told["ends"]),
            zone=told["zone"],
            promise=promise,
            set_aside=(SetAside(text="Dark mode", owner_id=told["lead"]),) if sprint else (),
            justification="The date is fixed.",
            weekday=told["weekday"],
            time_of_day=time.fromisoformat(told["at"]),
            remind=told["reminds"],
        )
        begun = PhaseStart(
            proposal=proposal,
            settings=WorkspaceSettings(),
            in_channel=(BOT, told["lead"], *told["members"]),
        )
        phase = await begin.start(self._bot.services, told["workspace"], begun)
        return {"phase_id": phase.phase_id, "next": await self._bot.settle()}

    async def extend(self, told: Said) -> Said:
        asked = Extension(ends_on=date.fromisoformat(told["until"]), reason="It takes longer.")
        return await self._try(ending_extend.extend(self._bot.services, _request(told), asked))

    async def end(self, told: Said) -> Said:
        said = WrapUp(outcome="It is out.")
        return await self._try(wrap_up.wrap_up(self._bot.services, _request(told), said))

    async def poll(self, told: Said) -> Said:
        return await self._try(
            rounds_poll.poll(
                self._bot.services,
                Request(workspace_id=told["workspace"], channel_id=CHANNEL, user_id=told["user"]),
            )
        )

    async def counts(self, _: Said) -> Said:
        found = {}
        async with self._bot.db.reading() as reader:
            for name, table in schema.metadata.tables.items():
                found[name] = await reader.scalar(select(func.count()).select_from(table))
        return {"counts": found, "megabytes": _megabytes(), "most": _most()}

    @property
    def _bot(self) -> Many:
        assert self.app is not None, "the bot is away"
        return self.app

    async def _try(self, doing: Any) -> Said:
        try:
            await doing
        except Refused as refused:
            return {"refused": refused.text, "next": await self._bot.settle()}
        return {"refused": "", "next": await self._bot.settle()}


def _request(told: Said) -> Request:
    return Request(workspace_id=told["workspace"], target_id=told["phase_id"], user_id=told["user"])


def _megabytes() -> float:
    """Resident now."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024**2


def _most() -> float:
    """Resident at most, until now."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def _main(port: int) -> None:
    configure("WARNING", "text")
    deadline_app.PATIENCE_SECONDS = SETTLES_WITHIN  # however long the machine stands still
    hand = Hand(json.loads(sys.stdin.readline()))

    async def serve(request: web.Request) -> web.Response:
        answer = await getattr(hand, request.match_info["what"])(await request.json())
        return web.Response(text=json.dumps(answer, default=_written))

    app = web.Application()
    app.router.add_post("/{what}", serve)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    print("ready", flush=True)
    await asyncio.Event().wait()


def _written(value: Any) -> str:
    return str(value.isoformat()) if isinstance(value, date | datetime | time) else str(value)


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1])))
