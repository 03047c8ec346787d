"""Serves workspaces over HTTP, with faults before and after their calls."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from tests.stub_slack.faults import Faults
from tests.stub_slack.workspace import Json, StubWorkspace

MAX_BODY_BYTES = 4 * 1024**2


class StubServer(ABC):
    """A server of the Web API."""

    def __init__(self, faults: Faults, *, hang_seconds: float = 0.0) -> None:
        self.faults = faults
        self.hang_seconds = hang_seconds
        self.calls = 0
        self.url = ""

    @abstractmethod
    def workspace_of(self, token: str) -> StubWorkspace:
        """The workspace with this token."""

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Serve on a free port. Yields the base URL of the Web API."""
        app = web.Application(client_max_size=MAX_BODY_BYTES)
        app.router.add_route("*", "/api/{method}", self._serve)
        app.router.add_post("/upload", _accepted)
        app.router.add_post("/hooks", _accepted)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield f"{self.url}/api/"
        finally:
            await runner.cleanup()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        self.calls += 1
        args = await _arguments(request)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        workspace = self.workspace_of(token or str(args.get("token")))
        workspace.url = self.url
        return await self.respond(request, request.match_info["method"], args, workspace)

    async def respond(
        self, request: web.Request, method: str, args: Json, workspace: StubWorkspace
    ) -> web.StreamResponse:
        """Carry out a call, with the fault that is drawn for it."""
        fault = self.faults.draw(method)
        return await self.with_fault(request, fault, lambda: workspace.call(method, args))

    async def with_fault(
        self, request: web.Request, fault: str, call: Callable[[], Json | None]
    ) -> web.StreamResponse:
        """Make a call, with a fault before or after it. The call returns None for a dead caller."""
        if fault == "429":
            return rate_limited(0)
        kind, _, when = fault.partition(" ")
        answer = None if when == "before" else call()
        if kind == "hang":
            await asyncio.sleep(self.hang_seconds)
        if kind == "reset" or (answer is None and when != "before"):
            return reset_connection(request)
        if kind == "page":  # an HTML page of a proxy instead of Slack's answer
            return web.Response(text="<html>", content_type="text/html")
        if fault:
            return web.json_response({"ok": False, "error": "fatal_error"}, status=500)
        return web.json_response(answer)


def rate_limited(retry_after: int) -> web.Response:
    body = {"ok": False, "error": "ratelimited"}
    return web.json_response(body, status=429, headers={"Retry-After": str(retry_after)})


def reset_connection(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _arguments(request: web.Request) -> Json:
    if request.content_type == "application/json":
        args = dict(await request.json())
    else:
        args = {**request.query, **await request.post()}
    return {name: value for name, value in args.items() if value is not None}


async def _accepted(_: web.Request) -> web.Response:
    return web.Response(text="OK")
