"""Work done after Slack has its answer, and finished before the bot stops."""

import asyncio
from collections.abc import Coroutine
from contextvars import copy_context
from typing import Any

from bot.db.db_errors import failure_kind
from bot.db.request_deadline import nobody_waits
from bot.log import log

#: What is still under way then, when the bot stops, is given up.
LONGEST_SECONDS = 5.0


class BackgroundTasks:
    """Work that a request leaves behind, and that may be lost where the process dies."""

    def __init__(self) -> None:
        self._under_way: set[asyncio.Task[None]] = set()

    def do(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin it; what fails is logged."""
        context = copy_context()
        context.run(nobody_waits)
        task = asyncio.get_running_loop().create_task(work, context=context)
        self._under_way.add(task)
        task.add_done_callback(self._ended)

    async def done(self) -> None:
        """Wait until nothing of it is left."""
        while self._under_way:
            await asyncio.wait(self._under_way)

    async def stop(self) -> None:
        """Let it end, but not for long."""
        if not self._under_way:
            return
        _, late = await asyncio.wait(self._under_way, timeout=LONGEST_SECONDS)
        for task in late:
            task.cancel()

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._under_way.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and failure_kind(error) is None:  # the database tells of its own
            log.error("afterwards_failed", exc_info=error)
