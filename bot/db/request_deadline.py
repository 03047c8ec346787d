"""Progress of a person's request in the database, so that a late answer tells the truth.

Slack waits three seconds. A database that hangs must not turn that into silence: who waits is
told that nothing was saved, and what was under way is given up before it can be kept after all.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

from bot.db.db_errors import TooSlow, answered

T = TypeVar("T")

#: How often a request is begun in all, where the database asks for another try.
MOST_TRIES = 3


class DeadlineExceeded(Exception):
    """The database did not answer in time. `unsure`: something may have been kept all the same."""

    def __init__(self, *, unsure: bool) -> None:
        super().__init__("the database did not answer in time")
        self.unsure = unsure


class RequestAbandoned(Exception):
    """What was to be kept for many is not wanted by one of them any more."""


@dataclass
class RequestProgress:
    """One request: whether it is in the database now, and what it may have kept there."""

    inside: int = 0
    committing: int = 0
    tries: int = 1
    #: something was kept, or a commit was sent and its outcome never came
    kept: bool = False
    given_up: bool = False
    again: bool = False
    #: takes note of a database that was waited for in vain
    complain: Callable[[BaseException], None] | None = None
    #: others' requests that share its fate
    many: Sequence["RequestProgress"] = ()

    def may_begin_again(self) -> bool:
        """Whether the request may be begun anew, as nothing of it was kept; asks for it if so."""
        self.again = not self.kept and not self.given_up and self.tries < MOST_TRIES
        self.tries += self.again
        return self.again


_current: ContextVar[RequestProgress | None] = ContextVar("progress", default=None)


def current() -> RequestProgress:
    """The progress of the request under way; a fresh one where no person waits."""
    return _current.get() or RequestProgress(tries=MOST_TRIES)


def nobody_waits() -> None:
    """What follows in this context is part of no person's request."""
    _current.set(None)


@contextmanager
def inside(complain: Callable[[BaseException], None] | None = None) -> Iterator[RequestProgress]:
    """The time in between is spent in the database; `complain` is called if it is too long."""
    progress = current()
    progress.inside += 1
    progress.complain = complain
    try:
        yield progress
    finally:
        progress.inside -= 1


@contextmanager
def committing(progress: RequestProgress) -> Iterator[None]:
    """The time in between something is being kept; not begun if the request was given up.

    Raises:
        SomebodyLeft: of those it is done for, one was told that nothing was kept.
    """
    if progress.given_up:
        raise asyncio.CancelledError  # a cancellation got lost on the way; they were told no
    if any(one.given_up for one in progress.many):
        raise RequestAbandoned
    everyone = (progress, *progress.many)
    before = [one.kept for one in everyone]
    for one in everyone:
        one.kept = True
        one.committing += 1
    try:
        yield
    except Exception as error:
        for one, kept in zip(everyone, before, strict=True):
            one.kept = kept or not answered(error)
        raise
    finally:
        for one in everyone:
            one.committing -= 1


@contextmanager
def on_behalf_of(many: Sequence[RequestProgress]) -> Iterator[None]:
    """What is kept in between is kept for all these requests."""
    token = _current.set(RequestProgress(tries=MOST_TRIES, many=many))
    try:
        yield
    finally:
        _current.reset(token)


async def answered_within(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """Wait for the work. If it then still waits for the database, give it up.

    What is being committed is not disturbed, and what waits for something else goes on: only
    the database is held to the time here.

    Raises:
        Late: it was given up, or its commit is under way.
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
    if task.done() or not progress.inside:
        return await task
    leave_behind(task)
    if progress.complain is not None:
        progress.complain(TooSlow(f"a person waited {seconds:g} s in vain"))
    if not progress.committing:
        progress.given_up = True
        task.cancel()
    raise DeadlineExceeded(unsure=progress.kept)


async def all_given_up() -> None:
    """Wait until what was given up has let go of its connections."""
    loop = asyncio.get_running_loop()
    mine = {task for task in _left_behind if task.get_loop() is loop}
    if mine:
        await asyncio.wait(mine)


_left_behind: set["asyncio.Task[Any]"] = set()


def leave_behind(task: "asyncio.Task[Any]") -> None:
    """Let it end by itself: giving up a connection that was cut takes seconds more."""

    def ended(task: "asyncio.Task[Any]") -> None:
        _left_behind.discard(task)
        if not task.cancelled():
            task.exception()  # was counted where it happened

    _left_behind.add(task)  # a task that nobody holds may vanish halfway
    task.add_done_callback(ended)
