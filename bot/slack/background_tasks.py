"""Background tasks that run after Slack has its answer, and finish before the bot stops."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from contextvars import copy_context
from typing import Any, TypeAlias

from bot.db.db_errors import failure_kind
from bot.db.request_deadline import detach_from_request
from bot.log import log

#: Tasks still running this long after the bot began to stop are cancelled.
STOP_TIMEOUT_SECONDS = 5.0


Work: TypeAlias = Callable[[], Coroutine[Any, Any, None]]


class BackgroundTasks:
    """Work that outlives its request, and that may be lost if the process dies."""

    def __init__(self) -> None:
        self._under_way: set[asyncio.Task[None]] = set()
        self._newest: dict[Hashable, Work | None] = {}  # waiting behind the work with its key

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Start the work; failures are logged."""
        context = copy_context()
        context.run(detach_from_request)
        task = asyncio.get_running_loop().create_task(work, context=context)
        self._under_way.add(task)
        task.add_done_callback(self._on_done)

    def start_newest(self, key: Hashable, work: Work) -> None:
        """Start the work once none with this key is under way; newer work with it goes instead."""
        if key in self._newest:
            self._newest[key] = work
        else:
            self._newest[key] = None
            self.start(self._run_newest(key, work))

    async def _run_newest(self, key: Hashable, work: Work) -> None:
        try:
            current: Work | None = work
            while current is not None:
                await current()
                current, self._newest[key] = self._newest[key], None
        finally:
            del self._newest[key]

    async def wait_until_idle(self) -> None:
        """Wait until no task is left."""
        while self._under_way:
            await asyncio.wait(self._under_way)

    async def stop(self) -> None:
        """Wait for the tasks to end, but no longer than `STOP_TIMEOUT_SECONDS`."""
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
