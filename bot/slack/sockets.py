"""Socket Mode over several connections, so that one can be renewed while another works.

Slack renews each connection every few hours and sends each payload over any of them. What was
being worked on when a connection is to be renewed is acknowledged on it first; only one is renewed
at a time.
"""

import asyncio
from contextlib import suppress
from typing import Any

from aiohttp import ClientError
from slack_bolt.adapter.socket_mode.async_internals import send_async_response
from slack_bolt.adapter.socket_mode.internals import build_headers
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest

from bot.clock import jittered, monotonic
from bot.log import log
from bot.slack.errors import ErrorKind, verdict
from bot.slack.payloads import Malformed, bolt_request, socket_message

#: Slack gives up waiting for an acknowledgement after 3 s.
DRAIN_SECONDS = 2.5
PING_SECONDS = 10
#: A connection that was cut is noticed by the SDK with its next ping only.
WATCH_SECONDS = 0.5
#: One try to connect with a ticket. Shorter than the SDK's pause between its own tries, which
#: would go on with a ticket that was used already.
CONNECT_SECONDS = 8
#: Where Slack does not say when to ask for the next ticket, it is asked ever more seldom: it gives
#: out few (tier 1), and each try leaves a line.
LONGEST_WAIT_SECONDS = 10.0
#: https://docs.slack.dev/apis/events-api/using-socket-mode: what an app may have open in all.
MOST_CONNECTIONS = 10


class Connection(SocketModeClient):
    """One connection, which ends what it has begun before it is renewed."""

    def __init__(self, app: AsyncApp, app_token: str, renewing: asyncio.Lock) -> None:
        super().__init__(
            app_token=app_token,
            logger=app.logger,
            web_client=app.client,
            ping_interval=PING_SECONDS,
        )
        self._app = app
        self._renewing = renewing
        self._under_way = 0
        self._working: set[asyncio.Task[None]] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self.of_app = 0
        """How many the app had when this one came, this one too; 0: Slack has not said."""
        self.message_listeners.append(self._greeted)  # type: ignore[arg-type]
        self.socket_mode_request_listeners.append(self._answer)  # type: ignore[arg-type]

    async def connect_to_new_endpoint(self, force: bool = False) -> None:
        """Renew it, unless another is being renewed: then after that."""
        async with self._renewing:
            await super().connect_to_new_endpoint(force)

    async def connect(self) -> None:
        """Connect, however long it takes, each time with a new ticket.

        An old connection is closed when there is a ticket for the new one, and what came over it
        until then was acknowledged.
        """
        while not self.closed:
            self.wss_uri = self.wss_uri or await self.issue_new_wss_url()
            await self._drained()
            with suppress(TimeoutError):
                async with asyncio.timeout(CONNECT_SECONDS):
                    await super().connect()  # type: ignore[no-untyped-call]
                return
            self.wss_uri = None

    async def issue_new_wss_url(self) -> str:
        """A ticket for one connection, however long it takes; Slack says when to ask again.

        Raises:
            SlackApiError: Slack refuses the token, and no connection was there yet.
        """
        wait = WATCH_SECONDS
        while True:
            try:
                answer = await self.web_client.apps_connections_open(app_token=self.app_token)
                return str(answer["url"])
            except (SlackApiError, ClientError, OSError, TimeoutError) as error:
                why = verdict(error)
                if why.meaning is ErrorKind.WORKSPACE and self.current_session is None:
                    raise
                wait = min(2 * wait, LONGEST_WAIT_SECONDS)
                again_in = jittered(wait) if why.retry_after is None else why.retry_after
                log.warning("socket_not_renewed", reason=why.reason, again_in=again_in)
                await asyncio.sleep(again_in)

    async def leave(self) -> None:
        """Close it for good, after what is under way was acknowledged."""
        await self._drained()
        await self.close()  # type: ignore[no-untyped-call]
        await self.aiohttp_client_session.close()

    async def _greeted(self, _client: SocketModeClient, message: dict[str, Any], _: str) -> None:
        if message.get("type") != "hello":
            return
        count = message.get("num_connections")
        self.of_app = count if isinstance(count, int) else 0
        if self.of_app >= MOST_CONNECTIONS:  # the next would be refused
            log.warning("too_many_sockets", open=self.of_app, most=MOST_CONNECTIONS)

    async def _drained(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                await self._idle.wait()

    async def enqueue_message(self, message: str) -> None:
        """Count it from now on: what waits in the queue is under way, too."""
        self._under_way += 1
        self._idle.clear()
        await super().enqueue_message(message)

    async def process_message(self) -> None:
        """Begin to work on the next message; drop one that is not as Slack documents it.

        The SDK would log its exception, whose text may quote the message, and not have it counted
        as ended.
        """
        raw_message = await self.message_queue.get()
        try:
            message = socket_message(raw_message)
        except Malformed as error:
            self._ended()
            log.warning("socket_message_malformed", field=error.field)
            return
        working = asyncio.create_task(self.run_message_listeners(message, raw_message))
        self._working.add(working)  # a task that nobody holds may vanish halfway
        working.add_done_callback(self._working.discard)

    async def run_message_listeners(self, message: dict[str, Any], raw_message: str) -> None:
        asks_to_renew = message.get("type") == "disconnect"
        if asks_to_renew:  # which waits for all others
            self._ended()
        try:
            await super().run_message_listeners(message, raw_message)
        finally:
            if not asks_to_renew:
                self._ended()

    def _ended(self) -> None:
        self._under_way -= 1
        if not self._under_way:
            self._idle.set()

    async def _answer(self, client: SocketModeClient, request: SocketModeRequest) -> None:
        """Answer a payload. A malformed one is not acknowledged: as over HTTP, that is no."""
        try:
            received = bolt_request(
                request.payload, mode="socket_mode", headers=build_headers(request)
            )
        except Malformed as error:
            log.warning("request_malformed", field=error.field)
            return
        answer = await self._app.async_dispatch(received)
        await send_async_response(client, request, answer, monotonic())


class Sockets:
    """The connections of this process; Slack allows ten for an app."""

    def __init__(self, app: AsyncApp, app_token: str, count: int) -> None:
        renewing = asyncio.Lock()
        self._connections = [Connection(app, app_token, renewing) for _ in range(count)]
        self._tasks: list[asyncio.Task[None]] = []

    async def connect(self) -> None:
        """Returns when the first is connected; the others follow."""
        first, *others = self._connections
        await first.connect()
        self._tasks = [asyncio.create_task(self._keep(first, connected=True))]
        self._tasks += [asyncio.create_task(self._keep(other)) for other in others]

    async def _keep(self, connection: Connection, *, connected: bool = False) -> None:
        if not connected:
            await connection.connect()
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            session = connection.current_session
            if session is not None and session.closed:
                await connection.connect_to_new_endpoint()

    async def is_connected(self) -> bool:
        """Whether Slack can reach us over any of them."""
        return any([await connection.is_connected() for connection in self._connections])

    @property
    def others(self) -> int:
        """How many connections of the app are not ours, as far as Slack has said."""
        of_app = max(connection.of_app for connection in self._connections)
        return max(0, of_app - len(self._connections))

    async def close(self) -> None:
        """Acknowledge what is under way, and leave."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*(connection.leave() for connection in self._connections))
