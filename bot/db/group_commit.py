"""Many callers, one transaction: what is handed in while one commits shares the next.

A commit costs a write to the disk however much is in it. Nobody waits for company: where nothing
is under way, an item's transaction begins at once.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from contextvars import Context
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db.db_errors import failure_kind
from bot.db.request_deadline import RequestAbandoned, RequestProgress, inside, on_behalf_of

Item = TypeVar("Item")
Result = TypeVar("Result")

#: So many items share a transaction at most: the last of them waits for the work on all.
MOST = 64

#: For each item its result, or the exception its caller gets: of that item nothing was written.
Outcomes: TypeAlias = Sequence[Result | Exception]
#: Does what every item asks for, in the order they were handed in.
Work: TypeAlias = Callable[[AsyncConnection, Sequence[Item]], Awaitable[Outcomes[Result]]]


@dataclass(eq=False)
class _Waiting(Generic[Item, Result]):
    item: Item
    future: "asyncio.Future[Result]"
    progress: RequestProgress

    def tell(self, outcome: Result | Exception) -> None:
        if self.future.done():  # who waited has gone
            return
        if isinstance(outcome, Exception):
            self.future.set_exception(outcome)
        else:
            self.future.set_result(outcome)


class GroupCommit(Generic[Item, Result]):
    """One kind of work on one database."""

    def __init__(
        self,
        transaction: Callable[[], AbstractAsyncContextManager[AsyncConnection]],
        work: Work[Item, Result],
        complain: Callable[[BaseException], None] | None = None,
    ) -> None:
        self._transaction = transaction
        self._work = work
        self._complain = complain
        self._waiting: deque[_Waiting[Item, Result]] = deque()
        self._under_way: Sequence[_Waiting[Item, Result]] = ()
        self._running: asyncio.Task[None] | None = None

    async def do(self, item: Item) -> Result:
        """Have it done; returns once it is committed. A caller may give up without harm to others.

        Raises:
            Exception: the item's own, or the transaction's; then nothing of the item was kept.
        """
        with inside(self._complain) as progress:
            future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
            self._waiting.append(_Waiting(item, future, progress))
            if self._running is None:  # in nobody's context: it works for many
                self._running = asyncio.create_task(self._run(), context=Context())
            try:
                return await future
            except asyncio.CancelledError:
                self._left()
                raise

    async def ended(self) -> None:
        """Wait for what was handed in."""
        if self._running is not None:
            await asyncio.wait({self._running})

    async def _run(self) -> None:
        try:
            while batch := self._next():
                self._under_way = batch
                await self._settled(batch)
                self._under_way = ()
        finally:
            self._running = None
            for one in (*self._under_way, *self._waiting):  # none, unless this was cancelled
                one.future.cancel()

    async def _settled(self, batch: Sequence[_Waiting[Item, Result]]) -> None:
        try:
            await self._settle(batch)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or any(map(_is_wanted, batch)):
                raise
            task.uncancel()

    def _left(self) -> None:
        """Somebody waits no longer. Where nobody does, a database that hangs need not, either."""
        batch = self._under_way
        if any(_is_wanted(one) or one.progress.committing for one in batch):
            return
        if batch and self._running is not None:
            self._under_way = ()
            self._running.cancel()

    def _next(self) -> list[_Waiting[Item, Result]]:
        batch: list[_Waiting[Item, Result]] = []
        while self._waiting and len(batch) < MOST:
            one = self._waiting.popleft()
            if _is_wanted(one):
                batch.append(one)
        return batch

    async def _settle(self, batch: Sequence[_Waiting[Item, Result]]) -> None:
        try:
            outcomes = await self._commit(batch)
        except RequestAbandoned:
            if still := [one for one in batch if _is_wanted(one)]:
                await self._settle(still)
            return
        except Exception as error:
            if failure_kind(error) is None and len(batch) > 1:
                for one in filter(_is_wanted, batch):  # what cannot be done shall fail alone
                    await self._settle([one])
                return
            outcomes = [error for _ in batch]
        for one, outcome in zip(batch, outcomes, strict=True):
            one.tell(outcome)

    async def _commit(self, batch: Sequence[_Waiting[Item, Result]]) -> Outcomes[Result]:
        with on_behalf_of([one.progress for one in batch]):
            async with self._transaction() as tx:
                return await self._work(tx, [one.item for one in batch])


def _is_wanted(one: _Waiting[Any, Any]) -> bool:
    return not one.future.done() and not one.progress.given_up
