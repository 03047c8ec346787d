"""Load generators: clicks as signed requests over persistent connections.

They cost little compared with the servers that are measured. Requests are signed when sent.
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
    """The body of a request, and a number that identifies it in the results."""

    body: bytes
    number: int = 0


@dataclass(kw_only=True)
class LoadResult:
    """Results of requests: times and numbers of those answered with 200, counts of others."""

    seconds: list[float] = field(default_factory=list)
    ended_at: list[float] = field(default_factory=list)  # monotonic
    acknowledged: list[int] = field(default_factory=list)  # numbers of requests
    errors: Counter[str] = field(default_factory=Counter)  # by status, or by error

    def add(self, request: Request, status: str, began: float) -> None:
        if status != "200":
            self.errors[status] += 1
            return
        ended = monotonic()
        self.seconds.append(ended - began)
        self.ended_at.append(ended)
        self.acknowledged.append(request.number)


def signed(body: bytes) -> bytes:
    """The HTTP request with this form, signed as by Slack; valid for five minutes."""
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
    """A persistent connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def to(cls, port: int) -> "Connection":
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def ask(self, request: bytes) -> str:
        """Send a request and read the whole response. Returns the status."""
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


async def one_by_one(port: int, requests: Iterable[Request]) -> LoadResult:
    """One client, which sends each request after the previous response."""
    timed = LoadResult()
    connection = await Connection.to(port)
    for request in requests:
        await _one(connection, request, timed)
    connection.close()
    return timed


async def closed_loop(
    port: int, requests: Iterator[Request], clients: int, seconds: float
) -> LoadResult:
    """Concurrent clients, each sending its next request after its previous response."""
    timed = LoadResult()
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
) -> LoadResult:
    """Requests at a fixed rate, however long the responses take, until stopped.

    None in `requests` skips one. A request without a response is counted by its error.
    """
    timed = LoadResult()
    free: list[Connection] = []
    under_way: set[asyncio.Task[None]] = set()

    async def click(request: Request) -> None:
        try:
            connection = free.pop() if free else await Connection.to(port)
            await _one(connection, request, timed)
        except (OSError, EOFError, TimeoutError) as error:
            timed.errors[type(error).__name__] += 1
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


async def _one(connection: Connection, request: Request, timed: LoadResult) -> None:
    whole = signed(request.body)
    began = monotonic()
    async with asyncio.timeout(ANSWER_SECONDS):
        status = await connection.ask(whole)
    timed.add(request, status, began)
