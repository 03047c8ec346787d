"""The engine and its transactions, with one interface for SQLite and PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Sequence
from contextlib import asynccontextmanager, nullcontext, suppress
from typing import Any, TypeVar

from sqlalchemy import delete, insert
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.clock import random_bytes, real_now
from bot.db.connections import async_url, engine_arguments, register_connection_setup
from bot.db.db_errors import TransactionTimeout
from bot.db.encrypted_columns import use_keys
from bot.db.group_commit import GroupCommit, Item, Outcomes, Result
from bot.db.health import Health
from bot.db.request_deadline import RequestProgress, committing, in_database, wait_for_abandoned
from bot.db.schema import workspaces
from bot.keys import KeyRing

Given = TypeVar("Given", bound=Hashable)

#: Longer than any statement may take. Ends a wait for a server that went silent while its
#: connection still looks alive.
LONGEST_SECONDS = 30.0
CLOSING_SECONDS = 1.0
#: Size of the row that is written to see whether there is space.
FILLER_BYTES = 64 * 1024
_SKIP_WAKEUP = "quiet"


def skip_delivery_wakeup(tx: AsyncConnection) -> None:
    """Mark the transaction as one that enqueues nothing for delivery to Slack."""
    tx.info[_SKIP_WAKEUP] = True


class Database:
    """Transactions on one engine.

    `changed` is set after every commit except those of transactions with `skip_delivery_wakeup`, so
    that delivery need not poll for what this process wrote itself. Failures are counted and logged
    here (`health`), so callers that carry on need not log them again. `keys` encrypt what people
    typed; without them it can be neither read nor written.
    """

    def __init__(self, url: str, keys: KeyRing | None = None) -> None:
        parsed = make_url(url)
        self.engine: AsyncEngine = create_async_engine(
            async_url(parsed), hide_parameters=True, **engine_arguments(parsed)
        )
        register_connection_setup(self.engine.sync_engine)
        use_keys(self.engine, keys)
        self.changed = asyncio.Event()
        self.health = Health()
        # SQLite has one writer. Waiting for this lock is fair and ends at once; SQLite's own busy
        # handler sleeps up to 100 ms between attempts, and a latecomer may get in first.
        self._write_lock = asyncio.Lock() if self.is_sqlite else nullcontext()
        self._group_commits: dict[Any, GroupCommit[Any, Any]] = {}

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """Run a transaction: all of it is committed together, or rolled back on an exception.

        Raises:
            TransactionTimeout: it did not finish within `LONGEST_SECONDS`, and was rolled back.
        """
        async with self._monitored() as progress, self._write_lock, self.engine.connect() as tx:
            await tx.begin()
            tx.info.pop(_SKIP_WAKEUP, None)
            yield tx
            with committing(progress):
                await tx.commit()
            if not tx.info.pop(_SKIP_WAKEUP, False):
                self.changed.set()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Open a consistent view for reads only; takes no write lock.

        Raises:
            TransactionTimeout: it did not finish within `LONGEST_SECONDS`.
        """
        async with self._monitored(), self.engine.connect() as connection:
            reader = await connection.execution_options(reading=True)
            async with reader.begin():
                yield reader

    async def check_writable(self) -> None:
        """Write a row that takes some space, and delete it, in one transaction.

        Raises:
            SQLAlchemyError, TransactionTimeout: the disk is full, or the database read-only.
        """
        filler = {"filler": random_bytes(FILLER_BYTES // 2).hex()}
        row = {"workspace_id": "-", "name": "check", "bot_user_id": "-", "settings": filler}
        async with self.transaction() as tx:
            skip_delivery_wakeup(tx)
            await tx.execute(insert(workspaces).values(**row, installed_at=real_now()))
            await tx.execute(delete(workspaces).where(workspaces.c.workspace_id == "-"))
        self.health.record_written()

    def group_commit(
        self,
        work: Callable[[AsyncConnection, Given, Sequence[Item]], Awaitable[Outcomes[Result]]],
        given: Given,
    ) -> GroupCommit[Item, Result]:
        """Return the group commit for `work`, shared by all callers; `work` also gets `given`."""
        if (work, given) not in self._group_commits:

            async def work_on_all(tx: AsyncConnection, items: Sequence[Item]) -> Outcomes[Result]:
                return await work(tx, given, items)

            self._group_commits[work, given] = GroupCommit(
                self.transaction, work_on_all, self.health.record_failure
            )
        group_commit: GroupCommit[Item, Result] = self._group_commits[work, given]
        return group_commit

    async def close(self) -> None:
        """Close all connections after the work under way, unless that hangs."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSING_SECONDS):
                for group_commit in self._group_commits.values():
                    await group_commit.wait_until_idle()
                await wait_for_abandoned()
        await self.engine.dispose()

    @asynccontextmanager
    async def _monitored(self) -> AsyncIterator[RequestProgress]:
        try:
            with in_database(self.health.record_failure) as progress:
                async with asyncio.timeout(LONGEST_SECONDS) as limit:
                    yield progress
        except TimeoutError as error:
            if not limit.expired():
                raise
            slow = TransactionTimeout(f"not done within {LONGEST_SECONDS:.0f} s")
            self.health.record_failure(slow)
            raise slow from error
        except Exception as error:
            self.health.record_failure(error)
            raise
        self.health.record_success()
