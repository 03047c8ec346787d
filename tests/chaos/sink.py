"""The Slack of one chaos run: it kills callers, limits them, and shows some posts late."""

import asyncio
import os
import random  # noqa: TID251  a seed repeats it
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress

from aiohttp import web

from bot.clock import monotonic
from tests.stub_slack.faults import POST, RETRY_AFTER, Faults
from tests.stub_slack.server import StubServer, rate_limited, reset_connection
from tests.stub_slack.workspace import Json, StubWorkspace

LATE_SECONDS = 0.3  # shorter than the settle time


class Sink(StubServer):
    """All workspaces share one content, since their conversations have different ids."""

    def __init__(self, seed: int, faults: Faults, hang_seconds: float) -> None:
        super().__init__(faults, hang_seconds=hang_seconds)
        self.workspace = StubWorkspace(team_id="T0CHAOS")
        #: Children to kill when they call, by pid: at "far received" or "far accepted".
        self.kill_at: dict[int, str] = {}
        #: Returns the fault of a post and, if it was carried out already, its response.
        self.intercept: Callable[[Json, int], Awaitable[tuple[str, Json | None]]] | None = None
        self.intercepted = asyncio.Condition()
        self._random = random.Random(seed)
        self._late: list[tuple[float, Json]] = []  # when it appears (`monotonic`), its arguments

    def workspace_of(self, token: str) -> StubWorkspace:
        return self.workspace

    async def respond(
        self, request: web.Request, method: str, args: Json, workspace: StubWorkspace
    ) -> web.StreamResponse:
        pid, team = int(request.headers["X-Child"]), request.headers["X-Workspace"]
        if self.faults.is_rate_limited(team, method, float(request.headers["X-Begun"])):
            return rate_limited(RETRY_AFTER)
        if method == POST:
            return await self._post(request, args, pid)
        self.show_late_posts(monotonic())
        return await super().respond(request, method, args, workspace)

    async def _post(self, request: web.Request, args: Json, pid: int) -> web.StreamResponse:
        if self._kills_caller("far received", pid):
            return reset_connection(request)
        fault = self.faults.draw(POST)
        if self.intercept is not None:
            fault, answer = await self.intercept(args, pid)
            if answer is not None:
                return web.json_response(answer)
        if fault == "late":
            self._late.append((monotonic() + LATE_SECONDS, args))
            return reset_connection(request)

        def post() -> Json | None:
            answer = self.workspace.call(POST, args)
            return None if self._kills_caller("far accepted", pid) else answer

        return await self.with_fault(request, fault, post)

    def _kills_caller(self, step: str, pid: int) -> bool:
        if self.kill_at.get(pid) != step or self._random.random() > 0.5:
            return False
        del self.kill_at[pid]
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        return True

    def show_late_posts(self, until: float) -> None:
        """Show the late posts that are due by `until`.

        Every call does this, so that a lookup finds them however busy this process was.
        """
        due = [args for appears_at, args in self._late if appears_at <= until]
        self._late = [one for one in self._late if one[0] > until]
        for args in due:
            self.workspace.call(POST, args)
