"""Simulates a crash of the bot inside one process: all of its tasks are cancelled at once."""

import asyncio
import gc
import warnings
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from contextvars import Context, ContextVar, copy_context
from typing import Any
from weakref import WeakSet

from sqlalchemy.exc import SAWarning

#: More than a rollback takes. A task that outlives it waits for one that was killed.
ROLLBACK_SECONDS = 5.0
_is_bot: ContextVar[bool] = ContextVar("is_bot", default=False)


class CrashableTasks:
    """Tracks every task that the bot started, including tasks started by those."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._tasks: WeakSet[asyncio.Task[Any]] = WeakSet()
        loop.set_task_factory(self._create_task)

    def start(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Start a task of the bot; it is killed with the bot."""
        context = copy_context()
        context.run(_is_bot.set, True)
        return asyncio.get_running_loop().create_task(coroutine, context=context)

    async def kill(self) -> None:
        """Cancel every task at once. Open database transactions are rolled back.

        Within `abandoned_connections`: a task that is cancelled again while it rolls back leaves
        its connection open.
        """
        running = self._running()
        for task in running:
            task.cancel()
        while running:  # includes tasks started to roll back
            await asyncio.wait(running, timeout=ROLLBACK_SECONDS)
            running = self._running()
            for task in running:  # begun since, or had caught its cancellation
                task.cancel()

    def _running(self) -> list[asyncio.Task[Any]]:
        return [task for task in self._tasks if not task.done()]

    def _create_task(
        self,
        loop: asyncio.AbstractEventLoop,
        coroutine: Any,
        context: Context | None = None,
    ) -> asyncio.Task[Any]:
        task = asyncio.Task(coroutine, loop=loop, context=context)
        if (context or copy_context()).get(_is_bot, False):
            self._tasks.add(task)
        return task


@contextmanager
def abandoned_connections() -> Iterator[None]:
    """Let connections be abandoned, and close them at the end, not in some later test."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)
        yield
        gc.collect()
