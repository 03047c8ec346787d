"""The load: people's clicks as signed requests over kept connections, read no further than needed.

It costs little beside the servers, so that what is measured is them. Requests are signed when
they are sent.
"""

import asyncio
import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from bot.clock import monotonic, real_now

SECRET = "bench-signing-secret"
ANSWER_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """The body of a request, and its number, by which it is known what became of it."""

    body: bytes
    number: int = 0


@dataclass(kw_only=True)
class Timed:
    """What came back: of each answer with 200 its seconds, when, and which; and what went wrong."""

    seconds: list[float] = field(default_factory=list)
    ended_at: list[float] = field(default_factory=list)  # monotonic
    acknowledged: list[int] = field(default_factory=list)  # numbers of requests
    wrong: Counter[str] = field(default_factory=Counter)  # by status, or by error

    def add(self, request: Request, status: str, began: float) -> None:
        if status != "200":
            self.wrong[status] += 1
            return
        ended = monotonic()
        self.seconds.append(ended - began)
        self.ended_at.append(ended)
        self.acknowledged.append(request.number)


def signed(body: bytes) -> bytes:
    """A request with this form as Slack sends it; good for five minutes."""
    timestamp = str(int(real_now().timestamp()))
    base = b"v0:" + timestamp.encode() + b":" + body
    signature = "v0=" + hmac.new(SECRET.encode(), base, hashlib.sha256).hexdigest()
    head = (
        "POST /slack/events HTTP/1.1\r\nHost: localhost\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n"
        f"X-Slack-Request-Timestamp: {timestamp}\r\nX-Slack-Signature: {signature}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def form(values: dict[str, Any]) -> bytes:
    """The body of a slash command."""
    return urlencode(values).encode()


def interaction(content: dict[str, Any]) -> bytes:
    """The body of a click."""
    return form({"payload": json.dumps(content)})


class Connection:
    """One kept connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def to(cls, port: int) -> "Connection":
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def ask(self, request: bytes) -> str:
        """Send it, read all of the answer. Returns the status."""
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = _length(head)
        if length:
            await self._reader.readexactly(length)
        return head[9:12].decode()

    def close(self) -> None:
        self._writer.close()


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            return int(line.split(b":")[1])
    return 0


async def one_by_one(port: int, requests: Iterable[Request]) -> Timed:
    """One client: the next click when the last was answered."""
    timed = Timed()
    connection = await Connection.to(port)
    for request in requests:
        await _one(connection, request, timed)
    connection.close()
    return timed


async def closed_loop(
    port: int, requests: Iterator[Request], clients: int, seconds: float
) -> Timed:
    """So many clients at once, each with its next click when its last was answered."""
    timed = Timed()
    until = monotonic() + seconds

    async def client() -> None:
        connection = await Connection.to(port)
        while monotonic() < until:
            request = next(requests, None)
            if request is None:
                break
            await _one(connection, request, timed)
        connection.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    return timed


async def at_a_rate(
    port: int, requests: Iterator[Request | None], each_second: float, until: asyncio.Event
) -> Timed:
    """Clicks that come when they come, however long the last one takes, until told to stop.

    None: nobody clicks this time. A click that is not answered is noted as wrong, by its error.
    """
    timed = Timed()
    free: list[Connection] = []
    under_way: set[asyncio.Task[None]] = set()

    async def click(request: Request) -> None:
        try:
            connection = free.pop() if free else await Connection.to(port)
            await _one(connection, request, timed)
        except (OSError, EOFError, TimeoutError) as error:
            timed.wrong[type(error).__name__] += 1
            return
        free.append(connection)

    due = monotonic()
    while not until.is_set():
        request = next(requests)
        if request is not None:
            task = asyncio.create_task(click(request))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        due += 1 / each_second
        with suppress(TimeoutError):
            await asyncio.wait_for(until.wait(), max(0.0, due - monotonic()))
    await asyncio.gather(*under_way)
    for connection in free:
        connection.close()
    return timed


async def _one(connection: Connection, request: Request, timed: Timed) -> None:
    whole = signed(request.body)
    began = monotonic()
    async with asyncio.timeout(ANSWER_SECONDS):
        status = await connection.ask(whole)
    timed.add(request, status, began)
