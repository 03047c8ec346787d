"""HTTP servers; health and metrics for the operator."""

import errno
import socket
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from bot.settings import NotStarted

#: Time that requests in progress have when the bot stops: Slack waits three seconds.
STOPS_WITHIN_SECONDS = 3.0

#: A connection on which no request arrives for so long is closed, also if it only began to. Longer
#: than reverse proxies keep idle ones, usually 60 s; aiohttp would wait for an hour.
IDLE_SECONDS = 75.0

PORT_IN_USE = "Port {port} is in use by another program. Set {name}_PORT to a free one."
PORT_NOT_ALLOWED = (
    "The system does not let the bot listen on port {port}. Set {name}_PORT to one from 1024 on."
)
NO_SUCH_ADDRESS = "{name}_HOST is not an address of this machine."
CANNOT_LISTEN = "The bot cannot listen at {name}_HOST and {name}_PORT ({why})."
_REASONS = {
    errno.EADDRINUSE: PORT_IN_USE,
    errno.EACCES: PORT_NOT_ALLOWED,
    errno.EADDRNOTAVAIL: NO_SUCH_ADDRESS,
}

#: Returns a sentence for each failed check, by its name; empty if the bot is ready.
Readiness = Callable[[], Awaitable[Mapping[str, str]]]


def health_and_metrics(ready: Readiness) -> web.Application:
    """Serve `/healthz` (the process answers), `/readyz` (it can work), `/metrics` (Prometheus)."""

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"ok": True})

    async def readyz(_: web.Request) -> web.Response:
        problems = await ready()
        report = {"ok": not problems, "wrong": dict(problems)}
        return web.json_response(report, status=503 if problems else 200)

    async def metrics(_: web.Request) -> web.Response:
        await ready()  # updates the gauges that are read from the database
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics)
    return app


class CannotListen(NotStarted):
    """Raised if a port cannot be listened on; the message names the setting to change."""


class Site:
    """An application served at the address of two settings, such as HTTP_HOST and HTTP_PORT."""

    def __init__(self, app: web.Application, host: str, port: int, name: str = "HTTP") -> None:
        self._runner = web.AppRunner(
            app,
            access_log=None,
            handle_signals=False,
            keepalive_timeout=IDLE_SECONDS,
            shutdown_timeout=STOPS_WITHIN_SECONDS,
        )
        self._name = name
        self._host = host
        self._port = port

    async def start(self) -> int:
        """Start to serve. Return the port, which the system chooses if 0 was given.

        Raises:
            CannotListen: the address is taken, or not of this machine.
        """
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError as error:
            raise CannotListen(self._why_not(error)) from error
        return int(self._runner.addresses[0][1])

    def _why_not(self, error: OSError) -> str:
        is_unknown = isinstance(error, socket.gaierror)
        reason = NO_SUCH_ADDRESS if is_unknown else _REASONS.get(error.errno or 0, CANNOT_LISTEN)
        return reason.format(name=self._name, port=self._port, why=type(error).__name__)

    async def stop(self) -> None:
        await self._runner.cleanup()
