"""Updates to open pages: one JSON object per change."""

import asyncio
import json
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field

from aiohttp import web

from bot.playground.fake_slack.model import Json


@dataclass(eq=False, kw_only=True)
class Screen:
    """An open page, with the person using it."""

    user_id: str
    changes: asyncio.Queue[Json] = field(default_factory=asyncio.Queue)


class Stream:
    """All open pages. It also signals changes, so that the workspace can be saved."""

    def __init__(self) -> None:
        self._screens: set[Screen] = set()
        self._sockets: set[web.WebSocketResponse] = set()
        self.on_change: Callable[[], None] = lambda: None

    def publish(self, make: Callable[[str], Json], users: Collection[str] | None = None) -> None:
        """Send `make`'s result for each of these people to their pages (None: to everyone's)."""
        self.on_change()
        for screen in self._screens:
            if users is None or screen.user_id in users:
                screen.changes.put_nowait(make(screen.user_id))

    def notice(self, user_id: str, text: str, kind: str = "error") -> None:
        """Show a line from Slack itself, for example that an app did not respond."""
        self.publish(lambda _: {"type": "notice", "text": text, "kind": kind}, [user_id])

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Serve the connection of a page until it closes."""
        socket = web.WebSocketResponse(heartbeat=30)
        await socket.prepare(request)
        screen = Screen(user_id=request.query.get("user", ""))
        self._screens.add(screen)
        self._sockets.add(socket)
        sending = asyncio.create_task(_send(screen, socket))
        try:
            async for _ in socket:
                pass
        finally:
            self._screens.discard(screen)
            self._sockets.discard(socket)
            sending.cancel()
        return socket

    async def close(self) -> None:
        for socket in list(self._sockets):
            await socket.close()


async def _send(screen: Screen, socket: web.WebSocketResponse) -> None:
    with suppress(ConnectionError):
        while True:
            await socket.send_str(json.dumps(await screen.changes.get()))
