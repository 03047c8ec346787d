"""A way over TCP to a PostgreSQL's socket, which can be cut without a word to either end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from sqlalchemy.engine import make_url

CHUNK = 65536


class Wire:
    """Forwards connections while it is whole. Cut, it swallows: nobody is told, nothing closes."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self._whole = asyncio.Event()
        self._whole.set()
        self._ends: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    def cut(self) -> None:
        self._whole.clear()

    def mend(self, *, forgotten: bool) -> None:
        """Let bytes through again. `forgotten`: connections of before are reset, as by a router."""
        if forgotten:
            self._abort()
        self._whole.set()

    def url(self, url: str) -> str:
        """A database's URL, by this way."""
        there = make_url(url).set(host="127.0.0.1", port=self.port, query={})
        return there.render_as_string(hide_password=False)

    async def serve(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._ends.add(back)
        try:
            await self._whole.wait()
            far, there = await asyncio.open_unix_connection(str(self._socket))
            self._ends.add(there)
            await asyncio.gather(self._pump(near, there), self._pump(far, back))
        except (OSError, asyncio.CancelledError):
            back.transport.abort()
        finally:
            self._tasks.discard(task)

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(CHUNK):
                await self._whole.wait()
                target.write(data)
                await target.drain()
        await self._whole.wait()  # that the other end is gone is news, too
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
async def wire(socket: Path) -> AsyncIterator[Wire]:
    """A whole wire to this socket, listening on a free port."""
    made = Wire(socket)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        await made.close()
