"""The load: people's clicks as signed requests over kept connections, read no further than needed.

It costs little beside the servers, so that what is measured is them. Requests are given as
bodies and signed when they are sent.
"""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from bot.clock import monotonic, real_now

SECRET = "bench-signing-secret"
ANSWER_SECONDS = 30.0


@dataclass(kw_only=True)
class Timed:
    """What came back: seconds for each answer with 200, and what went wrong."""

    seconds: list[float] = field(default_factory=list)
    ended_at: list[float] = field(default_factory=list)
    wrong: dict[str, int] = field(default_factory=dict)

    def add(self, status: str, seconds: float, ended_at: float) -> None:
        if status != "200":
            self.wrong[status] = self.wrong.get(status, 0) + 1
            return
        self.seconds.append(seconds)
        self.ended_at.append(ended_at)


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


async def one_by_one(port: int, requests: Sequence[bytes]) -> Timed:
    """One client: the next click when the last was answered."""
    timed = Timed()
    connection = await Connection.to(port)
    for body in requests:
        await _one(connection, signed(body), timed)
    connection.close()
    return timed


async def closed_loop(port: int, requests: Iterator[bytes], clients: int, seconds: float) -> Timed:
    """So many clients at once, each with its next click when its last was answered."""
    timed = Timed()
    until = monotonic() + seconds

    async def client() -> None:
        connection = await Connection.to(port)
        while monotonic() < until:
            body = next(requests, None)
            if body is None:
                break
            await _one(connection, signed(body), timed)
        connection.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    return timed


async def at_a_rate(
    port: int, requests: Iterator[bytes], each_second: float, until: asyncio.Event
) -> Timed:
    """Clicks that come when they come, however long the last one takes, until told to stop."""
    timed = Timed()
    free: list[Connection] = []
    under_way: set[asyncio.Task[None]] = set()

    async def click(body: bytes) -> None:
        try:
            connection = free.pop() if free else await Connection.to(port)
            await _one(connection, signed(body), timed)
        except (OSError, EOFError, TimeoutError) as error:
            timed.add(type(error).__name__, 0, monotonic())
            return
        free.append(connection)

    due = monotonic()
    while not until.is_set():
        task = asyncio.create_task(click(next(requests)))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
        due += 1 / each_second
        await asyncio.sleep(max(0.0, due - monotonic()))
    await asyncio.gather(*under_way)
    for connection in free:
        connection.close()
    return timed


async def _one(connection: Connection, request: bytes, timed: Timed) -> None:
    began = monotonic()
    async with asyncio.timeout(ANSWER_SECONDS):
        status = await connection.ask(request)
    ended = monotonic()
    timed.add(status, ended - began, ended)
