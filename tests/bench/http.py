"""A minimal HTTP server, because the sink shares the cores that are measured."""

import asyncio
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlsplit

_OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d"
_END = b"\r\n\r\n"
_LENGTH, _KIND, _CHUNKED = b"content-length:", b"content-type:", b"transfer-encoding:"


class Call(NamedTuple):
    """A request."""

    path: str
    query: str
    kind: str  # the Content-Type
    body: bytes


class Answer(NamedTuple):
    """A JSON response with status 200."""

    body: bytes
    after: float = 0.0  # seconds


class Connection(asyncio.Protocol):
    """A persistent connection without pipelining.

    Every body must have a Content-Length.
    """

    def __init__(self, answer: Callable[[Call], Answer]) -> None:
        self._answer = answer
        self._unread = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._unread += data
        head, end, rest = self._unread.partition(_END)
        if not end or len(rest) < (length := int(_header(head, _LENGTH) or 0)):
            return
        assert not _header(head, _CHUNKED), "a body without its length"
        self._unread = rest[length:]
        url = urlsplit(head.split(b" ", 2)[1].decode())
        kind = _header(head, _KIND).decode()
        answer = self._answer(Call(url.path, url.query, kind, rest[:length]))
        if answer.after:
            asyncio.get_running_loop().call_later(answer.after, self._write, answer.body)
        else:
            self._write(answer.body)

    def _write(self, body: bytes) -> None:
        self._transport.write(_OK % len(body) + _END + body)


async def serve(port: int, answer: Callable[[Call], Answer]) -> None:
    """Serve on 127.0.0.1 until cancelled."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(answer), "127.0.0.1", port)
    async with server:
        await server.serve_forever()


def _header(head: bytes, name: bytes) -> bytes:
    """The value of a header, or empty. The name is in lower case and ends with a colon."""
    at = head.lower().find(b"\r\n" + name)
    return head[at + 2 + len(name) :].split(b"\r\n", 1)[0].strip() if at >= 0 else b""
