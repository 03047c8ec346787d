"""One bot for many workspaces, in its own process, whose clock can be moved.

    python -m tests.soak.bot

Reads its configuration as JSON from standard input, then executes commands sent by HTTP to the port
that it prints.
"""

import asyncio
import json
import os
import resource
import sys
from datetime import date, datetime, time
from typing import Any

from aiohttp import web, web_app
from slack_sdk.oauth.installation_store.models.installation import Installation
from sqlalchemy import func, select

from bot.app import Imbalance
from bot.clock import AdjustableClock
from bot.db import schema
from bot.decisions.lifecycle import decide
from bot.decisions.model import Answer, Choice
from bot.ending import extend as ending_extend
from bot.ending import wrap_up
from bot.ending.extend_form import Extension
from bot.ending.wrap_up_form import WrapUp
from bot.log import configure
from bot.phases.model import MilestoneOutcome
from bot.phases.rules import PhaseKind, Proposal, SetAside, SprintPromise, TrustPromise
from bot.promises.model import Reply
from bot.results.lifecycle import save_reply
from bot.rounds import poll as rounds_poll
from bot.settings import Settings
from bot.slack import deadline_app
from bot.slack.errors import Refused
from bot.slack.request import Request
from bot.start import begin
from bot.start.begin import PhaseStart
from bot.workspaces.rules import WorkspaceSettings
from tests.harness import unfinished, without_limits
from tests.soak.simulated_workspace import CHANNEL
from tests.stub_slack.workspace import BOT_ID, BOT_USER

SETTLE_SECONDS = 60.0
LOOK_SECONDS = 0.01
SECRET = "soak-signing-secret"

Json = dict[str, Any]


class MultiWorkspaceBot(Imbalance):
    """A bot that serves many workspaces, each with its own token."""

    def __init__(self, settings: Settings, clock: AdjustableClock) -> None:
        super().__init__(settings, clock, http=True, **without_limits())
        self.adjustable_clock = clock

    async def install_in(self, workspaces: list[str]) -> None:
        """Install the bot in these workspaces, as its install pages do."""
        for workspace_id in workspaces:
            await self.installations.async_save(
                Installation(
                    app_id="A0SOAK",
                    team_id=workspace_id,
                    bot_token=f"xoxb-{workspace_id}",
                    bot_id=BOT_ID,
                    bot_user_id=BOT_USER,
                    user_id="U0INSTALLER",
                )
            )

    async def settle(self) -> datetime | None:
        """Work until nothing is due at this time. Returns the time of the next due item."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + SETTLE_SECONDS
        while True:
            await self.catch_up()
            left = await unfinished(self.db, self.adjustable_clock.now())
            if not left:
                return await self.next_due()
            if loop.time() >= deadline:
                raise RuntimeError(f"still not done: {left[:9]}")
            await asyncio.sleep(LOOK_SECONDS)


class CommandHandler:
    """The commands that the soak test sends to the bot's process."""

    def __init__(self, arguments: Json) -> None:
        self._workspaces: list[str] = arguments["workspaces"]
        self._clock = AdjustableClock(datetime.fromisoformat(arguments["now"]))
        self._settings = Settings(
            client_id="1.2",
            client_secret="secret",
            public_url="https://bot.example.com",
            slack_signing_secret=SECRET,
            slack_api_url=arguments["slack"],
            database_url=arguments["database"],
            keys=(bytes(range(32)),),
            tick_seconds=3600,
            http_port=0,
            metrics_port=0,
        )
        self.app: MultiWorkspaceBot | None = None

    async def boot(self, arguments: Json) -> Json:
        """Start the bot at the given time."""
        self._clock.move_to(datetime.fromisoformat(arguments["at"]))
        self.app = MultiWorkspaceBot(self._settings, self._clock)
        await self.app.install_in(self._workspaces)
        await self.app.start()
        return {"next": await self.app.settle(), "port": self.app.http_port}

    async def shut_down(self, _: Json) -> Json:
        await self._bot.stop()
        self.app = None
        # aiohttp caches the handlers of each app, and here one process starts many apps.
        web_app._cached_build_middleware.cache_clear()
        return {}

    async def move_clock(self, arguments: Json) -> Json:
        self._clock.move_to(datetime.fromisoformat(arguments["at"]))
        return {"next": await self._bot.settle()}

    async def start_phase(self, arguments: Json) -> Json:
        sprint = arguments["is_sprint"]
        stop_if = "It hurts." if arguments["stops_if"] else ""
        promise: SprintPromise | TrustPromise = TrustPromise(purpose="We grow.", stop_if=stop_if)
        if sprint:
            promise = SprintPromise(stakes="It counts.", stop_if=stop_if)
        proposal = Proposal(
            kind=PhaseKind.RESULTS_SPRINT if sprint else PhaseKind.TRUST_BUILDING,
            channel_id=CHANNEL,
            lead_id=arguments["lead"],
            member_ids=tuple(arguments["members"]),
            milestone="ship it",
            starts_on=date.fromisoformat(arguments["starts"]),
            ends_on=date.fromisoformat(arguments["ends"]),
            zone=arguments["zone"],
            promise=promise,
            set_aside=(SetAside(text="Dark mode", owner_id=arguments["lead"]),) if sprint else (),
            justification="The date is fixed.",
            weekday=arguments["weekday"],
            time_of_day=time.fromisoformat(arguments["at"]),
            remind=arguments["reminds"],
        )
        phase_start = PhaseStart(
            proposal=proposal,
            settings=WorkspaceSettings(),
            channel_member_ids=(BOT_USER, arguments["lead"], *arguments["members"]),
        )
        phase = await begin.start_phase(self._bot.services, arguments["workspace"], phase_start)
        return {"phase_id": phase.phase_id, "next": await self._bot.settle()}

    async def extend_phase(self, arguments: Json) -> Json:
        extension = Extension(
            ends_on=date.fromisoformat(arguments["until"]), reason="It takes longer."
        )
        return await self._outcome(
            ending_extend.extend(self._bot.services, _request(arguments), extension)
        )

    async def wrap_up_phase(self, arguments: Json) -> Json:
        texts = WrapUp(outcome="It is out.", milestone_outcome=MilestoneOutcome.HIT)
        return await self._outcome(wrap_up.wrap_up(self._bot.services, _request(arguments), texts))

    async def reply(self, arguments: Json) -> Json:
        """Reply to a round's results with a change."""
        request = _request({**arguments, "phase_id": arguments["round_id"]})
        reply = Reply(heard=None, text="I listen.", is_change=True)
        return await self._promised(save_reply(self._bot.services, request, reply), arguments)

    async def decide(self, arguments: Json) -> Json:
        """Decide that a phase goes on, as it is or with a change."""
        answer = Answer(choice=Choice(arguments["choice"]), text="I listen.")
        decision_id = arguments["decision_id"]
        deciding = decide(self._bot.services, _request(arguments), decision_id, answer)
        return await self._promised(deciding, arguments)

    async def _promised(self, use_case: Any, arguments: Json) -> Json:
        """Also return the ids of the phase's promises, and when each was made."""
        outcome = await self._outcome(use_case)
        made = schema.promises.c
        query = select(made.promise_id, made.made_at).where(made.phase_id == arguments["phase_id"])
        async with self._bot.db.reading() as reader:
            outcome["promises"] = [list(row) for row in await reader.execute(query)]
        return outcome

    async def poll(self, arguments: Json) -> Json:
        return await self._outcome(
            rounds_poll.poll(
                self._bot.services,
                Request(
                    workspace_id=arguments["workspace"],
                    channel_id=CHANNEL,
                    user_id=arguments["user"],
                ),
            )
        )

    async def counts(self, _: Json) -> Json:
        found = {}
        async with self._bot.db.reading() as reader:
            for name, table in schema.metadata.tables.items():
                found[name] = await reader.scalar(select(func.count()).select_from(table))
        return {"counts": found, "megabytes": _megabytes(), "peak": _peak_megabytes()}

    @property
    def _bot(self) -> MultiWorkspaceBot:
        assert self.app is not None, "the bot is not running"
        return self.app

    async def _outcome(self, use_case: Any) -> Json:
        try:
            await use_case
        except Refused as refused:
            return {"refused": refused.text, "next": await self._bot.settle()}
        return {"refused": "", "next": await self._bot.settle()}


def _request(arguments: Json) -> Request:
    return Request(
        workspace_id=arguments["workspace"],
        target_id=arguments["phase_id"],
        user_id=arguments["user"],
    )


def _megabytes() -> float:
    """Current resident memory."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024**2


def _peak_megabytes() -> float:
    """Peak resident memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def _main() -> None:
    configure("WARNING", "text")
    deadline_app.RESPONSE_DEADLINE_SECONDS = SETTLE_SECONDS  # even if the machine is suspended
    handler = CommandHandler(json.loads(sys.stdin.readline()))

    async def serve(request: web.Request) -> web.Response:
        answer = await getattr(handler, request.match_info["command"])(await request.json())
        return web.Response(text=json.dumps(answer, default=_as_text))

    app = web.Application()
    app.router.add_post("/{command}", serve)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


def _as_text(value: Any) -> str:
    return str(value.isoformat()) if isinstance(value, date | datetime | time) else str(value)


if __name__ == "__main__":
    asyncio.run(_main())
