"""The steps of a message at which a process can be killed, and how a child kills itself there."""

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

#: What a killed process was about to do or had just done, and the internal name of the step.
STEPS = {
    "due items read, claim not committed": "before claim_due",
    "due items claimed, none started": "after claim_due",
    "an item carried out and its messages written, not committed": "before carry_out",
    "an item carried out and its messages committed": "after carry_out",
    "messages claimed, not committed": "before claim",
    "messages claimed, no call made": "after claim",
    "a call about to be made": "before call",
    "a call received by Slack, not carried out": "far received",
    "a call carried out by Slack, not answered": "far accepted",
    "a call answered, nothing recorded": "after call",
    "an outcome written, not committed": "before conclude",
    "an outcome committed": "after conclude",
    "a failure written, not committed": "before put_back",
    "a failure committed": "after put_back",
    "interrupted calls marked unknown, not committed": "before doubt",
    "interrupted calls marked unknown": "after doubt",
    "about to look up a message": "before look",
    "a message looked up, nothing recorded": "after look",
    "a lease released, not committed": "before release",
}

#: Rarely reached.
RARE = ("before doubt", "after doubt", "before look", "after look", "before release")

Hook = Callable[[str], None]

_current_tags: ContextVar[set[str] | None] = ContextVar("doing", default=None)


@dataclass
class KillAt:
    """Kills the process when a step is reached for the n-th time."""

    step: str
    times: int

    def __call__(self, step: str) -> None:
        if step != self.step:
            return
        self.times -= 1
        if self.times <= 0:
            os.kill(os.getpid(), signal.SIGKILL)


def watch_steps(reached: Hook) -> None:
    """Report every step that this process reaches from now on."""
    _watch_transactions(reached)
    tag_when_called("claim_due", ticker, "claim", when=bool)
    tag_when_called("claim", transitions, "claim", when=bool)
    tag_when_called("conclude", transitions, "mark_sent")
    tag_when_called("put_back", transitions, "store_unsent")
    tag_when_called("doubt", sender_leases, "mark_interrupted_unknown", when=bool)
    tag_when_called("release", sender_leases, "release")
    _surround("call", slack_calls, "perform", reached)
    _surround("look", slack_calls, "look_up", reached)


def tag_carry_out() -> None:
    """Tag the current transaction: it carries out an agenda item."""
    tags = _current_tags.get()
    if tags is not None:
        tags.add("carry_out")


def _watch_transactions(reached: Hook) -> None:
    original = Database.transaction

    @asynccontextmanager
    async def transaction(self: Database) -> AsyncIterator[AsyncConnection]:
        with _tagged() as tags:
            async with original(self) as tx:
                yield tx
                for tag in sorted(tags):
                    reached(f"before {tag}")
            for tag in sorted(tags):
                reached(f"after {tag}")

    Database.transaction = transaction  # type: ignore[method-assign]


@contextmanager
def _tagged() -> Iterator[set[str]]:
    before = _current_tags.get()
    tags: set[str] = set()
    _current_tags.set(tags)
    try:
        yield tags
    finally:
        _current_tags.set(before)


def tag_when_called(
    tag: str, module: Any, name: str, when: Callable[[Any], bool] | None = None
) -> None:
    """Tag the transaction in which this function is called, if `when` accepts its result."""
    function = getattr(module, name)

    @wraps(function)
    async def tagged(*args: Any, **kwargs: Any) -> Any:
        result = await function(*args, **kwargs)
        tags = _current_tags.get()
        if tags is not None and (when is None or when(result)):
            tags.add(tag)
        return result

    setattr(module, name, tagged)


def _surround(tag: str, module: Any, name: str, reached: Hook) -> None:
    function = getattr(module, name)

    @wraps(function)
    async def surrounded(*args: Any, **kwargs: Any) -> Any:
        reached(f"before {tag}")
        result = await function(*args, **kwargs)
        reached(f"after {tag}")
        return result

    setattr(module, name, surrounded)
