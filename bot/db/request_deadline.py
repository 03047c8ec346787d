"""Database progress of a person's request, so that a late answer tells the truth.

Slack waits three seconds. If the database hangs, the person is told in time that nothing was saved,
and the work under way is abandoned before it can be committed after all.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

from bot.db.db_errors import TransactionTimeout, is_definite_failure

T = TypeVar("T")

#: How often a request is tried in all, where the database asks for a retry.
MAX_TRIES = 3


class DeadlineExceeded(Exception):
    """Raised if the database did not answer in time.

    `unsure`: something may have been saved anyway.
    """

    def __init__(self, *, may_be_saved: bool) -> None:
        super().__init__("the database did not answer in time")
        self.unsure = may_be_saved


class RequestAbandoned(Exception):
    """Raised if one of the requests that a group commit serves was given up."""


@dataclass
class RequestProgress:
    """Progress of one request: whether it is in the database now, and whether it may have saved."""

    nesting: int = 0
    committing: int = 0
    tries: int = 1
    #: whether something was committed, or a commit was sent and its outcome is unknown
    may_be_committed: bool = False
    given_up: bool = False
    retry_requested: bool = False
    #: records that the database was waited for in vain
    report_failure: Callable[[BaseException], None] | None = None
    #: requests of other people that are committed together with this one
    grouped_requests: Sequence["RequestProgress"] = ()

    def may_begin_again(self) -> bool:
        """Request a retry if nothing was committed yet and tries are left; return whether it is."""
        self.retry_requested = (
            not self.may_be_committed and not self.given_up and self.tries < MAX_TRIES
        )
        self.tries += self.retry_requested
        return self.retry_requested


_current: ContextVar[RequestProgress | None] = ContextVar("progress", default=None)


def current() -> RequestProgress:
    """Return the progress of the current request; a fresh one if no person waits."""
    return _current.get() or RequestProgress(tries=MAX_TRIES)


def detach_from_request() -> None:
    """Mark what follows in this context as part of no person's request."""
    _current.set(None)


@contextmanager
def in_database(
    complain: Callable[[BaseException], None] | None = None,
) -> Iterator[RequestProgress]:
    """Count the time in this block as spent in the database; set the `complain` callback."""
    progress = current()
    progress.nesting += 1
    progress.report_failure = complain
    try:
        yield progress
    finally:
        progress.nesting -= 1


@contextmanager
def committing(progress: RequestProgress) -> Iterator[None]:
    """Commit within this block; do not begin if the request was given up.

    Raises:
        RequestAbandoned: one of the requests served was given up, and told that nothing was saved.
    """
    if progress.given_up:
        raise asyncio.CancelledError  # the cancellation was lost; the person was told no
    if any(other.given_up for other in progress.grouped_requests):
        raise RequestAbandoned
    requests = (progress, *progress.grouped_requests)
    before = [request.may_be_committed for request in requests]
    for request in requests:
        request.may_be_committed = True
        request.committing += 1
    try:
        yield
    except Exception as error:
        for request, kept in zip(requests, before, strict=True):
            request.may_be_committed = kept or not is_definite_failure(error)
        raise
    finally:
        for request in requests:
            request.committing -= 1


@contextmanager
def serving_requests(many: Sequence[RequestProgress]) -> Iterator[None]:
    """Serve all these requests with what is committed within this block."""
    token = _current.set(RequestProgress(tries=MAX_TRIES, grouped_requests=many))
    try:
        yield
    finally:
        _current.reset(token)


async def run_with_deadline(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """Wait for the work; if it still waits for the database after that, give it up.

    A commit under way is not disturbed, and work that waits for something else goes on: only time
    in the database is limited here.

    Raises:
        DeadlineExceeded: the work was given up, or its commit is under way.
    """
    progress = RequestProgress()
    token = _current.set(progress)
    task = asyncio.create_task(work)
    _current.reset(token)
    try:
        await asyncio.wait({task}, timeout=seconds)
    except asyncio.CancelledError:
        task.cancel()
        raise
    if task.done() or not progress.nesting:
        return await task
    finish_in_background(task)
    if progress.report_failure is not None:
        progress.report_failure(
            TransactionTimeout(f"a request exceeded its deadline of {seconds:g} s")
        )
    if not progress.committing:
        progress.given_up = True
        task.cancel()
    raise DeadlineExceeded(may_be_saved=progress.may_be_committed)


async def wait_for_abandoned() -> None:
    """Wait until abandoned work has released its connections."""
    loop = asyncio.get_running_loop()
    tasks = {task for task in _abandoned_tasks if task.get_loop() is loop}
    if tasks:
        await asyncio.wait(tasks)


_abandoned_tasks: set["asyncio.Task[Any]"] = set()


def finish_in_background(task: "asyncio.Task[Any]") -> None:
    """Let a task end in the background: giving up a broken connection takes seconds more."""

    def on_done(task: "asyncio.Task[Any]") -> None:
        _abandoned_tasks.discard(task)
        if not task.cancelled():
            task.exception()  # retrieved so that it is not logged; counted where it happened

    _abandoned_tasks.add(task)  # a task without a reference may be collected halfway
    task.add_done_callback(on_done)
