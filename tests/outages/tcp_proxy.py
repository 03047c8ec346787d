"""A TCP proxy to PostgreSQL's Unix socket, which can be cut without notice to either end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from sqlalchemy.engine import make_url

CHUNK = 65536


class TcpProxy:
    """Forwards connections. While cut, it holds all bytes back and closes nothing."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self._intact = asyncio.Event()
        self._intact.set()
        self._ends: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    def cut(self) -> None:
        self._intact.clear()

    def restore(self, *, reset: bool) -> None:
        """Let bytes through again. `reset` aborts the old connections, as a router would."""
        if reset:
            self._abort()
        self._intact.set()

    def url(self, url: str) -> str:
        """The database's URL by way of this proxy."""
        proxied = make_url(url).set(host="127.0.0.1", port=self.port, query={})
        return proxied.render_as_string(hide_password=False)

    async def serve(
        self, client_reader: asyncio.StreamReader, client_writer: asyncio.StreamWriter
    ) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._ends.add(client_writer)
        try:
            await self._intact.wait()
            server_reader, server_writer = await asyncio.open_unix_connection(str(self._socket))
            self._ends.add(server_writer)
            await asyncio.gather(
                self._pump(client_reader, server_writer), self._pump(server_reader, client_writer)
            )
        except (OSError, asyncio.CancelledError):
            client_writer.transport.abort()
        finally:
            self._tasks.discard(task)

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(CHUNK):
                await self._intact.wait()
                target.write(data)
                await target.drain()
        await self._intact.wait()  # while cut, not even a close gets through
        target.close()
        self._ends.discard(target)

    def _abort(self) -> None:
        for end in self._ends:
            end.transport.abort()
        self._ends.clear()

    async def close(self) -> None:
        self._abort()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def tcp_proxy(socket: Path) -> AsyncIterator[TcpProxy]:
    """A proxy to this socket, listening on a free port."""
    proxy = TcpProxy(socket)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await proxy.close()
