"""A loop whose bot can die in the middle of its work, as far as one process can play that."""

import asyncio
import gc
import warnings
from collections.abc import Coroutine
from contextvars import Context, ContextVar, copy_context
from typing import Any
from weakref import WeakSet

from sqlalchemy.exc import SAWarning

_is_bot: ContextVar[bool] = ContextVar("is_bot", default=False)


class Mortal:
    """Knows every task that the bot began, and what these began in their turn."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._tasks: WeakSet[asyncio.Task[Any]] = WeakSet()
        loop.set_task_factory(self._task)

    def begin(self, what: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Let the bot do this: it ends with the bot."""
        context = copy_context()
        context.run(_is_bot.set, True)
        return asyncio.get_running_loop().create_task(what, context=context)

    async def kill(self) -> None:
        """End all of it where it stands. What is under way in the database is rolled back."""
        dying = self._alive()
        for task in dying:
            task.cancel()
        while dying:  # and what they began in order to roll back
            await asyncio.wait(dying)
            dying = self._alive()
        _bury()

    def _alive(self) -> list[asyncio.Task[Any]]:
        return [task for task in self._tasks if not task.done()]

    def _task(
        self,
        loop: asyncio.AbstractEventLoop,
        what: Any,
        context: Context | None = None,
    ) -> asyncio.Task[Any]:
        task = asyncio.Task(what, loop=loop, context=context)
        if (context or copy_context()).get(_is_bot, False):
            self._tasks.add(task)
        return task


def _bury() -> None:
    """Connections that the dead had in hand are closed now, not in whichever test comes later."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)
        gc.collect()
