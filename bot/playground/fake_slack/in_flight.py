"""Work in progress: open requests, unacknowledged envelopes, and tasks."""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")

#: Idle turns of the event loop before everything counts as finished.
QUIET_TURNS = 8


class InFlight:
    """Counts work in progress, waits for its end without polling the clock, cancels the rest."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()
        self._begun = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._tasks: set[asyncio.Task[Any]] = set()

    @contextmanager
    def under_way(self, what: str) -> Iterator[None]:
        self._open[what] += 1
        self._begun += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._open[what] -= 1
            if not self._open.total():
                self._idle.set()

    def spawn(self, what: str, coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run it as a task; it does not count as in progress unless it registers itself."""
        task = asyncio.get_running_loop().create_task(coroutine, name=what)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def settled(self, seconds: float) -> None:
        """Wait until nothing is in progress.

        Raises:
            TimeoutError: something still is; the message names it.
        """
        try:
            async with asyncio.timeout(seconds):
                await self._quiet()
        except TimeoutError:
            still = ", ".join(sorted(what for what, count in self._open.items() if count))
            raise TimeoutError(f"after {seconds} s still under way: {still}") from None

    async def _quiet(self) -> None:
        while True:
            await self._idle.wait()
            begun = self._begun
            for _ in range(QUIET_TURNS):
                await asyncio.sleep(0)
            if self._begun == begun and self._idle.is_set():
                return

    async def cancel(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
