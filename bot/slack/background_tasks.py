"""Background tasks that run after Slack has its answer, and finish before the bot stops."""

import asyncio
from collections.abc import Coroutine
from contextvars import copy_context
from typing import Any

from bot.db.db_errors import failure_kind
from bot.db.request_deadline import detach_from_request
from bot.log import log

#: Tasks still running this long after the bot began to stop are cancelled.
STOP_TIMEOUT_SECONDS = 5.0


class BackgroundTasks:
    """Work that outlives its request, and that may be lost if the process dies."""

    def __init__(self) -> None:
        self._under_way: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Start the work; failures are logged."""
        context = copy_context()
        context.run(detach_from_request)
        task = asyncio.get_running_loop().create_task(work, context=context)
        self._under_way.add(task)
        task.add_done_callback(self._on_done)

    async def wait_until_idle(self) -> None:
        """Wait until no task is left."""
        while self._under_way:
            await asyncio.wait(self._under_way)

    async def stop(self) -> None:
        """Wait for the tasks to end, but no longer than `LONGEST_SECONDS`."""
        if not self._under_way:
            return
        _, late = await asyncio.wait(self._under_way, timeout=STOP_TIMEOUT_SECONDS)
        for task in late:
            task.cancel()

    def _on_done(self, task: "asyncio.Task[None]") -> None:
        self._under_way.discard(task)
        error = None if task.cancelled() else task.exception()
        # bot.db.health logs database failures itself.
        if error is not None and failure_kind(error) is None:
            log.error("background_task_failed", exc_info=error)
