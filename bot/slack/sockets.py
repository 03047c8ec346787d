"""Socket Mode over several connections, so that one can be renewed while another works.

Slack renews each connection every few hours and sends each payload over any of them. Before a
connection is renewed, the payloads being processed are acknowledged on it; only one is renewed at a
time.
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
from bot.slack.errors import ErrorKind, classify
from bot.slack.network import Network
from bot.slack.payloads import Malformed, bolt_request, socket_message

#: Slack gives up waiting for an acknowledgement after 3 s.
DRAIN_SECONDS = 2.5
PING_SECONDS = 10
#: The SDK notices a broken connection only at its next ping.
CHECK_INTERVAL_SECONDS = 0.5
#: Seconds for one attempt to connect with a ticket. Shorter than the SDK's pause between its own
#: attempts, which would reuse a spent ticket.
CONNECT_SECONDS = 8
#: Longest wait before asking for the next ticket if Slack does not say when. Waits grow up to this:
#: Slack gives out few tickets (tier 1), and each attempt is logged.
MAX_RETRY_WAIT_SECONDS = 10.0
#: Connections that an app may have open in all:
#: https://docs.slack.dev/apis/events-api/using-socket-mode
MAX_CONNECTIONS = 10


class Connection(SocketModeClient):
    """One connection, which finishes what it has started before it is renewed."""

    def __init__(
        self,
        app: AsyncApp,
        app_token: str,
        renewing: asyncio.Lock,
        network: Network | None = None,
    ) -> None:
        super().__init__(
            app_token=app_token,
            logger=app.logger,
            web_client=app.client,
            ping_interval=PING_SECONDS,
        )
        self.aiohttp_client_session.detach()  # the SDK's own, which ignores NO_PROXY
        self.aiohttp_client_session = (network or Network()).session()
        self._app = app
        self._renewing = renewing
        self._under_way = 0
        self._message_tasks: set[asyncio.Task[None]] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self.app_connections = 0
        """Connections of the app when this one was opened, including it; 0: not known."""
        self.message_listeners.append(self._greeted)  # type: ignore[arg-type]
        self.socket_mode_request_listeners.append(self._answer)  # type: ignore[arg-type]

    async def connect_to_new_endpoint(self, force: bool = False) -> None:
        """Renew the connection, after any other renewal under way."""
        async with self._renewing:
            await super().connect_to_new_endpoint(force)

    async def connect(self) -> None:
        """Connect, however long it takes, each time with a new ticket.

        An old connection is closed once there is a ticket for the new one and everything received
        over the old one so far is acknowledged.
        """
        while not self.closed:
            self.wss_uri = self.wss_uri or await self.issue_new_wss_url()
            await self._drain()
            with suppress(TimeoutError):
                async with asyncio.timeout(CONNECT_SECONDS):
                    await super().connect()  # type: ignore[no-untyped-call]
                return
            self.wss_uri = None

    async def issue_new_wss_url(self) -> str:
        """Return a ticket for one connection, however long it takes; Slack says when to retry.

        Raises:
            SlackApiError: Slack refuses the token, and there was no connection yet.
        """
        wait = CHECK_INTERVAL_SECONDS
        while True:
            try:
                answer = await self.web_client.apps_connections_open(app_token=self.app_token)
                return str(answer["url"])
            except (SlackApiError, ClientError, OSError, TimeoutError) as error:
                failure = classify(error)
                if failure.kind is ErrorKind.WORKSPACE and self.current_session is None:
                    raise
                wait = min(2 * wait, MAX_RETRY_WAIT_SECONDS)
                again_in = jittered(wait) if failure.retry_after is None else failure.retry_after
                log.warning("socket_url_not_issued", reason=failure.reason, again_in=again_in)
                await asyncio.sleep(again_in)

    async def shut_down(self) -> None:
        """Close the connection for good, after acknowledging what is under way."""
        await self._drain()
        await self.close()  # type: ignore[no-untyped-call]
        await self.aiohttp_client_session.close()

    async def _greeted(self, _client: SocketModeClient, message: dict[str, Any], _: str) -> None:
        if message.get("type") != "hello":
            return
        count = message.get("num_connections")
        self.app_connections = count if isinstance(count, int) else 0
        if self.app_connections >= MAX_CONNECTIONS:  # the next would be refused
            log.warning("socket_limit_reached", open=self.app_connections, most=MAX_CONNECTIONS)

    async def _drain(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                await self._idle.wait()

    async def enqueue_message(self, message: str) -> None:
        """Count the message from now on: messages waiting in the queue are under way, too."""
        self._under_way += 1
        self._idle.clear()
        await super().enqueue_message(message)

    async def process_message(self) -> None:
        """Start to process the next message; drop one that is not as Slack documents it.

        The SDK would log its exception, whose text may quote the message, and would not count the
        message as processed.
        """
        raw_message = await self.message_queue.get()
        try:
            message = socket_message(raw_message)
        except Malformed as error:
            self._on_processed()
            log.warning("socket_message_malformed", field=error.field)
            return
        task = asyncio.create_task(self.run_message_listeners(message, raw_message))
        self._message_tasks.add(task)  # a task without a reference may be collected halfway
        task.add_done_callback(self._message_tasks.discard)

    async def run_message_listeners(self, message: dict[str, Any], raw_message: str) -> None:
        asks_to_renew = message.get("type") == "disconnect"
        if asks_to_renew:  # a renewal waits for all others
            self._on_processed()
        try:
            await super().run_message_listeners(message, raw_message)
        finally:
            if not asks_to_renew:
                self._on_processed()

    def _on_processed(self) -> None:
        self._under_way -= 1
        if not self._under_way:
            self._idle.set()

    async def _answer(self, client: SocketModeClient, request: SocketModeRequest) -> None:
        """Answer a payload. A malformed one is not acknowledged; over HTTP it is refused."""
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
    """The connections of this process; Slack allows ten per app."""

    def __init__(
        self, app: AsyncApp, app_token: str, count: int, network: Network | None = None
    ) -> None:
        renewing = asyncio.Lock()
        self._connections = [Connection(app, app_token, renewing, network) for _ in range(count)]
        self._tasks: list[asyncio.Task[None]] = []

    async def connect(self) -> None:
        """Connect the first, and return then; the others follow."""
        first, *others = self._connections
        await first.connect()
        self._tasks = [asyncio.create_task(self._keep_connected(first, connected=True))]
        self._tasks += [asyncio.create_task(self._keep_connected(other)) for other in others]

    async def _keep_connected(self, connection: Connection, *, connected: bool = False) -> None:
        if not connected:
            await connection.connect()
        while True:
            await asyncio.sleep(CHECK_INTERVAL_SECONDS)
            session = connection.current_session
            if session is not None and session.closed:
                await connection.connect_to_new_endpoint()

    async def is_connected(self) -> bool:
        """Return whether Slack can reach us over any of them."""
        return any([await connection.is_connected() for connection in self._connections])

    @property
    def foreign_connections(self) -> int:
        """Return how many of the app's connections are not ours, as far as Slack has said."""
        of_app = max(connection.app_connections for connection in self._connections)
        return max(0, of_app - len(self._connections))

    async def close(self) -> None:
        """Acknowledge what is under way, and disconnect."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*(connection.shut_down() for connection in self._connections))
