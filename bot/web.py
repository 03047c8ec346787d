"""HTTP servers; health and metrics for the operator."""

from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

#: Time that requests in progress have when the bot stops: Slack waits three seconds.
STOPS_WITHIN_SECONDS = 3.0

#: A connection on which no request arrives for so long is closed, also if it only began to. Longer
#: than reverse proxies keep idle ones, usually 60 s; aiohttp would wait for an hour.
IDLE_SECONDS = 75.0

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


class Site:
    """An application served on one port of one host."""

    def __init__(self, app: web.Application, host: str, port: int) -> None:
        self._runner = web.AppRunner(
            app,
            access_log=None,
            handle_signals=False,
            keepalive_timeout=IDLE_SECONDS,
            shutdown_timeout=STOPS_WITHIN_SECONDS,
        )
        self._host = host
        self._port = port

    async def start(self) -> int:
        """Start to serve. Return the port, which the system chooses if 0 was given."""
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        await self._runner.cleanup()
