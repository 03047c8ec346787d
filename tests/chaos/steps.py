"""Every step of a message's way at which a process can die, and how a child is made to."""

import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda import ticker
from bot.db.engine import Database
from bot.outbox import sender_leases, slack_calls, transitions

#: What a killed process was about to do, or had just done.
STEPS = {
    "due things read, their claim not committed": "before claim_due",
    "due things claimed, none begun": "after claim_due",
    "a thing done and its messages written, not committed": "before carry_out",
    "a thing done and its messages committed": "after carry_out",
    "messages claimed, not committed": "before claim",
    "messages claimed, no call made": "after claim",
    "a call about to be made": "before call",
    "a call received by Slack, not carried out": "far received",
    "a call carried out by Slack, not answered": "far accepted",
    "a call answered, nothing noted": "after call",
    "an end written, not committed": "before conclude",
    "an end committed": "after conclude",
    "a failure written, not committed": "before put_back",
    "a failure committed": "after put_back",
    "interrupted calls put in doubt, not committed": "before doubt",
    "interrupted calls put in doubt": "after doubt",
    "about to look for a message": "before look",
    "a message looked for, nothing noted": "after look",
    "a lease given back, not committed": "before release",
}

#: Reached once in a while only.
RARE = ("before doubt", "after doubt", "before look", "after look", "before release")

Hook = Callable[[str], None]

_doing: ContextVar[set[str] | None] = ContextVar("doing", default=None)


@dataclass
class Death:
    """Dies at the n-th time that the step is reached."""

    step: str
    times: int

    def __call__(self, step: str) -> None:
        if step != self.step:
            return
        self.times -= 1
        if self.times <= 0:
            os.kill(os.getpid(), signal.SIGKILL)


def watch(reached: Hook) -> None:
    """Tell every step, from now on and in this process."""
    _watch_transactions(reached)
    note("claim_due", ticker, "claim", when=bool)
    note("claim", transitions, "claim", when=bool)
    note("conclude", transitions, "conclude")
    note("put_back", transitions, "put_back")
    note("doubt", sender_leases, "mark_interrupted_unknown", when=bool)
    note("release", sender_leases, "release")
    _surround("call", slack_calls, "perform", reached)
    _surround("look", slack_calls, "look_up", reached)


def carrying_out() -> None:
    """The transaction under way carries out something due."""
    tags = _doing.get()
    if tags is not None:
        tags.add("carry_out")


def _watch_transactions(reached: Hook) -> None:
    whole = Database.transaction

    @asynccontextmanager
    async def transaction(self: Database) -> AsyncIterator[AsyncConnection]:
        with _tagged() as tags:
            async with whole(self) as tx:
                yield tx
                for tag in sorted(tags):
                    reached(f"before {tag}")
            for tag in sorted(tags):
                reached(f"after {tag}")

    Database.transaction = transaction  # type: ignore[method-assign]


@contextmanager
def _tagged() -> Iterator[set[str]]:
    before = _doing.get()
    tags: set[str] = set()
    _doing.set(tags)
    try:
        yield tags
    finally:
        _doing.set(before)


def note(tag: str, module: Any, name: str, when: Callable[[Any], bool] | None = None) -> None:
    """Tag the transaction in which this function has something to do."""
    function = getattr(module, name)

    @wraps(function)
    async def noted(*args: Any, **kwargs: Any) -> Any:
        result = await function(*args, **kwargs)
        tags = _doing.get()
        if tags is not None and (when is None or when(result)):
            tags.add(tag)
        return result

    setattr(module, name, noted)


def _surround(tag: str, module: Any, name: str, reached: Hook) -> None:
    function = getattr(module, name)

    @wraps(function)
    async def surrounded(*args: Any, **kwargs: Any) -> Any:
        reached(f"before {tag}")
        result = await function(*args, **kwargs)
        reached(f"after {tag}")
        return result

    setattr(module, name, surrounded)
