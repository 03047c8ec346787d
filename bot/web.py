"""What is served over HTTP: health and metrics for the operator, and Slack's signed requests."""

import json
import re
from binascii import a2b_qp
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncApp, AsyncBoltContext
from slack_bolt.request.async_internals import build_async_context
from slack_bolt.request.async_request import AsyncBoltRequest

from bot.log import log
from bot.metrics import refused_signatures

SLACK_PATH = "/slack/events"
LARGEST_REQUEST = 1024 * 1024
#: What is being answered when the bot stops may take so long: Slack waits three seconds.
STOPS_WITHIN_SECONDS = 3.0

#: What people press and send comes as a form with this one field.
_PAYLOAD = "payload="
_TIMESTAMP = re.compile(r"\d{1,12}")
_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")

#: What is wrong, a sentence for each check that failed; empty: ready.
Readiness = Callable[[], Awaitable[Mapping[str, str]]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def operating(ready: Readiness) -> web.Application:
    """`/healthz` (the process answers), `/readyz` (it can work), `/metrics` (Prometheus)."""

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"ok": True})

    async def readyz(_: web.Request) -> web.Response:
        wrong = await ready()
        said = {"ok": not wrong, "wrong": dict(wrong)}
        return web.json_response(said, status=503 if wrong else 200)

    async def metrics(_: web.Request) -> web.Response:
        await ready()  # measures what the database knows
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics)
    return app


def signed(bolt: AsyncApp) -> web.Application:
    """Slack's requests, checked by Bolt against the signing secret."""
    app = web.Application(client_max_size=LARGEST_REQUEST, middlewares=[_refuse_malformed])
    app.router.add_post(SLACK_PATH, partial(_answer, bolt))
    return app


async def _answer(bolt: AsyncApp, request: web.Request) -> web.Response:
    return await to_aiohttp_response(await bolt.async_dispatch(await _read(request)))


async def _read(request: web.Request) -> AsyncBoltRequest:
    """The request as Bolt reads it; one with a payload sooner.

    Bolt uses urllib, which took a fifth of the time that an answer needs in all.
    """
    raw = await request.text()  # kept by the request, so that Bolt does not read it again
    if not raw.startswith(_PAYLOAD) or "&" in raw:
        return await to_bolt_request(request)
    headers: Any = request.headers  # a mapping, though Bolt says a dictionary
    read = AsyncBoltRequest(body="", query=request.query_string, headers=headers)
    read.raw_body = raw  # this is what the signature is of
    read.body = json.loads(unquoted(raw.removeprefix(_PAYLOAD)))
    read.context = build_async_context(AsyncBoltContext(), read.body)
    return read


def unquoted(value: str) -> str:
    """A field of a form. Its `%3D` is quoted-printable's `=3D`, which is read in C."""
    spaced = value.replace("+", " ").replace("=", "%3D").replace("%", "=")
    return a2b_qp(spaced.encode()).decode(errors="replace")


@web.middleware
async def _refuse_malformed(request: web.Request, handler: Handler) -> web.StreamResponse:
    """401 for what is not signed in Slack's form (Bolt would answer 500), and count every 401."""
    if request.method == "POST" and not _looks_signed(request):
        answer: web.StreamResponse = web.json_response({"error": "invalid request"}, status=401)
    else:
        answer = await handler(request)
    if answer.status == 401:
        refused_signatures.inc()
        log.warning("signature_refused", path=request.path)
    return answer


def _looks_signed(request: web.Request) -> bool:
    timestamp = request.headers.get("X-Slack-Request-Timestamp", "")
    signature = request.headers.get("X-Slack-Signature", "")
    return bool(_TIMESTAMP.fullmatch(timestamp) and _SIGNATURE.fullmatch(signature))


class Site:
    """An application served on one port of one host."""

    def __init__(self, app: web.Application, host: str, port: int) -> None:
        self._runner = web.AppRunner(
            app, access_log=None, handle_signals=False, shutdown_timeout=STOPS_WITHIN_SECONDS
        )
        self._host = host
        self._port = port

    async def start(self) -> int:
        """Serve. Returns the port, which the system chooses where 0 was given."""
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        await self._runner.cleanup()
