"""The engine and its transactions, the same for SQLite and PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Sequence
from contextlib import asynccontextmanager, nullcontext, suppress
from typing import Any, TypeVar

from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.db.connections import arguments, async_url, prepare
from bot.db.db_errors import TooSlow
from bot.db.group_commit import GroupCommit, Item, Outcomes, Result
from bot.db.health import Health
from bot.db.request_deadline import RequestProgress, all_given_up, committing, inside

Given = TypeVar("Given", bound=Hashable)

#: Longer than any statement may take. It ends what waits for a server that has gone silent
#: behind a connection that looks alive.
LONGEST_SECONDS = 30.0
CLOSING_SECONDS = 1.0
_QUIET = "quiet"


def skip_delivery_wakeup(tx: AsyncConnection) -> None:
    """Nothing that was written in this transaction is to be said in Slack."""
    tx.info[_QUIET] = True


class Database:
    """Transactions on one engine.

    `changed` is set after every commit but those that `wake_nobody`, so that delivery need not
    poll for what this process wrote itself. What fails is counted and logged here (`health`), so
    callers that go on need not say it again.
    """

    def __init__(self, url: str) -> None:
        given = make_url(url)
        self.engine: AsyncEngine = create_async_engine(
            async_url(given), hide_parameters=True, **arguments(given)
        )
        prepare(self.engine.sync_engine)
        self.changed = asyncio.Event()
        self.health = Health()
        # SQLite has one writer. Waiting for it here is fair and at once; its own busy handler
        # sleeps up to 100 ms between looks, and who comes last may win.
        self._turn = asyncio.Lock() if self.is_sqlite else nullcontext()
        self._together: dict[Any, GroupCommit[Any, Any]] = {}

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """Everything inside is committed together; an exception rolls all of it back.

        Raises:
            TooSlow: it was not done within `LONGEST_SECONDS`, and rolled back.
        """
        async with self._watched() as progress, self._turn, self.engine.connect() as tx:
            await tx.begin()
            tx.info.pop(_QUIET, None)
            yield tx
            with committing(progress):
                await tx.commit()
            if not tx.info.pop(_QUIET, False):
                self.changed.set()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A consistent view for reads only; takes no write lock.

        Raises:
            TooSlow: it was not done within `LONGEST_SECONDS`.
        """
        async with self._watched(), self.engine.connect() as connection:
            reader = await connection.execution_options(reading=True)
            async with reader.begin():
                yield reader

    def together(
        self,
        work: Callable[[AsyncConnection, Given, Sequence[Item]], Awaitable[Outcomes[Result]]],
        given: Given,
    ) -> GroupCommit[Item, Result]:
        """Where to hand in items for `work`, which is told `given` besides: one for all callers."""
        if (work, given) not in self._together:

            async def on_all(tx: AsyncConnection, items: Sequence[Item]) -> Outcomes[Result]:
                return await work(tx, given, items)

            self._together[work, given] = GroupCommit(self.transaction, on_all, self.health.failed)
        found: GroupCommit[Item, Result] = self._together[work, given]
        return found

    async def close(self) -> None:
        """Let go of all connections, after what is under way, if that does not hang."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSING_SECONDS):
                for one in self._together.values():
                    await one.ended()
                await all_given_up()
        await self.engine.dispose()

    @asynccontextmanager
    async def _watched(self) -> AsyncIterator[RequestProgress]:
        try:
            with inside(self.health.failed) as progress:
                async with asyncio.timeout(LONGEST_SECONDS) as limit:
                    yield progress
        except TimeoutError as error:
            if not limit.expired():
                raise
            slow = TooSlow(f"not done within {LONGEST_SECONDS:.0f} s")
            self.health.failed(slow)
            raise slow from error
        except Exception as error:
            self.health.failed(error)
            raise
        self.health.worked()
