"""Socket Mode: the app's connections, and envelopes sent over one of them.

https://docs.slack.dev/apis/events-api/using-socket-mode
"""

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import uuid4

from aiohttp import WSMsgType, web

from bot.playground.fake_slack import example_workspace
from bot.playground.fake_slack.app_responses import NO_CONNECTION, AppResponse
from bot.playground.fake_slack.faults import Faults
from bot.playground.fake_slack.ids import Ids
from bot.playground.fake_slack.model import Json

MOST_CONNECTIONS = 10
CONNECTION_SECONDS = 18060
CLOSE_SECONDS = 1.0
_WITH_ANSWER = {"slash_commands", "view_submission", "block_suggestion"}


@dataclass(eq=False)
class Connection:
    """A WebSocket of the app, with its unacknowledged envelopes."""

    socket: web.WebSocketResponse
    request: web.Request
    waiting: dict[str, asyncio.Future[AppResponse]] = field(default_factory=dict)
    leaving: bool = False  # asked to reconnect, so it gets nothing new

    async def send(self, message: Json) -> None:
        with suppress(ConnectionError):
            await self.socket.send_str(json.dumps(message))

    def acknowledge(self, text: str) -> None:
        message = json.loads(text)
        future = self.waiting.pop(message.get("envelope_id", ""), None)
        if future is not None and not future.done():
            future.set_result(AppResponse(body=message.get("payload") or {}))

    def lost(self) -> None:
        for future in self.waiting.values():
            if not future.done():
                future.set_result(NO_CONNECTION)
        self.waiting.clear()


class Sockets:
    """All connections of the app. Each payload goes to exactly one, without a pattern."""

    def __init__(self, ids: Ids, faults: Faults) -> None:
        self._ids = ids
        self._faults = faults
        self._tickets: set[str] = set()
        self._came = asyncio.Event()
        self.connections: list[Connection] = []
        self.ever_connected = False

    def ticket(self) -> str:
        """Return a one-time ticket for one connection."""
        ticket = self._ids.secret()
        self._tickets.add(ticket)
        return ticket

    @property
    def is_full(self) -> bool:
        return len(self.connections) >= MOST_CONNECTIONS

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Serve a connection from its hello to its end."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            raise web.HTTPForbidden(text="invalid ticket")
        self._tickets.discard(ticket)
        socket = web.WebSocketResponse(autoping=False, compress=False, timeout=CLOSE_SECONDS)
        await socket.prepare(request)
        connection = Connection(socket, request)
        await connection.send(self._hello())
        self._joined(connection)
        try:
            await self._listen(connection)
        finally:
            self.connections.remove(connection)
            connection.lost()
        return socket

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self.connections) + 1,
            "connection_info": {"app_id": example_workspace.APP_ID},
            "debug_info": {
                "host": "playground",
                "build_number": 1,
                "approximate_connection_time": CONNECTION_SECONDS,
            },
        }

    def _joined(self, connection: Connection) -> None:
        self.connections.append(connection)
        self.ever_connected = True
        self._came.set()

    async def _listen(self, connection: Connection) -> None:
        async for message in connection.socket:
            if message.type is WSMsgType.TEXT:
                if not self._faults.loses_ack():
                    connection.acknowledge(message.data)
            elif message.type is WSMsgType.PING and not self._faults.silent_sockets:
                with suppress(ConnectionError):
                    await connection.socket.pong(message.data)

    async def deliver(self, kind: str, payload: Json, attempt: int, reason: str) -> AppResponse:
        """Send an envelope and wait for its acknowledgement, for as long as the caller allows."""
        connection = await self._one()
        if connection is None:
            return NO_CONNECTION
        envelope_id = str(uuid4())
        answer: asyncio.Future[AppResponse] = asyncio.get_running_loop().create_future()
        connection.waiting[envelope_id] = answer
        envelope = {
            "envelope_id": envelope_id,
            "type": kind,
            "payload": payload,
            "accepts_response_payload": bool({kind, payload.get("type")} & _WITH_ANSWER),
        }
        if kind == "events_api":
            envelope |= {"retry_attempt": attempt, "retry_reason": reason}
        await connection.send(envelope)
        try:
            return await answer
        finally:
            connection.waiting.pop(envelope_id, None)

    async def _one(self) -> Connection | None:
        """Return any connection, waiting for one if the app has connected before, else None."""
        while self.ever_connected:
            usable = [c for c in self.connections if not c.leaving and not c.socket.closed]
            if usable:
                return usable[self._ids.chosen(len(usable))]
            self._came.clear()
            await self._came.wait()
        return None

    async def refresh(self, reason: str = "refresh_requested") -> None:
        """Ask every connection to reconnect, as Slack does every few hours."""
        for connection in list(self.connections):
            connection.leaving = True
            message = {"type": "disconnect", "reason": reason, "debug_info": {"host": "playground"}}
            await connection.send(message)

    def cut(self) -> None:
        """Close every connection without a disconnect message."""
        for connection in list(self.connections):
            connection.leaving = True
            if connection.request.transport is not None:
                connection.request.transport.abort()

    async def close(self) -> None:
        self.ever_connected = False
        self._came.set()
        for connection in list(self.connections):
            await connection.socket.close()
